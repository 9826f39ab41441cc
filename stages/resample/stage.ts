/** Decodes recordings, mixes them down to one channel and brings them to one sample rate. */
import { DataError, mapSharded, Type, defineStage, reasonOf } from '@prosodia/core';
import { onnx } from '@prosodia/dsp';
import { AudioTable, ClipTable, type ClipRow, OnErrorSchema, SkippedItems } from '@prosodia/tables';
import type { DecodeItem, DecodeResult, DecodeSetup } from './rows.ts';

export default defineStage({
  name: 'resample',
  summary: 'Decodes the recordings, mixes them to mono and resamples them.',
  details:
    'WAV and FLAC. Several channels become their mean, as in librosa.to_mono. The resampler is of the class of ' +
    'soxr HQ. A recording whose bytes are not those the clips table pins is refused.',
  params: Type.Object({
    rate: Type.Integer({
      default: 16000,
      minimum: 1000,
      maximum: 384000,
      description: 'Samples per second afterwards, in Hz.',
    }),
    on_error: OnErrorSchema,
  }),
  inputs: { clips: ClipTable },
  outputs: { audio: AudioTable },
  resources: { threads: 'all' },

  async run({ params, inputs, outputs, recordings, threads, patience_s, signal, progress, notice, metrics, leftOut }) {
    const clips = await inputs.clips.all();
    async function* items(): AsyncGenerator<DecodeItem> {
      for (const clip of clips) {
        const where = `clip ${clip.clip_id}`;
        try {
          yield { where, bytes: await recordings.read(clip) };
        } catch (error) {
          if (params.on_error === 'fail' || !(error instanceof DataError)) throw error;
          yield { where, unread: reasonOf(error) };
        }
      }
    }
    const results = mapSharded<DecodeSetup, DecodeItem, DecodeResult>(items(), {
      worker: new URL('./rows.ts', import.meta.url),
      setup: { rate: params.rate, on_error: params.on_error },
      threads,
      patience_s,
      signal,
    });
    const remarks = new Map<string, string[]>();
    const skipped = new SkippedItems();
    let done = 0;
    let heard = 0;
    for await (const result of results) {
      const clip = clips[done]!;
      if ('skipped' in result) skipped.add(clip.clip_id, result.skipped);
      else {
        const { samples, notices } = result;
        // What a recipe was trained on is for its author to judge; who predicts may not know what it was.
        const doubts = leftOut ? doubtsOf(samples, clip.sample_rate, params.rate) : [];
        for (const remark of [...notices, ...doubts]) {
          const ids = remarks.get(remark) ?? [];
          ids.push(clip.clip_id);
          remarks.set(remark, ids);
        }
        await outputs.audio.append(rowFor(clip, samples, params.rate));
      }
      heard += clip.duration_s;
      progress(++done, clips.length, `clips, ${Math.round(heard)} s of audio`);
    }
    skipped.report({ notice, metrics, leftOut }, done - skipped.count);
    for (const [remark, ids] of remarks) {
      notice(`${remark}: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''}`);
    }
  },

  hears: ({ params, items }) => ({ rate: params.rate, items }),

  // Rates and channels are as many as there are files: whoever runs the model gives it mono samples at this rate.
  compose: async ({ params }) => ({
    audio: { kind: 'audio', samples: onnx.waveform(), rate: params.rate, parts: undefined },
  }),
});

/** 60 dB below full scale: no voice that is meant to be heard. */
const SILENT = 1e-3;

/** What makes a prediction worth little, however probable. */
function doubtsOf(samples: Float32Array, own: number, rate: number): string[] {
  const doubts: string[] = [];
  if (!samples.some((sample) => Math.abs(sample) >= SILENT)) {
    doubts.push('hardly any sound (nothing above -60 dB of full scale): a prediction means nothing');
  }
  if (own < 0.95 * rate) {
    doubts.push(
      `recorded at ${own} Hz, heard at ${rate} Hz: there is nothing above ${own / 2} Hz, which weakens a prediction ` +
        'unless the recipe learned from such recordings',
    );
  }
  return doubts;
}

function rowFor({ clip_id }: ClipRow, samples: Float32Array, rate: number) {
  return {
    clip_id,
    item_id: clip_id,
    parent_item_id: null,
    start_s: 0,
    end_s: samples.length / rate,
    augmentation: null,
    augmentation_params: null,
    seed: null,
    sample_rate: rate,
    samples,
  };
}
