import { describe, expect, it } from 'vitest';
import { fitLogistic, predictLogistic } from './logistic.ts';
import { matrixFrom } from './matrix.ts';
import { argmaxRows, logLoss } from './metrics/probabilities.ts';
import { fitStack, stack } from './stacking.ts';
import { expectClose, golden } from './testing/golden.ts';
import { randomProbabilities } from './testing/random.ts';
import { Rng } from '@prosodia/core';

interface Case {
  C: number;
  classes: number;
  truth: number[];
  out_of_fold: number[][][];
  members: number[][][];
  coef: number[][];
  intercept: number[];
  stacked: number[][];
}
const { cases } = golden<{ cases: Case[] }>('stacking');

describe('stacking', () => {
  for (const { C, classes, truth, out_of_fold, members, coef, intercept, stacked } of cases) {
    it(`agrees with scikit-learn's StackingClassifier on the same folds: ${classes} classes, C ${C}`, () => {
      const fitted = fitStack(truth, out_of_fold.map(matrixFrom), { C });
      expectClose(fitted.coef.data, coef.flat(), 1e-6);
      expectClose(fitted.intercept, intercept, 1e-6);
      expectClose(stack(fitted, members.map(matrixFrom)).data, stacked.flat(), 1e-6);
    });
  }

  it('learns that a member is wrong the same way every time, which no vote can', () => {
    const rng = new Rng(3, 'stacking');
    const truth = Array.from({ length: 90 }, () => rng.int(3));
    // It knows the class and says the next one.
    const shifted = matrixFrom(truth.map((t) => [0, 1, 2].map((k) => (k === (t + 1) % 3 ? 0.8 : 0.1))));
    const guess = randomProbabilities(rng, 90, 3);
    const fitted = fitStack(truth, [shifted, guess], { C: 100 });
    expect([...argmaxRows(stack(fitted, [shifted, guess]))]).toEqual(truth);
  });
});

describe('logistic regression', () => {
  const rng = new Rng(5, 'logistic');
  const truth = Array.from({ length: 60 }, (_, i) => i % 3);
  const x = matrixFrom(truth.map((t) => [rng.normal() + t, rng.normal(), rng.normal() - t]));

  it('is at the optimum: no step in any direction lowers what it minimizes', () => {
    const fitted = fitLogistic(x, truth, 3, { C: 2 });
    const cost = (coef: Float64Array) => {
      const loss = logLoss(truth, predictLogistic({ ...fitted, coef: { ...fitted.coef, data: coef } }, x));
      return 2 * truth.length * loss + coef.reduce((sum, w) => sum + w * w, 0) / 2;
    };
    const least = cost(fitted.coef.data);
    for (let trial = 0; trial < 50; trial++) {
      expect(cost(fitted.coef.data.map((w) => w + 1e-3 * rng.normal()))).toBeGreaterThan(least);
    }
  });

  it('stays finite where classes are parted, and gives a class without rows next to nothing', () => {
    const parted = fitLogistic(matrixFrom([[0], [0], [1], [1]]), [0, 0, 1, 1], 3, { C: 1e4 });
    expect(parted.coef.data.every(Number.isFinite)).toBe(true);
    const { data } = predictLogistic(parted, matrixFrom([[0], [1]]));
    expect(data[0]).toBeGreaterThan(0.9);
    expect(data[4]).toBeGreaterThan(0.9);
    expect(Math.max(data[2]!, data[5]!)).toBeLessThan(1e-3);
  });

  it('refuses no rows, labels that are no classes, and a weight that is none', () => {
    expect(() => fitLogistic(matrixFrom([]), [], 2)).toThrow(/nothing to fit/);
    expect(() => fitLogistic(x, truth, 1)).toThrow(/true label|two classes/);
    expect(() => fitLogistic(x, truth, 3, { C: 0 })).toThrow(/C is no weight/);
  });
});
