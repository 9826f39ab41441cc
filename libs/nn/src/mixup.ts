/**
 * Mixup (Zhang and others, 2018): training on weighted means of two rows and of their targets.
 *
 * The share of the first row is drawn from Beta(alpha, alpha) and taken as at least one half (the two
 * rows of a pair are interchangeable), so that a mixed row keeps the label it counts under.
 */
import { Type, type Rng, type Static } from '@prosodia/core';
import { readOptions } from './options.ts';

export const MixupSchema = Type.Object(
  {
    alpha: Type.Optional(Type.Number({ exclusiveMinimum: 0, default: 0.2, description: 'Larger mixes more evenly.' })),
  },
  { additionalProperties: false, description: 'Trains on weighted means of two rows.' },
);

export type MixupSpec = Static<typeof MixupSchema>;

/** Throws a RequestError if the description does not fit. */
export function readMixup(spec: MixupSpec | undefined): number | undefined {
  return spec && readOptions(MixupSchema, spec, 'mixup').alpha;
}

/** What is mixed: rows of a batch, one after another. */
export interface Batch {
  readonly input: Float32Array;
  readonly targets: Float32Array;
  readonly weights: Float32Array;
}

/** Mixes every row with a random other one, in place, one share for the batch. */
export function mix({ input, targets, weights }: Batch, alpha: number, rng: Rng): void {
  const drawn = beta(alpha, rng);
  const share = Math.max(drawn, 1 - drawn);
  const rows = weights.length;
  const partner = rng.shuffle(Int32Array.from({ length: rows }, (_, i) => i));
  mixRows(input, partner, () => share);
  // The weight of a mixed row is the mean of both; its target leans to the heavier one, so that the
  // loss is the mean of the two weighted losses.
  const before = weights.slice();
  const mixed = before.map((weight, i) => share * weight + (1 - share) * before[partner[i]!]!);
  mixRows(targets, partner, (i) => (mixed[i] === 0 ? share : (share * before[i]!) / mixed[i]!));
  weights.set(mixed);
}

function mixRows(values: Float32Array, partner: Int32Array, shareOf: (row: number) => number): void {
  const before = values.slice();
  const width = values.length / partner.length;
  partner.forEach((other, row) => {
    const share = shareOf(row);
    for (let i = 0; i < width; i++) {
      values[row * width + i] = share * before[row * width + i]! + (1 - share) * before[other * width + i]!;
    }
  });
}

/** Beta(alpha, alpha), as the share of one of two Gamma draws. */
function beta(alpha: number, rng: Rng): number {
  const [a, b] = [gamma(alpha, rng), gamma(alpha, rng)];
  return a + b === 0 ? Number(rng.next() < 0.5) : a / (a + b);
}

/** Marsaglia and Tsang, 2000; below 1 by the power of a uniform draw. */
function gamma(shape: number, rng: Rng): number {
  if (shape < 1) return gamma(shape + 1, rng) * rng.next() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = rng.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - rng.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
