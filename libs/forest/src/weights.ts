/** Row weights: what `sample_weight` and `class_weight` come to, before and after a bootstrap draw. */
import { type Rng } from '@prosodia/core';
import type { ClassWeight } from './params.ts';

/**
 * One weight per row, or `undefined` if all are 1. `balanced_subsample` is left to each tree.
 *
 * @param y `[rows]` class indices
 */
export function rowWeights(
  y: Int32Array,
  classes: number,
  sampleWeight: ArrayLike<number> | undefined,
  classWeight: ClassWeight,
  bootstrap: boolean,
): Float64Array<SharedArrayBuffer> | undefined {
  const perTree = classWeight === 'balanced_subsample' && bootstrap;
  if (sampleWeight === undefined && (classWeight === null || perTree)) return undefined;
  const weights = new Float64Array(new SharedArrayBuffer(8 * y.length));
  for (let row = 0; row < y.length; row++) weights[row] = sampleWeight === undefined ? 1 : sampleWeight[row]!;
  if (classWeight === null || perTree) return weights;
  const ofClass = typeof classWeight === 'string' ? balancedWeights(y, classes, weights) : classWeight;
  for (let row = 0; row < y.length; row++) weights[row]! *= ofClass[y[row]!]!;
  return weights;
}

/**
 * Weights that give every class the same sum: `total / (present classes * sum of the class)`, as
 * scikit-learn's `compute_class_weight('balanced')`. A class without rows gets 0.
 *
 * @param weights `[rows]` weights or bootstrap counts
 */
export function balancedWeights(y: Int32Array, classes: number, weights: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(classes);
  for (let row = 0; row < y.length; row++) sums[y[row]!]! += weights[row]!;
  const present = sums.filter((sum) => sum > 0).length;
  const total = sums.reduce((a, b) => a + b, 0);
  return sums.map((sum) => (sum > 0 ? total / (present * sum) : 0));
}

/** Draws rows with replacement: adds to `counts` how often each row was drawn. */
export type Bootstrap = (rng: Rng, counts: Float64Array) => void;

/** Each row equally likely. */
export function uniformBootstrap(draws: number): Bootstrap {
  return (rng, counts) => {
    for (let i = 0; i < draws; i++) counts[below(rng, counts.length)]!++;
  };
}

/** Each row with a probability proportional to its weight. */
export function weightedBootstrap(draws: number, weights: Float64Array): Bootstrap {
  const cumulative = new Float64Array(weights.length);
  let sum = 0;
  for (let row = 0; row < weights.length; row++) cumulative[row] = sum += weights[row]!;
  return (rng, counts) => {
    for (let i = 0; i < draws; i++) counts[firstAbove(cumulative, rng.next() * sum)]!++;
  };
}

/** A whole number in [0, n). Its bias, below n / 2^32, does not matter here; `Rng.int` pays for having none. */
export function below(rng: Rng, n: number): number {
  return Math.floor((rng.uint32() * n) / 0x1_0000_0000);
}

/** The first index whose cumulative sum exceeds `target`: an index of a positive weight. */
function firstAbove(cumulative: Float64Array, target: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
