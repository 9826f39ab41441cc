/** The classification report: one structure, and its rendering in the layout that scikit-learn made familiar. */
import { DataError } from '@prosodia/core';
import {
  type AverageScores,
  type ClassScores,
  accuracy,
  balancedAccuracy,
  precisionRecallF1,
} from './classification.ts';
import { type ConfusionMatrix } from './confusion.ts';

export interface ClassificationReport {
  classes: (ClassScores & { label: string })[];
  accuracy: number;
  /** Unweighted average recall over the classes that occur. */
  uar: number;
  macro: AverageScores;
  weighted: AverageScores;
  support: number;
  /** In words: which scores are undefined and why; empty if all are defined. */
  notices: string[];
}

/** @throws DataError if there is not one label per class */
export function classificationReport(confusion: ConfusionMatrix, labels: readonly string[]): ClassificationReport {
  if (labels.length !== confusion.classes) {
    throw new DataError({
      problem: 'labels do not fit the confusion matrix',
      expected: `${confusion.classes} labels`,
      got: `${labels.length} labels`,
    });
  }
  const { perClass, macro, weighted } = precisionRecallF1(confusion);
  const classes = perClass.map((scores, c) => ({ label: labels[c]!, ...scores }));
  return {
    classes,
    accuracy: accuracy(confusion),
    uar: balancedAccuracy(confusion).value,
    macro,
    weighted,
    support: confusion.total,
    notices: classes.flatMap((scores) => notices(scores)),
  };
}

function notices({ label, undefined: scores }: ClassScores & { label: string }): string[] {
  const found: string[] = [];
  if (scores.includes('recall')) found.push(`${label}: no row has this label, so recall is undefined and counts as 0`);
  if (scores.includes('precision')) found.push(`${label}: never predicted, so precision is undefined and counts as 0`);
  return found;
}

/**
 * The report as a text table.
 *
 * @param digits decimals of the scores. Default 2.
 */
export function renderReport(report: ClassificationReport, digits = 2): string {
  const names = [...report.classes.map(({ label }) => label), 'weighted avg'];
  const width = Math.max(digits, ...names.map((name) => [...name].length));
  const cell = (text: string) => text.padStart(9);
  const line = (name: string, cells: readonly string[]) =>
    `${' '.repeat(width - [...name].length)}${name} ${cells.map((text) => ` ${cell(text)}`).join('')}\n`;
  const scores = ({ precision, recall, f1 }: AverageScores, support: number) => [
    ...[precision, recall, f1].map((value) => fixed(value, digits)),
    String(support),
  ];
  return [
    line('', ['precision', 'recall', 'f1-score', 'support']),
    '\n',
    ...report.classes.map((row) => line(row.label, scores(row, row.support))),
    '\n',
    line('accuracy', ['', '', fixed(report.accuracy, digits), String(report.support)]),
    line('macro avg', scores(report.macro, report.support)),
    line('weighted avg', scores(report.weighted, report.support)),
  ].join('');
}

/**
 * `toFixed`, but exact ties go to the even digit, as Python formats: 0.625 is 0.62. A tie needs a fraction
 * with an odd numerator over 2^(digits + 1), so no other value is touched.
 */
function fixed(value: number, digits: number): string {
  if (Math.abs((value * 2 ** (digits + 1)) % 2) !== 1) return value.toFixed(digits);
  const below = Math.floor(value * 10 ** digits);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
}
