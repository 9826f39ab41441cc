import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { matrixFrom } from '../matrix.ts';
import { expectClose, golden } from '../testing/golden.ts';
import { randomProbabilities } from '../testing/random.ts';
import { accuracy } from './classification.ts';
import { confusionMatrix } from './confusion.ts';
import { argmaxRows, brierScore, logLoss, topKAccuracy } from './probabilities.ts';
import { rocAucOvr } from './roc-auc.ts';

const peer = golden<{
  probabilities: {
    truth: number[];
    matrix: number[][];
    certain: number[];
    log_loss: number;
    log_loss_of_certainty: number;
    brier: number;
    brier_halved: number;
    roc_auc: number;
    roc_auc_rounded: number;
    roc_auc_per_class: number[];
    top_k: number[];
    binary: number[][];
    binary_truth: number[];
    binary_brier: number;
  };
}>('metrics').probabilities;
const truth = peer.truth;
const matrix = matrixFrom(peer.matrix);

describe('metrics on probabilities', () => {
  it('agree with scikit-learn: log-loss, also where the truth has no probability at all', () => {
    expectClose([logLoss(truth, matrix)], [peer.log_loss]);
    const certain = matrixFrom(peer.certain.map((c) => [0, 1, 2, 3].map((j) => (j === c ? 1 : 0))));
    expectClose([logLoss(truth, certain)], [peer.log_loss_of_certainty]);
    const single = { ...certain, data: Float32Array.from(certain.data) };
    const misses = truth.filter((label, i) => label !== peer.certain[i]).length;
    expectClose([logLoss(truth, single)], [(misses / truth.length) * 23 * Math.LN2], 1e-6);
  });

  it('agree with scikit-learn: Brier score', () => {
    expectClose([brierScore(truth, matrix)], [peer.brier]);
    expectClose([brierScore(truth, matrix, { scale_by_half: true })], [peer.brier_halved]);
    expectClose([brierScore(peer.binary_truth, matrixFrom(peer.binary))], [peer.binary_brier]);
  });

  it('agree with scikit-learn: ROC-AUC, ties included', () => {
    const auc = rocAucOvr(truth, matrix);
    expectClose([auc.macro], [peer.roc_auc]);
    expectClose(auc.perClass as number[], peer.roc_auc_per_class);
    const rounded = peer.matrix.map((row) => {
      // numpy rounds halves to even; no value here is a half.
      const tenths = row.map((p) => Math.round(p * 10));
      const sum = tenths.reduce((a, b) => a + b, 0);
      return tenths.map((value) => value / sum);
    });
    expectClose([rocAucOvr(truth, matrixFrom(rounded)).macro], [peer.roc_auc_rounded]);
  });

  it('agree with scikit-learn: top-k accuracy', () => {
    expectClose(
      [1, 2, 3].map((k) => topKAccuracy(truth, matrix, k)),
      peer.top_k,
    );
    expect(topKAccuracy(truth, matrix, 4)).toBe(1);
  });

  it('rank equal probabilities as argmax does, so that top-1 is the accuracy', () => {
    const rng = new Rng(1);
    for (let trial = 0; trial < 20; trial++) {
      const p = randomProbabilities(rng, 30, 3);
      for (let i = 0; i < 30; i += 3) p.data.set([0.4, 0.4, 0.2], 3 * i);
      const labels = Array.from({ length: 30 }, () => rng.int(3));
      expect(topKAccuracy(labels, p, 1)).toBe(accuracy(confusionMatrix(labels, argmaxRows(p), 3)));
    }
  });

  it('leave a class without a ROC curve out of the mean, and say which', () => {
    const p = matrixFrom([
      [0.7, 0.2, 0.1],
      [0.1, 0.8, 0.1],
      [0.5, 0.3, 0.2],
    ]);
    expect(rocAucOvr([0, 1, 0], p)).toEqual({ macro: 1, perClass: [1, 1, null], undefined: [2] });
    const alone = rocAucOvr([0, 0, 0], p);
    expect(alone.undefined).toEqual([0, 1, 2]);
    expect(alone.macro).toBeNaN();
  });

  it('refuse what is no distribution, no class and no count', () => {
    expect(() => logLoss([0], matrixFrom([[0.5, 0.6]]))).toThrow(/not a distribution[^]*row 0/);
    expect(() => brierScore([0], matrixFrom([[1.5, -0.5]]))).toThrow(/not a distribution/);
    expect(() => logLoss([0], matrixFrom([[NaN, 1]]))).toThrow(/finite/);
    expect(() => logLoss([2], matrixFrom([[0.5, 0.5]]))).toThrow(/class index/);
    expect(() => logLoss([], matrixFrom([]))).toThrow(/at least one row/);
    expect(() => topKAccuracy([0], matrixFrom([[1]]), 0)).toThrow(/whole number from 1/);
  });
});
