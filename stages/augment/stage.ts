/** Adds altered copies of training items; validation and test items pass through untouched. */
import { mapSharded, Type, defineStage } from '@prosodia/core';
import { type AudioRow, AudioTable, SplitTable } from '@prosodia/tables';
import type { AugmentCopy, AugmentItem, AugmentSetup } from './rows.ts';
import { TransformSchema, type TransformSpec } from './transforms.ts';

const DEFAULT_TRANSFORMS: TransformSpec[] = [
  { pitch_shift: { n_steps: [-2, 2] } },
  { time_stretch: { rate: [0.8, 1.2] } },
  { noise: { snr_db: [15, 30] } },
  { gain: { db: [-6, 6] } },
  { shift: { seconds: [-0.3, 0.3], fill: 'silence' } },
];

export default defineStage({
  name: 'augment',
  summary: 'Adds altered copies of the training items: pitch, tempo, noise, volume, position.',
  details:
    'For each training item `copies` transforms are drawn, different ones as long as there are enough, with ' +
    'their numbers. Choices depend on the seed and the item only. A copy carries the clip id of its recording, ' +
    'so it stays on the training side; what was done is in `augmentation` and `augmentation_params`.',
  params: Type.Object({
    copies: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 100,
      description: 'Copies per training item, besides the original.',
    }),
    transforms: Type.Array(TransformSchema, {
      default: DEFAULT_TRANSFORMS,
      minItems: 1,
      description: 'What may be done: pitch_shift, time_stretch, noise, gain, shift, each with its ranges.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split whose training clips are altered.' }),
  }),
  inputs: { audio: AudioTable, split: SplitTable },
  outputs: { audio: AudioTable },
  seeded: true,
  resources: { threads: 'all' },

  async run({ params, inputs, outputs, rng, threads, signal, progress }) {
    const roles = await inputs.split.roles(params.fold);
    const seed = rng.uint32();
    const total = await inputs.audio.count();
    const waiting: AudioRow[] = [];
    async function* items(): AsyncGenerator<AugmentItem> {
      for await (const row of inputs.audio.rows()) {
        const own = lasting(row);
        waiting.push(own);
        const trains = roles.get(row.clip_id) === 'train';
        yield {
          itemId: row.item_id,
          samples: trains ? own.samples : EMPTY,
          sampleRate: row.sample_rate,
          seed: trains ? seed : null,
        };
      }
    }
    const results = mapSharded<AugmentSetup, AugmentItem, AugmentCopy[]>(items(), {
      worker: new URL('./rows.ts', import.meta.url),
      setup: { transforms: params.transforms, copies: params.copies },
      threads,
      signal,
    });
    let done = 0;
    for await (const copies of results) {
      const row = waiting.shift()!;
      await outputs.audio.append(row);
      for (const [index, { name, samples, drawn }] of copies.entries()) {
        await outputs.audio.append({
          ...row,
          item_id: `${row.item_id}+${index + 1}`,
          parent_item_id: row.item_id,
          start_s: 0,
          end_s: samples.length / row.sample_rate,
          augmentation: name,
          augmentation_params: JSON.stringify(drawn),
          seed,
          samples,
        });
      }
      progress(++done, total, 'items');
    }
  },
});

const EMPTY = new Float32Array();

/** A row that outlives its batch: samples read from a table are views into the batch's memory. */
function lasting<R extends { samples: Float32Array }>(row: R): R {
  return { ...row, samples: row.samples.slice() };
}
