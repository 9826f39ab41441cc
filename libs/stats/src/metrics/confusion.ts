/** The confusion matrix, which every metric on predicted labels is computed from. */
import { DataError } from '@prosodia/core';
import { requireClassIndices } from '../labels.ts';
import { type Float64Matrix, zeros } from '../matrix.ts';

/** Counts by true class (row) and predicted class (column). */
export interface ConfusionMatrix {
  classes: number;
  /** `counts[t * classes + p]`: rows of true class t that were predicted as p. */
  counts: Float64Array;
  total: number;
}

/**
 * Counts predictions by true and predicted class.
 *
 * @param truth, predicted class indices from 0 to `classes` - 1, of equal length
 * @throws DataError for different lengths, no row, or a value that is not a class index
 */
export function confusionMatrix(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): ConfusionMatrix {
  requireSameRows(truth.length, predicted.length, 'predictions');
  requireClassIndices(truth, classes, 'a true label');
  requireClassIndices(predicted, classes, 'a predicted label');
  const counts = new Float64Array(classes * classes);
  for (let i = 0; i < truth.length; i++) counts[truth[i]! * classes + predicted[i]!]!++;
  return { classes, counts, total: truth.length };
}

/** Each row as shares of its sum; the row of a class that never occurs is all 0, as in scikit-learn. */
export function normalizeRows({ classes, counts }: ConfusionMatrix): Float64Matrix {
  const shares = zeros(classes, classes);
  for (let t = 0; t < classes; t++) {
    const row = counts.subarray(t * classes, (t + 1) * classes);
    const support = row.reduce((sum, count) => sum + count, 0);
    if (support > 0)
      shares.data.set(
        row.map((count) => count / support),
        t * classes,
      );
  }
  return shares;
}

/** True positives, support (row sum) and predicted count (column sum) of each class. */
export function classCounts({ classes, counts }: ConfusionMatrix) {
  const hits = new Float64Array(classes);
  const support = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  for (let t = 0; t < classes; t++) {
    hits[t] = counts[t * classes + t]!;
    for (let p = 0; p < classes; p++) {
      support[t]! += counts[t * classes + p]!;
      predicted[p]! += counts[t * classes + p]!;
    }
  }
  return { hits, support, predicted };
}

/** Checks that there is at least one row and that both sides have as many. Throws a DataError. */
export function requireSameRows(truth: number, other: number, what: string): void {
  if (truth === other && truth > 0) return;
  throw new DataError({
    problem: truth === other ? 'a metric needs at least one row' : `true labels and ${what} differ in number`,
    expected: truth === other ? 'one row or more' : `${truth} rows, as there are true labels`,
    got: `${other} rows`,
  });
}
