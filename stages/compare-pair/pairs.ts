/** Rows that two reports both judged, side by side. */
import { DataError } from '@prosodia/core';
import { balancedAccuracy, confusionMatrix, precisionRecallF1 } from '@prosodia/stats';

/** A row of a report's predictions.parquet, as far as it matters here. */
export interface JudgedRow {
  clip_id: string;
  item_id: string;
  fold: number;
  role: string;
  speaker: string;
  label: string;
  predicted: string;
}

/** What both judged; index i is the same row everywhere. */
export interface Pairs {
  labels: readonly string[];
  rows: readonly JudgedRow[];
  /** Class indices. */
  truth: Int32Array;
  first: Int32Array;
  second: Int32Array;
  /** Rows that only one of them judged. */
  onlyFirst: number;
  onlySecond: number;
}

export interface Numbers {
  accuracy: number;
  /** Unweighted average recall (UAR). */
  balanced_accuracy: number;
  macro_f1: number;
}

/**
 * Matches rows by item, fold and role, in the order of the first report.
 * @param labels classes of both, in the order of pictures
 * @throws DataError if the two do not agree on what is true of a row
 */
export function pairRows(
  labels: readonly string[],
  first: readonly JudgedRow[],
  second: readonly JudgedRow[],
  where: string,
): Pairs {
  const others = new Map(second.map((row) => [keyOf(row), row]));
  const rows: JudgedRow[] = [];
  const matched: JudgedRow[] = [];
  for (const row of first) {
    const other = others.get(keyOf(row));
    if (!other) continue;
    if (other.label !== row.label) {
      throw new DataError({
        problem: 'the two reports do not agree on what is true of a row',
        expected: `${row.label}, as in the first`,
        got: other.label,
        where: `${where}, item ${row.item_id}, fold ${row.fold}`,
        fix: 'compare reports on the same corpus, with the same labels',
      });
    }
    rows.push(row);
    matched.push(other);
  }
  const index = new Map(labels.map((label, i) => [label, i]));
  const classes = (names: readonly string[]) => Int32Array.from(names, (name) => index.get(name)!);
  return {
    labels,
    rows,
    truth: classes(rows.map(({ label }) => label)),
    first: classes(rows.map(({ predicted }) => predicted)),
    second: classes(matched.map(({ predicted }) => predicted)),
    onlyFirst: first.length - rows.length,
    onlySecond: second.length - rows.length,
  };
}

function keyOf({ item_id, fold, role }: JudgedRow): string {
  return `${fold} ${role} ${item_id}`;
}

/** Headline numbers of one of the two, on some of the rows. */
export function numbersOf(truth: Int32Array, predicted: Int32Array, classes: number): Numbers {
  const confusion = confusionMatrix(truth, predicted, classes);
  const scores = precisionRecallF1(confusion);
  const right = truth.reduce((sum, label, r) => sum + (predicted[r] === label ? 1 : 0), 0);
  return {
    accuracy: right / truth.length,
    balanced_accuracy: balancedAccuracy(confusion).value,
    macro_f1: scores.macro.f1,
  };
}

/** `counts[i][j]`: rows of class i that were taken for class j. */
export function countsOf(truth: Int32Array, predicted: Int32Array, classes: number): number[][] {
  const { counts } = confusionMatrix(truth, predicted, classes);
  return Array.from({ length: classes }, (_, i) => Array.from(counts.subarray(i * classes, (i + 1) * classes)));
}
