/** Adds altered copies of the features of training items; validation and test items pass through untouched. */
import { RequestError, Rng, optional, throwIfCancelled, Type, defineStage } from '@prosodia/core';
import { BalanceSchema, ClipTable, FeatureTable, SplitTable, planCopies } from '@prosodia/tables';
import { TRANSFORM_NAMES, TransformSchema, type TransformSpec, applyTransform, checkTransform } from './transforms.ts';

const DEFAULT_TRANSFORMS: TransformSpec[] = [
  { time_mask: { max_width: 10, count: 1, value: 'mean' } },
  { frequency_mask: { max_width: 10, count: 1, value: 'mean' } },
  { gain: { factor: [0.8, 1.2] } },
];

export default defineStage({
  name: 'augment-features',
  summary: 'Adds altered copies of the features of training items: time and frequency masks, gain, noise.',
  details:
    'For spectrograms and other features over time, before they are trained on; the copies are the same in every ' +
    'epoch. Changes drawn anew in every step are the `augmentation` of train-network. Choices depend on the seed and ' +
    'the item only, and are recorded as by the stage augment.',
  params: Type.Object({
    copies: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 100,
      description: 'Copies per training item, besides the original.',
    }),
    choose: Type.Union([Type.Integer({ minimum: 1 }), Type.Literal('all')], {
      default: 'all',
      description: 'Transforms in one copy, drawn without repetition and applied in the order listed; or all of them.',
    }),
    balance: Type.Optional(BalanceSchema),
    transforms: Type.Array(TransformSchema, {
      default: DEFAULT_TRANSFORMS,
      minItems: 1,
      description: `What may be done, each with its numbers: ${TRANSFORM_NAMES.join(', ')}.`,
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split whose training clips are altered.' }),
  }),
  inputs: { features: FeatureTable, split: SplitTable, clips: optional(ClipTable) },
  outputs: { features: FeatureTable },
  seeded: true,

  async run({ params, inputs, outputs, rng, signal, progress }) {
    const { features } = inputs;
    const { transforms, fold, copies, balance } = params;
    if (typeof params.choose === 'number' && params.choose > transforms.length) {
      throw new RequestError({
        problem: 'there are not as many transforms to choose from',
        expected: `at most ${transforms.length}`,
        got: `choose: ${params.choose}`,
        where: 'parameter choose',
      });
    }
    const seed = rng.uint32();
    const copiesOf = await planCopies({
      items: () => features.table.rows(['clip_id', 'item_id']),
      split: inputs.split,
      fold,
      copies,
      balance,
      clips: inputs.clips,
      rng,
    });
    const total = await features.table.count();
    if (total > 0) for (const spec of transforms) checkTransform(spec, features.layout);
    outputs.features.begin(features.layout, features.metadata);
    let done = 0;
    for await (const { items, values, width, padding } of features.blocks()) {
      for (const [row, item] of items.entries()) {
        throwIfCancelled(signal);
        const own = values.subarray(row * width, (row + 1) * width);
        await outputs.features.append(item, own, padding?.[row]);
        const draws = new Rng(seed, item.item_id);
        for (let copy = 0; copy < copiesOf(item); copy++) {
          const altered = own.slice();
          const steps = chosen(transforms, params.choose, draws.fork('choice', copy)).map((spec, step) => {
            const [name] = Object.keys(spec) as [string];
            return { [name]: applyTransform(altered, features.layout, spec, draws.fork('copy', copy, step)) };
          });
          const derived = {
            ...item,
            item_id: `${item.item_id}+${copy + 1}`,
            parent_item_id: item.item_id,
            start_s: 0,
            end_s: item.end_s - item.start_s,
            augmentation: steps.map((step) => Object.keys(step)[0]!).join('+'),
            augmentation_params: JSON.stringify(steps),
            seed,
          };
          await outputs.features.append(derived, altered, padding?.[row]);
        }
        progress(++done, total, 'items');
      }
    }
  },

  serve: {
    inputs: ['features'],
    async run({ inputs: { features }, outputs }) {
      outputs.features.begin(features.layout, features.metadata);
      for await (const { items, values, width, padding } of features.blocks()) {
        for (const [row, item] of items.entries()) {
          await outputs.features.append(item, values.slice(row * width, (row + 1) * width), padding?.[row]);
        }
      }
    },
  },

  compose: async (context) => ({ features: context.features('features') }),
});

function chosen(transforms: readonly TransformSpec[], choose: number | 'all', rng: Rng): TransformSpec[] {
  if (choose === 'all') return [...transforms];
  const places = rng.sample([...transforms.keys()], choose).sort((a, b) => a - b);
  return places.map((place) => transforms[place]!);
}
