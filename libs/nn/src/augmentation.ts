/**
 * Augmentation of features while they are trained on: each step sees a row changed in another way.
 *
 * For features as a matrix over time and frequency; masks follow SpecAugment (Park and others, 2019).
 * Rows are `[time, frequency]` or `[frequency, time, channels]`.
 */
import { RequestError, Type, type Rng, type Static } from '@prosodia/core';
import { describeShape, type Shape } from './graph.ts';
import { readOptions, type Resolved } from './options.ts';

const MaskOptions = Type.Object(
  {
    max_width: Type.Integer({ minimum: 1, description: 'Widest stripe; the width is uniform from 0 to this.' }),
    count: Type.Optional(Type.Integer({ minimum: 1, default: 1, description: 'Number of stripes.' })),
  },
  { additionalProperties: false },
);

export const AugmentationSchema = Type.Object(
  {
    time_mask: Type.Optional(
      Type.Unsafe<Static<typeof MaskOptions>>({ ...MaskOptions, description: 'Sets stripes of time to mask_value.' }),
    ),
    frequency_mask: Type.Optional(
      Type.Unsafe<Static<typeof MaskOptions>>({
        ...MaskOptions,
        description: 'Sets stripes of frequency to mask_value.',
      }),
    ),
    mask_value: Type.Optional(
      Type.Number({ default: 0, description: 'What a mask writes; 0 is the mean of standardized features.' }),
    ),
    gain: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'Each row is multiplied by 1 plus or minus up to this.' }),
    ),
    noise: Type.Optional(
      Type.Number({ minimum: 0, description: 'Standard deviation of normal noise added to every value.' }),
    ),
    probability: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, default: 1, description: 'Share of rows that are changed at all.' }),
    ),
  },
  { additionalProperties: false, default: {}, description: 'Random changes of the training rows, anew in every step.' },
);

export type AugmentationSpec = Static<typeof AugmentationSchema>;

/** Changes one row in place. */
export type Augmentation = (row: Float32Array, rng: Rng) => void;

/** Throws a RequestError if the description does not fit, or if it masks an axis the rows do not have. */
export function readAugmentation(spec: AugmentationSpec, inputShape: Shape): Augmentation | undefined {
  const read = readOptions(AugmentationSchema, spec, 'augmentation');
  const { time_mask: time, frequency_mask: frequency, gain, noise, probability, mask_value: value } = read;
  if (!time && !frequency && !gain && !noise) return undefined;
  if ((time || frequency) && inputShape.length < 2) {
    throw new RequestError({
      problem: 'these rows have no axes of time and frequency to mask',
      expected: 'rows of time x frequency, or frequency x time x channels',
      got: describeShape(inputShape),
      where: 'augmentation',
    });
  }
  const [timeAxis, frequencyAxis] = inputShape.length === 2 ? [0, 1] : [1, 0];
  const masks = [
    { axis: timeAxis, mask: time },
    { axis: frequencyAxis, mask: frequency },
  ].flatMap(({ axis, mask }) => (mask ? [{ axis, ...(mask as Resolved<typeof mask>) }] : []));
  return (row, rng) => {
    if (rng.next() >= probability) return;
    if (gain) {
      const factor = rng.uniform(1 - gain, 1 + gain);
      row.forEach((x, i) => (row[i] = x * factor));
    }
    if (noise) row.forEach((x, i) => (row[i] = x + rng.normal(0, noise)));
    for (const { axis, max_width: widest, count } of masks) {
      for (let i = 0; i < count; i++) maskStripe(row, inputShape, axis, widest, value, rng);
    }
  };
}

function maskStripe(row: Float32Array, shape: Shape, axis: number, widest: number, value: number, rng: Rng): void {
  const size = shape[axis]!;
  const width = rng.int(Math.min(widest, size) + 1);
  const from = rng.int(size - width + 1);
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  for (let start = from * inner; start < row.length; start += size * inner) {
    row.fill(value, start, start + width * inner);
  }
}
