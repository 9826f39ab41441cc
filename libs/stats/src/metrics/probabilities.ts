/**
 * Metrics on predicted probabilities: log-loss, Brier score, top-k accuracy.
 *
 * Probabilities are a matrix with one row per row and one column per class. A row must sum to 1 within
 * single-precision rounding: a metric on anything else is not what it says.
 */
import { DataError, RequestError } from '@prosodia/core';
import { requireClassIndices } from '../labels.ts';
import { type Matrix, requireFinite, requireShape } from '../matrix.ts';
import { requireSameRows } from './confusion.ts';

/** How far the sum of a row may be from 1; softmax in half or single precision stays well within. */
const SUM_TOLERANCE = 1e-3;

/** Checks what every metric here needs. Throws a DataError naming the row. */
export function requireProbabilities(matrix: Matrix): void {
  requireShape(matrix);
  requireFinite(matrix);
  const { data, rows, cols } = matrix;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    let lowest = 0;
    for (let j = 0; j < cols; j++) {
      sum += data[i * cols + j]!;
      lowest = Math.min(lowest, data[i * cols + j]!);
    }
    if (lowest < 0 || Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw new DataError({
        problem: 'a row of probabilities is not a distribution',
        expected: 'values of 0 or more that sum to 1',
        got: `row ${i} with smallest value ${lowest} and sum ${sum}`,
      });
    }
  }
}

/** Checks labels and probabilities against each other. Throws a DataError. */
export function requireTruthAndProbabilities(truth: ArrayLike<number>, probabilities: Matrix): void {
  requireSameRows(truth.length, probabilities.rows, 'probabilities');
  requireClassIndices(truth, probabilities.cols, 'a true label');
  requireProbabilities(probabilities);
}

/** The smallest probability that a logarithm is taken of: the precision of the matrix, as in scikit-learn. */
export function probabilityFloor({ data }: Matrix): number {
  return data instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
}

/**
 * Mean negative logarithm of the probability given to the true class (natural logarithm); probabilities are kept
 * away from 0 and 1 by {@link probabilityFloor}.
 *
 * @throws DataError for labels or probabilities that are none
 */
export function logLoss(truth: ArrayLike<number>, probabilities: Matrix): number {
  requireTruthAndProbabilities(truth, probabilities);
  const floor = probabilityFloor(probabilities);
  const { data, rows, cols } = probabilities;
  let sum = 0;
  for (let i = 0; i < rows; i++) sum -= Math.log(Math.min(Math.max(data[i * cols + truth[i]!]!, floor), 1 - floor));
  return sum / rows;
}

/**
 * Brier score: mean over the rows of the squared distance between probabilities and the one-hot truth.
 *
 * From 0 to 2; with `scale_by_half` from 0 to 1, which for two classes is the familiar binary Brier score.
 * Default: halved for two classes only, as in scikit-learn.
 *
 * @throws DataError for labels or probabilities that are none
 */
export function brierScore(
  truth: ArrayLike<number>,
  probabilities: Matrix,
  { scale_by_half = probabilities.cols <= 2 }: { scale_by_half?: boolean } = {},
): number {
  requireTruthAndProbabilities(truth, probabilities);
  const { data, rows, cols } = probabilities;
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) sum += (data[i * cols + j]! - (truth[i] === j ? 1 : 0)) ** 2;
  }
  return (scale_by_half ? 0.5 : 1) * (sum / rows);
}

/**
 * Share of rows whose true class is among the `k` most probable.
 *
 * Of equal probabilities the lower class index comes first, so that k = 1 is the accuracy of {@link argmaxRows}.
 * (scikit-learn lets the higher index come first here, against its own argmax.)
 *
 * @throws RequestError if k is not a whole number from 1 on
 * @throws DataError for labels or probabilities that are none
 */
export function topKAccuracy(truth: ArrayLike<number>, probabilities: Matrix, k: number): number {
  if (!(Number.isInteger(k) && k >= 1)) {
    throw new RequestError({ problem: 'k is not a count', expected: 'a whole number from 1 on', got: String(k) });
  }
  requireTruthAndProbabilities(truth, probabilities);
  const { data, rows, cols } = probabilities;
  let hits = 0;
  for (let i = 0; i < rows; i++) {
    const own = data[i * cols + truth[i]!]!;
    let ahead = 0;
    for (let j = 0; j < cols; j++) {
      const other = data[i * cols + j]!;
      if (other > own || (other === own && j < truth[i]!)) ahead++;
    }
    if (ahead < k) hits++;
  }
  return hits / rows;
}

/** The class of largest value of each row; the lowest index of equals, as numpy's argmax. */
export function argmaxRows({ data, rows, cols }: Matrix): Int32Array {
  return Int32Array.from({ length: rows }, (_, i) => {
    let best = 0;
    for (let j = 1; j < cols; j++) if (data[i * cols + j]! > data[i * cols + best]!) best = j;
    return best;
  });
}
