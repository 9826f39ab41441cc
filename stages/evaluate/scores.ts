/** The numbers of a report, from predictions alone; their keys in metrics.json are a contract. */
import type { Rng } from '@prosodia/core';
import {
  type AverageScores,
  type CalibrationBin,
  balancedAccuracy,
  bootstrapInterval,
  brierScore,
  classificationReport,
  confusionMatrix,
  expectedCalibrationError,
  logLoss,
  normalizeRows,
  precisionRecallF1,
  rocAucOvr,
  topKAccuracy,
} from '@prosodia/stats';
import type { Judged } from './rows.ts';

export interface Headline {
  accuracy: number;
  /** Unweighted average recall (UAR) over the classes that occur. */
  balanced_accuracy: number;
  macro_f1: number;
  weighted_f1: number;
  support: number;
}

export interface ClassRow {
  precision: number;
  recall: number;
  f1: number;
  support: number;
}

export type Interval = readonly [low: number, high: number];

export interface Scores extends Headline {
  log_loss: number;
  brier: number;
  /** One class against the rest, plain mean; null if only one class occurs. */
  roc_auc_ovr: number | null;
  ece: number;
  /** Share of rows whose label is among the 2 or 3 most probable; only where there are more classes than that. */
  top_k_accuracy: Record<string, number>;
  /** Plain mean over the classes. */
  macro: AverageScores;
  /** Mean weighted by the rows of each class. */
  weighted: AverageScores;
  per_class: Record<string, ClassRow>;
  /** Rows are true labels. `normalized`: shares of each row; 0 where a label does not occur. */
  confusion_matrix: { labels: readonly string[]; counts: number[][]; normalized: number[][] };
  calibration: CalibrationBin[];
  /** In words: which scores are undefined and count as 0. */
  notices: string[];
}

/** What is drawn, with repetition, to find an interval. */
export type ResampleUnit = 'speaker' | 'clip' | 'none';

export interface Intervals {
  level: number;
  replicates: number;
  unit: ResampleUnit;
  accuracy: Interval | null;
  balanced_accuracy: Interval | null;
  macro_f1: Interval | null;
  /** Recall of each class. */
  per_class: Record<string, Interval | null>;
}

/** Headline numbers of some rows. */
export function headline(truth: ArrayLike<number>, predicted: ArrayLike<number>, labels: readonly string[]): Headline {
  const report = classificationReport(confusionMatrix(truth, predicted, labels.length), labels);
  return {
    accuracy: report.accuracy,
    balanced_accuracy: report.uar,
    macro_f1: report.macro.f1,
    weighted_f1: report.weighted.f1,
    support: report.support,
  };
}

/** All scores of the judged rows. */
export function score({ truth, predicted, probabilities, labels }: Judged): Scores {
  const confusion = confusionMatrix(truth, predicted, labels.length);
  const report = classificationReport(confusion, labels);
  const calibration = expectedCalibrationError(truth, probabilities, { bins: 10 });
  const auc = rocAucOvr(truth, probabilities).macro;
  return {
    ...headline(truth, predicted, labels),
    log_loss: logLoss(truth, probabilities),
    brier: brierScore(truth, probabilities),
    roc_auc_ovr: Number.isFinite(auc) ? auc : null,
    ece: calibration.value,
    top_k_accuracy: Object.fromEntries(
      [2, 3].filter((k) => k < labels.length).map((k) => [k, topKAccuracy(truth, probabilities, k)]),
    ),
    macro: averages(report.macro),
    weighted: averages(report.weighted),
    per_class: Object.fromEntries(
      report.classes.map(({ label, precision, recall, f1, support }) => [label, { precision, recall, f1, support }]),
    ),
    confusion_matrix: {
      labels,
      counts: rowsOf(confusion.counts, labels.length),
      normalized: rowsOf(normalizeRows(confusion).data, labels.length),
    },
    calibration: calibration.bins,
    notices: report.notices,
  };
}

function averages({ precision, recall, f1 }: AverageScores): AverageScores {
  return { precision, recall, f1 };
}

function rowsOf(matrix: ArrayLike<number>, cols: number): number[][] {
  return Array.from({ length: cols }, (_, i) => Array.from(matrix).slice(i * cols, (i + 1) * cols));
}

/** Headline numbers for each value of `groupOf`, in order of the values; rows without one are left out. */
export function scoreGroups(judged: Judged, groupOf: (row: number) => string | null): Record<string, Headline> {
  const groups = new Map<string, number[]>();
  for (let r = 0; r < judged.rows.length; r++) {
    const group = groupOf(r);
    if (group === null) continue;
    const rows = groups.get(group);
    if (rows) rows.push(r);
    else groups.set(group, [r]);
  }
  const names = [...groups.keys()].sort(compareNames);
  return Object.fromEntries(
    names.map((name) => {
      const rows = groups.get(name)!;
      const pick = (values: Int32Array) => rows.map((r) => values[r]!);
      return [name, headline(pick(judged.truth), pick(judged.predicted), judged.labels)];
    }),
  );
}

/** Mean and sample standard deviation, as results over folds are reported. */
export function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/** Speakers are mostly numbered: 2 comes before 10. Code points decide among equals. */
function compareNames(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  if (Number.isFinite(x) && Number.isFinite(y) && x !== y) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}

type Statistic = (truth: Int32Array, predicted: Int32Array) => number;

export interface IntervalOptions {
  replicates: number;
  level: number;
  unit: 'speaker' | 'clip';
  rng: Rng;
}

/**
 * Percentile bootstrap intervals.
 *
 * Whole speakers (or clips, with all their segments) are drawn, because rows of one are not independent.
 * With fewer than two of them there is no interval.
 */
export function intervals(judged: Judged, { replicates, level, unit, rng }: IntervalOptions): Intervals {
  const { truth, predicted, labels, clips } = judged;
  const groupName = (r: number) =>
    unit === 'speaker' ? `${clips[r]!.corpus}/${clips[r]!.speaker}` : clips[r]!.clip_id;
  const seed = rng.fork('intervals').uint32();

  function interval(rows: readonly number[], statistic: Statistic): Interval | null {
    const groups = rows.map(groupName);
    const units = new Set(groups).size;
    if (replicates < 2 || units < 2) return null;
    const options = { seed, replicates, level, ...(units < rows.length ? { groups } : {}) }; // Plain rows are quicker.
    const draw = (drawn: Int32Array) => {
      const pick = (values: Int32Array) => drawn.map((i) => values[rows[i]!]!);
      return statistic(pick(truth), pick(predicted));
    };
    const { low, high } = bootstrapInterval(rows.length, draw, options);
    return [low, high];
  }

  const shareRight: Statistic = (t, p) => t.reduce((sum, label, r) => sum + (p[r] === label ? 1 : 0), 0) / t.length;
  const uar: Statistic = (t, p) => balancedAccuracy(confusionMatrix(t, p, labels.length)).value;
  const macroF1: Statistic = (t, p) => precisionRecallF1(confusionMatrix(t, p, labels.length)).macro.f1;
  const all = judged.rows.map((_, r) => r);
  const accuracy = interval(all, shareRight);
  return {
    level,
    replicates,
    unit: accuracy ? unit : 'none',
    accuracy,
    balanced_accuracy: interval(all, uar),
    macro_f1: interval(all, macroF1),
    per_class: Object.fromEntries(
      // Among the rows of one class, the share that is right is its recall.
      labels.map((label, c) => [
        label,
        interval(
          all.filter((r) => truth[r] === c),
          shareRight,
        ),
      ]),
    ),
  };
}
