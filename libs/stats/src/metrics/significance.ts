/**
 * Is one model better than another? Tests for two models on the same rows, and for two models over the same folds.
 */
import { DataError } from '@prosodia/core';
import { requireSameRows } from './confusion.ts';
import { chiSquareTail1, logGamma, studentQuantile, studentTwoSided } from './special.ts';

export interface McnemarTest {
  /** Rows only the first model has right, and rows only the second has right. */
  onlyFirst: number;
  onlySecond: number;
  method: 'exact' | 'chi2';
  /** The smaller of both counts (exact), or the statistic with continuity correction (chi2). */
  statistic: number;
  /** Two-sided. */
  p: number;
}

/**
 * McNemar's test (1947) of two models on the same rows: of the rows that exactly one has right, does each have
 * as many? Exact: the binomial test at 1/2. Chi-square: (|b - c| - 1)^2 / (b + c) with Edwards' correction.
 *
 * @param options.method default: exact up to 1,000 discordant rows
 * @throws DataError for different lengths or no row
 */
export function mcnemar(
  truth: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: { method?: 'exact' | 'chi2' } = {},
): McnemarTest {
  requireSameRows(truth.length, first.length, 'predictions of the first model');
  requireSameRows(truth.length, second.length, 'predictions of the second model');
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let i = 0; i < truth.length; i++) {
    const [a, b] = [first[i] === truth[i], second[i] === truth[i]];
    if (a && !b) onlyFirst++;
    if (b && !a) onlySecond++;
  }
  const discordant = onlyFirst + onlySecond;
  const method = options.method ?? (discordant <= 1000 ? 'exact' : 'chi2');
  if (discordant === 0) return { onlyFirst, onlySecond, method, statistic: 0, p: 1 };
  if (method === 'exact') {
    const statistic = Math.min(onlyFirst, onlySecond);
    return { onlyFirst, onlySecond, method, statistic, p: Math.min(1, 2 * binomialHalfTail(statistic, discordant)) };
  }
  const statistic = Math.max(Math.abs(onlyFirst - onlySecond) - 1, 0) ** 2 / discordant;
  return { onlyFirst, onlySecond, method, statistic, p: chiSquareTail1(statistic) };
}

/** Probability of at most k heads in n throws of a fair coin. */
function binomialHalfTail(k: number, n: number): number {
  let sum = 0;
  for (let i = 0; i <= k; i++) {
    sum += Math.exp(logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1) - n * Math.LN2);
  }
  return sum;
}

export interface ResampledTTest {
  /** Mean difference. */
  mean: number;
  /** Corrected standard error of the mean. */
  standardError: number;
  statistic: number;
  degreesOfFreedom: number;
  /** Two-sided. */
  p: number;
  /** Confidence interval of the mean difference. */
  interval: [number, number];
}

/**
 * Corrected resampled t test (Nadeau and Bengio, "Inference for the Generalization Error", 2003): scores of two
 * models on the same folds. Folds share training rows, so the plain paired t test sees differences where there
 * are none; the variance is multiplied by (1/folds + test rows / training rows) instead of 1/folds.
 *
 * @param differences score of the first model minus score of the second, one per fold (or repetition)
 * @param testToTrain test rows / training rows of a fold, for example 0.25 for five folds
 * @param options.level of the interval. Default 0.95.
 * @throws DataError for fewer than two differences, or a ratio that is not positive
 */
export function correctedResampledTTest(
  differences: ArrayLike<number>,
  testToTrain: number,
  { level = 0.95 }: { level?: number } = {},
): ResampledTTest {
  const values = Array.from(differences);
  const k = values.length;
  if (k < 2 || !(testToTrain > 0) || !values.every(Number.isFinite)) {
    throw new DataError({
      problem: 'the corrected t test needs a difference for each of several folds',
      expected: 'two finite differences or more, and test rows / training rows > 0',
      got: `${k} differences [${values.slice(0, 8).join(', ')}], ratio ${testToTrain}`,
    });
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / k;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (k - 1);
  const standardError = Math.sqrt((1 / k + testToTrain) * variance);
  // Equal differences: no spread to measure against; certain unless they are all 0.
  const statistic = standardError > 0 ? mean / standardError : mean === 0 ? 0 : Math.sign(mean) * Infinity;
  const half = studentQuantile(level, k - 1) * standardError;
  return {
    mean,
    standardError,
    statistic,
    degreesOfFreedom: k - 1,
    p: Number.isFinite(statistic) ? studentTwoSided(statistic, k - 1) : 0,
    interval: [mean - half, mean + half],
  };
}
