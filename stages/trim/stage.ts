/** Cuts silence off both ends, so that what is summarized over an item is of its speech. */
import { DataError, RequestError, Type, defineStage, throwIfCancelled, reasonOf } from '@prosodia/core';
import { trimBounds } from '@prosodia/dsp';
import { AudioTable, OnErrorSchema, SkippedItems } from '@prosodia/tables';

export default defineStage({
  name: 'trim',
  summary: 'Cuts silence off both ends of each item.',
  details:
    'The numbers are those of librosa.effects.trim: a frame is silent that lies `top_db` or more below the loudest of ' +
    'its item. Pauses within an item stay. Times in the table are those in the item that was trimmed.',
  params: Type.Object({
    top_db: Type.Number({
      default: 60,
      exclusiveMinimum: 0,
      description: 'Decibels below the loudest frame that count as silence.',
    }),
    frame_length: Type.Integer({ default: 2048, minimum: 1, description: 'Samples in a frame.' }),
    hop_length: Type.Integer({ default: 512, minimum: 1, description: 'Samples from one frame to the next.' }),
    on_error: OnErrorSchema,
  }),
  inputs: { audio: AudioTable },
  outputs: { audio: AudioTable },

  async run({ params, inputs, outputs, signal, progress, notice, metrics, leftOut }) {
    const total = await inputs.audio.count();
    const skipped = new SkippedItems();
    let done = 0;
    let before = 0;
    let after = 0;
    for await (const item of inputs.audio.rows()) {
      throwIfCancelled(signal);
      const { samples, sample_rate, start_s } = item;
      try {
        const { start, end } = trimBounds(samples, params);
        await outputs.audio.append({
          ...item,
          start_s: start_s + start / sample_rate,
          end_s: start_s + end / sample_rate,
          samples: samples.slice(start, end),
        });
        before += samples.length / sample_rate;
        after += (end - start) / sample_rate;
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        if (params.on_error === 'fail') throw error.at(`item ${item.item_id}`);
        skipped.add(item.item_id, reasonOf(error));
      }
      progress(++done, total, `items, ${Math.round(before)} s of audio`);
    }
    metrics({ kept_share: before > 0 ? after / before : 1 });
    skipped.report({ notice, metrics, leftOut }, done - skipped.count);
  },

  async compose() {
    throw new RequestError({
      problem: 'trim leaves a different length of each recording, and a graph has one for all of a batch',
      expected: 'a pipeline without it',
    });
  },
});
