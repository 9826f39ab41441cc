import { CancelledError, DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { fitForest } from './fit.ts';
import { permutationImportance } from './permutation.ts';
import { predictProba } from './predict.ts';
import { score, type Scoring } from './scoring.ts';
import { sample } from './testing.ts';

const train = sample(150, 6, 3);
const test = sample(80, 6, 3, 1);
const forest = await fitForest({ ...train, n_estimators: 20, min_samples_leaf: 3 });

describe('permutationImportance', () => {
  it.each(['accuracy', 'balanced_accuracy', 'neg_log_loss'] as Scoring[])(
    'is 0 for a column that is constant, and the drop of the %s for others',
    async (scoring) => {
      const x = test.x.map((value, i) => (i % 6 === 2 ? 0.25 : value));
      const result = await permutationImportance(forest, { ...test, x, scoring, n_repeats: 3, seed: 4 });
      expect(Array.from(result.importances.subarray(6, 9))).toEqual([0, 0, 0]);
      expect(result.baseline).toBe(score(scoring, predictProba(forest, x, 80, 6), test.y, 3));
      expect(Math.max(...result.importances_mean)).toBeGreaterThan(0.01);
    },
  );

  it('equals predicting anew on shuffled columns, on average', async () => {
    const repeats = 40;
    const quick = await permutationImportance(forest, { ...test, scoring: 'neg_log_loss', n_repeats: repeats });
    const baseline = score('neg_log_loss', predictProba(forest, test.x, 80, 6), test.y, 3);
    for (const col of [0, 1]) {
      // Turned instead of shuffled: every row gets every other row's value once.
      let drop = 0;
      for (let turn = 1; turn < 80; turn++) {
        const x = test.x.slice();
        for (let row = 0; row < 80; row++) x[row * 6 + col] = test.x[((row + turn) % 80) * 6 + col]!;
        drop += (baseline - score('neg_log_loss', predictProba(forest, x, 80, 6), test.y, 3)) / 79;
      }
      const error = quick.importances_std[col]! / Math.sqrt(repeats);
      expect(Math.abs(quick.importances_mean[col]! - drop)).toBeLessThan(4.5 * error + Math.abs(drop) / 79);
    }
  });

  it('is the same for 1 and 2 threads, and another for another seed', async () => {
    const one = await permutationImportance(forest, { ...test, seed: 3 });
    expect(await permutationImportance(forest, { ...test, seed: 3, threads: 2 })).toEqual(one);
    expect((await permutationImportance(forest, { ...test, seed: 4 })).importances).not.toEqual(one.importances);
  });

  it('reports each column, and stops on its signal', async () => {
    const done: number[] = [];
    await permutationImportance(forest, { ...test, n_repeats: 1, onProgress: (columns) => done.push(columns) });
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
    const signal = AbortSignal.abort();
    await expect(permutationImportance(forest, { ...test, signal })).rejects.toThrow(CancelledError);
  });

  it('refuses no repeats, no rows, other columns and labels out of range', async () => {
    await expect(permutationImportance(forest, { ...test, n_repeats: 0 })).rejects.toThrow(RequestError);
    const none = { x: new Float32Array(0), y: new Int32Array(0), rows: 0, cols: 6 };
    await expect(permutationImportance(forest, none)).rejects.toThrow(/no rows/);
    await expect(permutationImportance(forest, { ...test, cols: 5 })).rejects.toThrow(/6 columns/);
    await expect(permutationImportance(forest, { ...test, y: test.y.with(3, 9) })).rejects.toThrow(DataError);
  });
});
