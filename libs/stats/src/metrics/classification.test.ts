import { describe, expect, it } from 'vitest';
import { expectClose, golden } from '../testing/golden.ts';
import { accuracy, balancedAccuracy, precisionRecallF1 } from './classification.ts';
import { confusionMatrix, normalizeRows } from './confusion.ts';
import { classificationReport, renderReport } from './report.ts';

const peer = golden<{
  cases: {
    classes: number;
    truth: number[];
    predicted: number[];
    confusion: number[][];
    normalized: number[][];
    accuracy: number;
    balanced_accuracy: number;
    per_class: number[][];
    macro: number[];
    weighted: number[];
    labels: string[];
    report: string;
    report_4: string;
  }[];
}>('metrics');

describe('metrics on predicted labels', () => {
  peer.cases.forEach((expected, index) => {
    it(`agree with scikit-learn, the text report to the character (case ${index})`, () => {
      const confusion = confusionMatrix(expected.truth, expected.predicted, expected.classes);
      expectClose(confusion.counts, expected.confusion);
      expectClose(normalizeRows(confusion).data, expected.normalized);
      expectClose([accuracy(confusion)], [expected.accuracy]);
      expectClose([balancedAccuracy(confusion).value], [expected.balanced_accuracy]);
      const { perClass, macro, weighted } = precisionRecallF1(confusion);
      const columns = (['precision', 'recall', 'f1', 'support'] as const).map((name) => perClass.map((c) => c[name]));
      columns.forEach((column, i) => expectClose(column, expected.per_class[i]!));
      expectClose([macro.precision, macro.recall, macro.f1], expected.macro);
      expectClose([weighted.precision, weighted.recall, weighted.f1], expected.weighted);
      const report = classificationReport(confusion, expected.labels);
      expect(renderReport(report)).toBe(expected.report);
      expect(renderReport(report, 4)).toBe(expected.report_4);
    });
  });

  it('count an undefined score as 0 and say so', () => {
    // Class 1 occurs but is never predicted; class 2 is predicted but never occurs; class 3 does neither.
    const confusion = confusionMatrix([0, 1, 0], [0, 2, 0], 4);
    const { perClass } = precisionRecallF1(confusion);
    expect(perClass.map((scores) => scores.undefined)).toEqual([
      [],
      ['precision'],
      ['recall'],
      ['precision', 'recall', 'f1'],
    ]);
    expect(balancedAccuracy(confusion)).toEqual({ value: 0.5, absent: [2, 3] });
    const { notices, uar } = classificationReport(confusion, ['calm', 'sad', 'happy', 'angry']);
    expect(uar).toBe(0.5);
    expect(notices).toHaveLength(4);
    expect(notices[0]).toMatch(/sad: never predicted, so precision is undefined/);
    expect(notices[1]).toMatch(/happy: no row has this label, so recall is undefined/);
  });

  it('work on one row', () => {
    const confusion = confusionMatrix([1], [1], 2);
    expect(accuracy(confusion)).toBe(1);
    expect(balancedAccuracy(confusion).value).toBe(1);
  });

  it('refuse no rows, sides that differ in length, and labels that are no classes', () => {
    expect(() => confusionMatrix([], [], 2)).toThrow(/at least one row/);
    expect(() => confusionMatrix([0], [0, 1], 2)).toThrow(/expected: 1 rows/);
    expect(() => confusionMatrix([0, 2], [0, 1], 2)).toThrow(/a true label is not a class index[^]*2 in row 1/);
    expect(() => confusionMatrix([0], [0.5], 2)).toThrow(/a predicted label/);
    expect(() => classificationReport(confusionMatrix([0], [0], 2), ['a'])).toThrow(/2 labels/);
  });
});
