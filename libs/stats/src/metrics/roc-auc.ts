/** Area under the ROC curve, one class against the rest. */
import { requireTruthAndProbabilities } from './probabilities.ts';
import { type Matrix } from '../matrix.ts';

export interface RocAuc {
  /** Mean over the classes that have a value; NaN if none has. */
  macro: number;
  /** By class index; null where the class never occurs or nothing else does, so that there is no curve. */
  perClass: (number | null)[];
  /** Class indices without a value. */
  undefined: number[];
}

/**
 * One-vs-rest ROC-AUC of each class and their plain mean, through ranks: the probability that a row of the
 * class scores higher than a row of the rest, ties counting half (Mann and Whitney, 1947).
 *
 * @throws DataError for labels or probabilities that are none
 */
export function rocAucOvr(truth: ArrayLike<number>, probabilities: Matrix): RocAuc {
  requireTruthAndProbabilities(truth, probabilities);
  const { data, rows, cols } = probabilities;
  const perClass = Array.from({ length: cols }, (_, c) => {
    const scores = Float64Array.from({ length: rows }, (_, i) => data[i * cols + c]!);
    return binaryAuc(scores, (row) => truth[row] === c);
  });
  const defined = perClass.filter((value) => value !== null);
  return {
    macro: defined.reduce((sum, value) => sum + value, 0) / defined.length,
    perClass,
    undefined: perClass.flatMap((value, c) => (value === null ? [c] : [])),
  };
}

function binaryAuc(scores: Float64Array, isPositive: (row: number) => boolean): number | null {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    let tied = 0;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) if (isPositive(order[end++]!)) tied++;
    positives += tied;
    rankSum += (tied * (start + 1 + end)) / 2; // Ranks start + 1 to end share their mean.
    start = end;
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
