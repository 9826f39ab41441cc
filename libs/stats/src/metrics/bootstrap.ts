/** Confidence intervals by the bootstrap, over rows or over whole speakers. */
import { DataError, RequestError, Rng } from '@prosodia/core';
import { groupBy } from '../group-by.ts';
import { quantileOfSorted } from '../quantile.ts';

export interface BootstrapOptions {
  seed: number;
  /** Draws. Default 1000. */
  replicates?: number;
  /** Default 0.95. */
  level?: number;
  /**
   * The group of each row, usually its speaker. Groups are drawn instead of rows: rows of one speaker are not
   * independent, and an interval over rows is too narrow.
   */
  groups?: readonly string[];
}

export interface BootstrapInterval {
  /** The statistic on the rows as they are. */
  estimate: number;
  low: number;
  high: number;
  /** Standard deviation over the draws. */
  standardError: number;
  replicates: number;
  /** Draws on which the statistic was not a finite number (a class was not drawn); they are left out. */
  undefinedReplicates: number;
}

/**
 * Percentile interval (Efron and Tibshirani, 1993) of a statistic of `rows` rows.
 *
 * The draws depend on the seed and the number of rows (or, with groups, their sorted names) only, so two models compared with one
 * seed are compared on the same draws.
 *
 * @param statistic receives row indices, with repetition; may return NaN where it is undefined
 * @throws DataError for no rows, a wrong number of groups, fewer than two groups, or a statistic that is never defined
 * @throws RequestError for replicates or level out of range
 */
export function bootstrapInterval(
  rows: number,
  statistic: (rows: Int32Array) => number,
  { seed, replicates = 1000, level = 0.95, groups }: BootstrapOptions,
): BootstrapInterval {
  requireOptions(replicates, level);
  if (rows < 1)
    throw new DataError({ problem: 'nothing to draw from', expected: 'at least one row', got: `${rows} rows` });
  const rng = new Rng(seed, 'bootstrap');
  const draw = groups ? groupDraw(rows, groups, rng) : () => Int32Array.from({ length: rows }, () => rng.int(rows));
  const values: number[] = [];
  for (let b = 0; b < replicates; b++) {
    const value = statistic(draw());
    if (Number.isFinite(value)) values.push(value);
  }
  if (values.length < 2) {
    throw new DataError({
      problem: 'the statistic is undefined on nearly every draw',
      expected: 'a finite value on two draws or more',
      got: `${values.length} of ${replicates}`,
    });
  }
  const sorted = Float64Array.from(values).sort();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    estimate: statistic(Int32Array.from({ length: rows }, (_, i) => i)),
    low: quantileOfSorted(sorted, (1 - level) / 2),
    high: quantileOfSorted(sorted, (1 + level) / 2),
    standardError: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)),
    replicates,
    undefinedReplicates: replicates - values.length,
  };
}

function groupDraw(rows: number, groups: readonly string[], rng: Rng): () => Int32Array {
  const byGroup = groupBy(groups.keys(), (row) => groups[row]!);
  const members = [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, indices]) => indices);
  if (groups.length !== rows || members.length < 2) {
    throw new DataError({
      problem: 'the groups do not fit the rows',
      expected: `one group for each of ${rows} rows, and two groups or more`,
      got: `${groups.length} entries, ${members.length} groups`,
    });
  }
  return () => Int32Array.from(members.flatMap(() => members[rng.int(members.length)]!));
}

function requireOptions(replicates: number, level: number): void {
  if (Number.isInteger(replicates) && replicates >= 2 && level > 0 && level < 1) return;
  throw new RequestError({
    problem: 'the bootstrap cannot be drawn so',
    expected: 'replicates of 2 or more, and a level between 0 and 1',
    got: `replicates ${replicates}, level ${level}`,
  });
}
