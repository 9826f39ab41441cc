import { describe, expect, it } from 'vitest';
import { expectClose, golden } from '../testing/golden.ts';
import { correctedResampledTTest, mcnemar } from './significance.ts';
import { incompleteBeta, logGamma, studentQuantile, studentTwoSided } from './special.ts';

const peer = golden<{
  mcnemar_exact: [number, number, number][];
  mcnemar_chi2: [number, number, number, number][];
  student: [number, number, number][];
  student_quantile: [number, number, number][];
  log_gamma: [number, number][];
  incomplete_beta: [number, number, number, number][];
}>('significance');

/** Two models of which the first alone is right on b rows, the second alone on c; both right once. */
function models(b: number, c: number): [number[], number[], number[]] {
  const truth = new Array<number>(b + c + 1).fill(1);
  return [truth, truth.map((_, i) => (i < b || i === b + c ? 1 : 0)), truth.map((_, i) => (i < b ? 0 : 1))];
}

function expectRatio(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected) + 1e-300);
}

describe('special functions', () => {
  it('agree with SciPy to nine digits, tails included', () => {
    for (const [x, value] of peer.log_gamma) expectClose([logGamma(x)], [value], 1e-11);
    for (const [x, a, b, value] of peer.incomplete_beta) expectRatio(incompleteBeta(x, a, b), value);
    for (const [t, df, p] of peer.student) expectRatio(studentTwoSided(t, df), p);
    for (const [level, df, t] of peer.student_quantile) expectRatio(studentQuantile(level, df), t);
    expect([incompleteBeta(0, 1, 2), incompleteBeta(1, 1, 2)]).toEqual([0, 1]);
  });
});

describe('mcnemar', () => {
  it('agrees with the binomial test', () => {
    for (const [b, c, p] of peer.mcnemar_exact) {
      const test = mcnemar(...models(b, c));
      expect(test).toMatchObject({ method: 'exact', onlyFirst: b, onlySecond: c });
      expectRatio(test.p, p);
    }
  });

  it('agrees with the chi-square approximation', () => {
    for (const [b, c, statistic, p] of peer.mcnemar_chi2) {
      const test = mcnemar(...models(b, c), { method: 'chi2' });
      expectRatio(test.statistic, statistic);
      expectRatio(test.p, p);
    }
    expect(mcnemar(...models(600, 720)).method).toBe('chi2');
  });

  it('finds no difference between a model and itself, and refuses sides that differ in length', () => {
    expect(mcnemar([0, 1], [0, 0], [0, 0]).p).toBe(1);
    expect(mcnemar(...models(3, 3), { method: 'chi2' }).p).toBe(1);
    expect(() => mcnemar([0, 1], [0], [0, 1])).toThrow(/first model/);
    expect(() => mcnemar([], [], [])).toThrow(/at least one row/);
  });
});

describe('correctedResampledTTest', () => {
  it('is the paired t test with the variance of Nadeau and Bengio', () => {
    const differences = [0.02, 0.05, -0.01, 0.04, 0.03];
    const test = correctedResampledTTest(differences, 0.25);
    const variance = differences.reduce((sum, d) => sum + (d - 0.026) ** 2, 0) / 4;
    expectClose([test.mean, test.standardError], [0.026, Math.sqrt((1 / 5 + 1 / 4) * variance)], 1e-12);
    expectClose([test.statistic], [0.026 / test.standardError], 1e-12);
    expectRatio(test.p, studentTwoSided(test.statistic, 4));
    const half = studentQuantile(0.95, 4) * test.standardError;
    expectClose(test.interval, [0.026 - half, 0.026 + half], 1e-12);
  });

  it('is certain where all differences are equal, and knows nothing where they are 0', () => {
    expect(correctedResampledTTest([0.5, 0.5], 0.25).p).toBe(0);
    expect(correctedResampledTTest([0, 0, 0], 0.25)).toMatchObject({ p: 1, statistic: 0, interval: [0, 0] });
  });

  it('refuses one fold, a ratio of 0 and a score that is none', () => {
    expect(() => correctedResampledTTest([0.1], 0.25)).toThrow(/two finite differences/);
    expect(() => correctedResampledTTest([0.1, 0.2], 0)).toThrow(/ratio 0/);
    expect(() => correctedResampledTTest([0.1, NaN], 0.25)).toThrow(/NaN/);
  });
});
