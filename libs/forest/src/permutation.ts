/**
 * Permutation importance (Breiman, 2001): how much a score drops when a column is shuffled.
 *
 * Only the part of a walk below the first split on the shuffled column can change, so everything else is
 * walked once per column instead of once per column and repeat.
 */
import { DataError, mapSharded, RequestError } from '@prosodia/core';
import { checkLabels, checkMatrix } from './check.ts';
import type { Forest } from './forest.ts';
import type { Scoring } from './scoring.ts';
import { withTurns } from './turns.ts';

export interface PermutationOptions {
  /** `[rows, cols]`, row-major, all finite; best rows that the forest was not fitted on. */
  x: Float32Array;
  rows: number;
  cols: number;
  /** `[rows]`: class indices. */
  y: Int32Array;
  /** What drops. `balanced_accuracy` is the mean recall (UAR). Default `accuracy`. */
  scoring?: Scoring;
  /** Shuffles of each column. Default 5. */
  n_repeats?: number;
  /** Default 0. */
  seed?: number;
  /** Worker threads at most; the result does not depend on it. Default 1: this thread. */
  threads?: number;
  signal?: AbortSignal;
  /** Called with the number of columns done, in ascending order. */
  onProgress?: (columnsDone: number) => void;
}

export interface PermutationImportance {
  /** The score without shuffling. */
  baseline: number;
  /** `[cols, n_repeats]`, row-major: baseline minus the score with the column shuffled. */
  importances: Float64Array;
  /** `[cols]`: mean over repeats. */
  importances_mean: Float64Array;
  /** `[cols]`: population standard deviation over repeats. */
  importances_std: Float64Array;
}

/** What the worker module gets. */
export interface PermutationSetup {
  forest: Forest;
  x: Float32Array;
  rows: number;
  y: Int32Array;
  scoring: Scoring;
  repeats: number;
  seed: number;
}

/** Scores of one column. */
export interface ColumnScores {
  baseline: number;
  /** `[repeats]` */
  shuffled: Float64Array;
}

/**
 * Permutation importance of every column, as scikit-learn's `permutation_importance`.
 *
 * Memory per thread: 8 * rows * classes * n_repeats bytes; with several threads each also holds a copy of
 * the forest and the matrix.
 *
 * @throws RequestError on a bad parameter; DataError on wrong shapes or values; CancelledError on `signal`
 */
export async function permutationImportance(
  forest: Forest,
  options: PermutationOptions,
): Promise<PermutationImportance> {
  const { x, rows, cols, y, scoring = 'accuracy', n_repeats = 5, seed = 0, threads = 1, signal } = options;
  if (!(Number.isInteger(n_repeats) && n_repeats >= 1)) {
    throw new RequestError({ problem: 'n_repeats is wrong', expected: 'a whole number >= 1', got: String(n_repeats) });
  }
  checkMatrix(x, rows, cols, forest.cols);
  if (rows === 0) throw new DataError({ problem: 'there are no rows to measure importance on' });
  checkLabels(y, rows, forest.classes);
  const importances = new Float64Array(cols * n_repeats);
  let baseline = NaN;
  let column = 0;
  const scores = mapSharded<PermutationSetup, number, ColumnScores>(withTurns(Array(cols).keys()), {
    worker: new URL('./permutation-worker.ts', import.meta.url),
    setup: { forest: partsOf(forest), x, rows, y, scoring, repeats: n_repeats, seed },
    threads: Math.min(threads, cols),
    ...(signal ? { signal } : {}),
  });
  for await (const ofColumn of scores) {
    baseline = ofColumn.baseline;
    for (let r = 0; r < n_repeats; r++) importances[column * n_repeats + r] = baseline - ofColumn.shuffled[r]!;
    column++;
    options.onProgress?.(column);
  }
  const rowsOf = Array.from({ length: cols }, (_, col) => importances.subarray(col * n_repeats, (col + 1) * n_repeats));
  return {
    baseline,
    importances,
    importances_mean: Float64Array.from(rowsOf, mean),
    importances_std: Float64Array.from(rowsOf, (values) => {
      const centre = mean(values);
      return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
    }),
  };
}

/** Without what a fitted forest knows besides, which no thread needs. */
function partsOf({ classes, cols, roots, feature, threshold, child, distribution }: Forest): Forest {
  return { classes, cols, roots, feature, threshold, child, distribution };
}

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
