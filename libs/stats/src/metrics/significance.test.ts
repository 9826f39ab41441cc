import { describe, expect, it } from 'vitest';
import { expectClose, golden } from '../testing/golden.ts';
import { correctedResampledTTest, mcnemar } from './significance.ts';
import { incompleteBeta, logGamma, studentQuantile, studentTwoSided } from './special.ts';

const peer = golden<{
  mcnemar_exact: [number, number, number][];
  mcnemar_chi2: [number, number, number, number][];
  mcnemar_statsmodels: Record<'exact' | 'chi2', [number, number, number, number][]>;
  resampled: { differences: number[]; test_to_train: number; t: number; p: number; interval: [number, number] };
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

  it('agrees with statsmodels, statistics included', () => {
    for (const method of ['exact', 'chi2'] as const) {
      for (const [b, c, statistic, p] of peer.mcnemar_statsmodels[method]) {
        const test = mcnemar(...models(b, c), { method });
        expectRatio(test.statistic, statistic);
        expectRatio(test.p, p);
      }
    }
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

  it("finds what scikit-learn's example of comparing models prints: t = 0.750, one-sided p = 0.227", () => {
    const { differences, test_to_train, t, p, interval } = peer.resampled;
    const test = correctedResampledTTest(differences, test_to_train);
    expectClose([test.statistic, test.p, ...test.interval], [t, p, ...interval], 1e-9);
    expect([test.statistic.toFixed(3), (test.p / 2).toFixed(3)]).toEqual(['0.750', '0.227']);
  });

  it('changes sign, and nothing else, when the models change places', () => {
    const [there, back] = [1, -1].map((sign) =>
      correctedResampledTTest(
        [0.1, 0.02, -0.03].map((d) => sign * d),
        0.5,
      ),
    );
    expect(back!.statistic).toBe(-there!.statistic);
    expect(back!.p).toBe(there!.p);
    expectClose(back!.interval, [-there!.interval[1], -there!.interval[0]], 1e-15);
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
