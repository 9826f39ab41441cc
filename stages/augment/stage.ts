/** Adds altered copies of training items; validation and test items pass through untouched. */
import { RequestError, mapSharded, optional, Type, defineStage } from '@prosodia/core';
import {
  type AudioRow,
  AudioTable,
  BalanceSchema,
  ClipTable,
  OnErrorSchema,
  SkippedItems,
  SplitTable,
  planCopies,
} from '@prosodia/tables';
import type { AugmentItem, AugmentResult, AugmentSetup } from './rows.ts';
import { TRANSFORM_NAMES, TransformSchema, type TransformSpec, checkTransform } from './transforms.ts';

const DEFAULT_TRANSFORMS: TransformSpec[] = [
  { pitch_shift: { n_steps: [-2, 2] } },
  { time_stretch: { rate: [0.8, 1.2] } },
  { noise: { color: 'white', snr_db: [15, 30] } },
  { gain: { db: [-6, 6] } },
  { shift: { seconds: [-0.3, 0.3], fill: 'silence' } },
];

export default defineStage({
  name: 'augment',
  summary: 'Adds altered copies of the training items: pitch, tempo, noise, volume, position, room, telephone.',
  details:
    'For each training item `copies` transforms are drawn, different ones as long as there are enough, with ' +
    'their numbers. Choices depend on the seed and the item only. A copy carries the clip id of its recording, ' +
    'so it stays on the training side; what was done is in `augmentation` (`noise+gain` for two changes) and, with ' +
    'the numbers drawn, in `augmentation_params`, a list in the form of `transforms`. Pitch shift and time stretch ' +
    "are librosa's phase vocoder.",
  params: Type.Object({
    copies: Type.Union([Type.Integer({ minimum: 1, maximum: 100 }), Type.Literal('each')], {
      default: 3,
      description: 'Copies per training item, besides the original; each: one per transform, in the order listed.',
    }),
    choose: Type.Union([Type.Integer({ minimum: 1 }), Type.Literal('all')], {
      default: 1,
      description: 'Transforms in one copy, drawn without repetition and applied in the order listed; or all of them.',
    }),
    balance: Type.Optional(BalanceSchema),
    transforms: Type.Array(TransformSchema, {
      default: DEFAULT_TRANSFORMS,
      minItems: 1,
      description: `What may be done, each with its ranges: ${TRANSFORM_NAMES.join(', ')}.`,
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split whose training clips are altered.' }),
    on_error: OnErrorSchema,
  }),
  inputs: { audio: AudioTable, split: SplitTable, clips: optional(ClipTable) },
  outputs: { audio: AudioTable },
  seeded: true,
  resources: { threads: 'all' },

  async run({ params, inputs, outputs, rng, threads, signal, progress, notice, metrics }) {
    const { transforms, fold, balance, on_error } = params;
    const each = params.copies === 'each' && !balance;
    const choose = params.choose === 'all' ? transforms.length : params.choose;
    transforms.forEach(checkTransform);
    if (choose > transforms.length || (each && params.choose !== 1))
      throw tooMany(params.choose, transforms.length, each);
    const seed = rng.uint32();
    const copiesOf = await planCopies({
      items: () => inputs.audio.rows(['clip_id', 'item_id']),
      split: inputs.split,
      fold,
      copies: params.copies === 'each' ? transforms.length : params.copies,
      balance,
      clips: inputs.clips,
      rng,
    });
    const total = await inputs.audio.count();
    const waiting: AudioRow[] = [];
    async function* items(): AsyncGenerator<AugmentItem> {
      for await (const row of inputs.audio.rows()) {
        const own = lasting(row);
        waiting.push(own);
        const copies = copiesOf(row);
        const samples = copies > 0 ? own.samples : EMPTY;
        yield { itemId: row.item_id, samples, sampleRate: row.sample_rate, copies };
      }
    }
    const results = mapSharded<AugmentSetup, AugmentItem, AugmentResult>(items(), {
      worker: new URL('./rows.ts', import.meta.url),
      setup: { transforms, choose, each, seed, on_error },
      threads,
      signal,
    });
    const skipped = new SkippedItems();
    let done = 0;
    let heard = 0;
    for await (const result of results) {
      const row = waiting.shift()!;
      if (result.skipped !== undefined) skipped.add(row.item_id, result.skipped);
      else await outputs.audio.append(row);
      for (const [index, { names, samples, steps }] of result.copies.entries()) {
        await outputs.audio.append({
          ...row,
          item_id: `${row.item_id}+${index + 1}`,
          parent_item_id: row.item_id,
          start_s: 0,
          end_s: samples.length / row.sample_rate,
          augmentation: names.join('+'),
          augmentation_params: JSON.stringify(steps),
          seed,
          samples,
        });
      }
      heard += row.samples.length / row.sample_rate;
      progress(++done, total, `items, ${Math.round(heard)} s of audio`);
    }
    skipped.report({ notice, metrics }, done - skipped.count);
  },

  serve: {
    inputs: ['audio'],
    async run({ inputs, outputs }) {
      for await (const row of inputs.audio.rows()) await outputs.audio.append(lasting(row));
    },
  },

  compose: async (context) => ({ audio: context.audio('audio') }),
});

const EMPTY = new Float32Array();

/** A row that outlives its batch: samples read from a table are views into the batch's memory. */
function lasting<R extends { samples: Float32Array }>(row: R): R {
  return { ...row, samples: row.samples.slice() };
}

function tooMany(choose: number | 'all', transforms: number, each: boolean): RequestError {
  return new RequestError({
    problem: each ? 'with copies: each a copy has one transform' : 'there are not as many transforms to choose from',
    expected: each ? 'choose: 1' : `at most ${transforms}`,
    got: `choose: ${choose}`,
    where: 'parameter choose',
  });
}
