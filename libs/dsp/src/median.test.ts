import { Rng } from '@prosodia/core';
import { expect, it } from 'vitest';
import { medianOf } from './median.ts';

const bySorting = (values: Float32Array): number => {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  if (sorted.length % 2) return sorted[middle]!;
  return Math.fround(Math.fround(sorted[middle - 1]! + sorted[middle]!) / 2);
};

it('is what sorting gives, for few and many, equal, ascending and descending values', () => {
  const rng = new Rng(1, 'median');
  for (const length of [1, 2, 3, 4, 5, 8, 31, 32, 1000, 4097]) {
    const cases = [
      () => rng.uniform(-1, 1),
      () => Math.floor(rng.uniform(0, 4)),
      () => 0.25,
      (i: number) => i,
      (i: number) => -i,
      (i: number) => (i % 2 ? i : -i),
    ].map((value) => Float32Array.from({ length }, (_, i) => value(i)));
    for (const values of cases) expect(medianOf(values.slice())).toBe(bySorting(values));
  }
});

it('of no values is NaN', () => {
  expect(medianOf(new Float32Array())).toBeNaN();
});
