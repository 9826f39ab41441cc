/**
 * Metrics on predicted labels: accuracy, unweighted average recall, precision, recall, F1.
 *
 * Ratios with an empty denominator (precision of a class never predicted, recall of a class that never
 * occurs) count as 0, as scikit-learn's `zero_division=0` has it, and are listed in `undefined`, so that a
 * report can say so instead of showing a bare zero. Averages run over all classes given, as
 * scikit-learn's do with `labels=range(classes)`.
 */
import { DataError } from '@prosodia/core';
import { type ConfusionMatrix, classCounts } from './confusion.ts';

export type ClassScore = 'precision' | 'recall' | 'f1';

export interface ClassScores {
  precision: number;
  recall: number;
  f1: number;
  /** Rows of this class. */
  support: number;
  /** Scores that have no defined value here and count as 0. */
  undefined: ClassScore[];
}

export interface AverageScores {
  precision: number;
  recall: number;
  f1: number;
}

export interface PrecisionRecallF1 {
  /** By class index. */
  perClass: ClassScores[];
  /** Plain mean over the classes. */
  macro: AverageScores;
  /** Mean weighted by support. */
  weighted: AverageScores;
}

/** Share of rows predicted right. */
export function accuracy({ classes, counts, total }: ConfusionMatrix): number {
  let hits = 0;
  for (let c = 0; c < classes; c++) hits += counts[c * classes + c]!;
  return hits / total;
}

export interface BalancedAccuracy {
  value: number;
  /** Classes that never occur; they are left out of the mean. */
  absent: number[];
}

/**
 * Mean recall over the classes that occur: balanced accuracy, which this field calls unweighted average recall
 * (UAR). Classes that never occur are left out, as in scikit-learn; macro recall counts them as 0.
 */
export function balancedAccuracy(confusion: ConfusionMatrix): BalancedAccuracy {
  const { hits, support } = classCounts(confusion);
  const absent: number[] = [];
  let sum = 0;
  for (let c = 0; c < confusion.classes; c++) {
    if (support[c] === 0) absent.push(c);
    else sum += hits[c]! / support[c]!;
  }
  return { value: sum / (confusion.classes - absent.length), absent };
}

/** Precision, recall and F1 per class, with macro and weighted means. */
export function precisionRecallF1(confusion: ConfusionMatrix): PrecisionRecallF1 {
  if (confusion.total === 0) throw new DataError({ problem: 'a metric needs at least one row', got: '0 rows' });
  const { hits, support, predicted } = classCounts(confusion);
  const perClass = Array.from(hits, (hit, c): ClassScores => {
    const undefinedScores: ClassScore[] = [];
    const ratio = (name: ClassScore, numerator: number, denominator: number) => {
      if (denominator > 0) return numerator / denominator;
      undefinedScores.push(name);
      return 0;
    };
    return {
      precision: ratio('precision', hit, predicted[c]!),
      recall: ratio('recall', hit, support[c]!),
      f1: ratio('f1', 2 * hit, support[c]! + predicted[c]!),
      support: support[c]!,
      undefined: undefinedScores,
    };
  });
  return {
    perClass,
    macro: average(perClass, () => 1),
    weighted: average(perClass, (scores) => scores.support),
  };
}

function average(perClass: readonly ClassScores[], weigh: (scores: ClassScores) => number): AverageScores {
  let total = 0;
  const sums = { precision: 0, recall: 0, f1: 0 };
  for (const scores of perClass) {
    const weight = weigh(scores);
    total += weight;
    sums.precision += weight * scores.precision;
    sums.recall += weight * scores.recall;
    sums.f1 += weight * scores.f1;
  }
  return { precision: sums.precision / total, recall: sums.recall / total, f1: sums.f1 / total };
}
