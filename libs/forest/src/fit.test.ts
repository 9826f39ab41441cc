import { CancelledError, DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { fitForest, type FitOptions } from './fit.ts';
import { treeCount } from './forest.ts';
import { predict, predictProba } from './predict.ts';
import { sample } from './testing.ts';

const train = sample(120, 8, 3);
const small = { ...train, n_estimators: 23 };

describe('fitForest: the same forest', () => {
  it('for 1, 2 and 3 threads, bit for bit', async () => {
    const options = { ...small, oob_score: true, class_weight: 'balanced_subsample', criterion: 'entropy' } as const;
    const one = await fitForest({ ...options, seed: 5 });
    expect(await fitForest({ ...options, seed: 5, threads: 2 })).toEqual(one);
    expect(await fitForest({ ...options, seed: 5, threads: 3 })).toEqual(one);
  });

  it('for the same seed, another for another', async () => {
    const again = await fitForest({ ...small, seed: 1 });
    expect(again).toEqual(await fitForest({ ...small, seed: 1 }));
    expect(again.threshold).not.toEqual((await fitForest({ ...small, seed: 2 })).threshold);
  });

  it('tree by tree, however many trees follow', async () => {
    const few = await fitForest({ ...small, n_estimators: 4 });
    const many = await fitForest({ ...small, n_estimators: 9 });
    const nodes = few.roots[4]!;
    expect(many.threshold.subarray(0, nodes)).toEqual(few.threshold);
    expect(many.feature.subarray(0, nodes)).toEqual(few.feature);
  });

  it('up to the thresholds, if a column is stretched or shifted', async () => {
    const x = train.x.map((value, i) => (i % 8 === 3 ? value * 4096 - 8 : value));
    const [plain, stretched] = [await fitForest(small), await fitForest({ ...small, x })];
    expect(stretched.feature).toEqual(plain.feature);
    expect(stretched.child).toEqual(plain.child);
  });

  it('and leaves the data it was given as they were', async () => {
    const [x, y] = [train.x.slice(), train.y.slice()];
    await fitForest({ ...small, class_weight: 'balanced' });
    expect([train.x, train.y]).toEqual([x, y]);
  });
});

describe('fitForest: weights', () => {
  const plain = { ...small, n_estimators: 1, bootstrap: false, max_features: null };

  it('a row of weight 0 is a row that is not there', async () => {
    const weights = Float64Array.from(train.y, (_, row) => (row < 90 ? 1 : 0));
    const without = { x: train.x.slice(0, 90 * 8), y: train.y.slice(0, 90), rows: 90 };
    const [weighted, shorter] = [
      await fitForest({ ...plain, sample_weight: weights }),
      await fitForest({ ...plain, ...without }),
    ];
    expect(weighted.feature).toEqual(shorter.feature);
    expect(weighted.threshold).toEqual(shorter.threshold);
  });

  it('a class weight is that sample weight on all rows of the class', async () => {
    const sample_weight = Float64Array.from(train.y, (k) => [1, 0.5, 3][k]!);
    const bySample = await fitForest({ ...small, sample_weight });
    expect(await fitForest({ ...small, class_weight: [1, 0.5, 3] })).toEqual(bySample);
  });

  it('only their ratios matter', async () => {
    const twice = await fitForest({ ...small, class_weight: [2, 2, 2] });
    expect(twice.threshold).toEqual((await fitForest(small)).threshold);
  });

  it('drawing by weight never draws a row of weight 0', async () => {
    const sample_weight = Float64Array.from(train.y, (k) => (k === 1 ? 0 : 1));
    const forest = await fitForest({ ...small, sample_weight, bootstrap_weighting: 'draw' });
    const p = predictProba(forest, train.x, 120, 8);
    expect(Array.from({ length: 120 }, (_, row) => p[row * 3 + 1]).every((value) => value === 0)).toBe(true);
  });
});

describe('fitForest: trees', () => {
  it('grown to purity without bootstrap know every training row', async () => {
    const forest = await fitForest({ ...small, bootstrap: false });
    expect(predict(forest, train.x, 120, 8)).toEqual(train.y);
  });

  it('of max_depth 1 have at most one split, and min_samples_leaf bounds every leaf', async () => {
    const stumps = await fitForest({ ...small, max_depth: 1 });
    expect(stumps.feature.length).toBeLessThanOrEqual(3 * 23);
    const one = await fitForest({ ...small, n_estimators: 1, bootstrap: false, min_samples_leaf: 40 });
    const leaves = new Map<string, number>();
    const p = predictProba(one, train.x, 120, 8);
    for (let row = 0; row < 120; row++) {
      const leaf = p.slice(3 * row, 3 * row + 3).join();
      leaves.set(leaf, (leaves.get(leaf) ?? 0) + 1);
    }
    expect(leaves.size).toBeGreaterThan(1);
    expect(Math.min(...leaves.values())).toBeGreaterThanOrEqual(40);
  });

  it('put thresholds strictly between neighbouring float32 values, whole range and sign', async () => {
    const pairs: [number, number][] = [
      [1, 1 + 2 ** -23],
      [-1 - 2 ** -23, -1],
      [-3.4e38, 3.4e38].map(Math.fround) as [number, number],
      [0, 2 ** -149],
      [-(2 ** -149), 0],
    ];
    for (const [low, high] of pairs) {
      for (const extra_trees of [false, true]) {
        const data = { x: Float32Array.of(low, high), y: Int32Array.of(0, 1), rows: 2, cols: 1, classes: 2 };
        const forest = await fitForest({ ...data, n_estimators: 3, bootstrap: false, extra_trees });
        expect(Array.from(predict(forest, data.x, 2, 1))).toEqual([0, 1]);
      }
    }
  });

  it('take -0 and 0 as equal', async () => {
    const data = { x: Float32Array.of(-0, 0, -0, 0), y: Int32Array.of(0, 1, 0, 1), rows: 4, cols: 1, classes: 2 };
    const forest = await fitForest({ ...data, n_estimators: 1, bootstrap: false });
    expect(forest.feature.length).toBe(1);
  });

  it('have one leaf, the class shares, if every column is constant', async () => {
    const x = new Float32Array(120 * 8).fill(2.5);
    const forest = await fitForest({ ...small, x, bootstrap: false });
    expect(forest.feature.length).toBe(23);
    expect(forest.feature_importances.every((value) => value === 0)).toBe(true);
    const share = (k: number) => train.y.filter((label) => label === k).length / 120;
    const p = predictProba(forest, x.subarray(0, 8), 1, 8);
    for (let k = 0; k < 3; k++) expect(p[k]).toBeCloseTo(share(k), 6);
  });

  it('split nodes larger than one word and one summary word of the bitmap', async () => {
    const rows = 3000;
    const large = sample(rows, 3, 2, 9);
    const forest = await fitForest({ ...large, n_estimators: 2, bootstrap: false, max_features: null });
    expect(predict(forest, large.x, rows, 3)).toEqual(large.y);
  });

  it('use 32-bit positions beyond 65,536 rows', async () => {
    const rows = 65_600;
    const large = sample(rows, 1, 2, 9);
    const x = Float32Array.from(large.x.keys());
    const y = Int32Array.from(x, (value) => (value < 65_550 ? 0 : 1));
    const forest = await fitForest({ ...large, x, y, n_estimators: 1, bootstrap: false });
    expect(Array.from(forest.threshold)).toEqual([65_549.5, 0, 0]);
  });
});

describe('fitForest: out-of-bag', () => {
  it('sends a row that a tree did not see where the finished tree sends it, also between two rows it saw', async () => {
    const forest = await fitForest({ ...train, n_estimators: 1, oob_score: true });
    const { decision_function, trees } = forest.oob!;
    const p = predictProba(forest, train.x, train.rows, train.cols);
    const unseen = [...trees.keys()].filter((row) => trees[row] === 1);
    expect(unseen.length).toBeGreaterThan(20);
    for (const row of unseen) {
      expect(decision_function.slice(3 * row, 3 * row + 3)).toEqual(p.slice(3 * row, 3 * row + 3));
    }
  });

  it('predictions come from the trees that did not see the row, and score near a test score', async () => {
    const data = sample(400, 8, 3);
    const forest = await fitForest({ ...data, n_estimators: 60, oob_score: true });
    const { score, decision_function, trees } = forest.oob!;
    const share = trees.reduce((a, b) => a + b, 0) / (400 * 60);
    expect(Math.abs(share - Math.exp(-1))).toBeLessThan(0.01);
    for (let row = 0; row < 400; row++) {
      const sum = decision_function.subarray(3 * row, 3 * row + 3).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 6);
    }
    const test = sample(400, 8, 3, 1);
    const right = predict(forest, test.x, 400, 8).filter((label, row) => label === test.y[row]).length;
    expect(Math.abs(score - right / 400)).toBeLessThan(0.1);
  });

  it('rows that every tree saw have none, and do not count', async () => {
    const forest = await fitForest({ ...small, n_estimators: 1, oob_score: true });
    const { score, decision_function, trees } = forest.oob!;
    const row = trees.indexOf(0);
    expect(row).toBeGreaterThanOrEqual(0);
    expect(decision_function[3 * row]).toBeNaN();
    expect(score).toBeGreaterThan(0);
  });
});

describe('fitForest: running', () => {
  it('reports all trees in ascending order', async () => {
    const done: number[] = [];
    await fitForest({ ...small, onProgress: (trees) => done.push(trees) });
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.at(-1)).toBe(23);
  });

  it.each([1, 2])('stops on its signal with %i threads', async (threads) => {
    const controller = new AbortController();
    const fitting = fitForest({
      ...small,
      n_estimators: 100_000,
      threads,
      signal: controller.signal,
      onProgress: () => setTimeout(() => controller.abort(), 0),
    });
    await expect(fitting).rejects.toThrow(CancelledError);
  });

  it('does not start after its signal', async () => {
    await expect(fitForest({ ...small, signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });

  it('has 500 trees if not told otherwise', async () => {
    expect(treeCount(await fitForest({ ...sample(20, 2, 2) }))).toBe(500);
  });
});

describe('fitForest: bad input', () => {
  const cases: [string, Partial<FitOptions>, RegExp][] = [
    ['a value that is not a number', { x: train.x.with(19, NaN) }, /row 2, column 3: a feature value is not finite/],
    ['an infinite value', { x: train.x.with(0, -Infinity) }, /got: {6}-Infinity/],
    ['a label too large', { y: train.y.with(7, 3) }, /row 7: a label is out of range\n.*0 to 2\n.*3/],
    ['a negative label', { y: train.y.with(7, -1) }, /row 7/],
    ['rows that do not fit x', { rows: 121 }, /121 x 8 = 968 values\n.*960 values/],
    ['labels that do not fit rows', { y: train.y.subarray(1) }, /120 labels, one per row\n.*119/],
    ['rows of one class only', { y: new Int32Array(120) }, /all rows have the same class/],
    ['one row', { x: train.x.subarray(0, 8), y: train.y.subarray(0, 1), rows: 1 }, /1 row of class/],
    ['no rows', { x: new Float32Array(0), y: new Int32Array(0), rows: 0 }, /there are no rows/],
    ['no columns', { x: new Float32Array(0), cols: 0 }, /120 x 0/],
    ['one class', { classes: 1 }, /at least two classes/],
    ['too few weights', { sample_weight: [1, 2] }, /120 weights, one per row/],
    ['a negative weight', { sample_weight: new Float64Array(120).with(4, -1) }, /row 4: a sample weight/],
    ['weights of 0 only', { sample_weight: new Float64Array(120) }, /every row has weight 0/],
  ];

  it.each(cases)('refuses %s', async (_, change, message) => {
    const error = await fitForest({ ...small, ...change }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(DataError);
    expect(String(error)).toMatch(message);
  });

  const parameters: [Partial<FitOptions>, RegExp][] = [
    [{ n_estimators: 0 }, /n_estimators/],
    [{ max_depth: 0 }, /max_depth/],
    [{ min_samples_split: 1 }, /min_samples_split.*\n.*>= 2/],
    [{ min_samples_leaf: 1.5 }, /min_samples_leaf/],
    [{ min_impurity_decrease: -1 }, /min_impurity_decrease/],
    [{ max_features: 9 }, /max_features.*\n.*8/],
    [{ max_features: 'auto' as 'sqrt' }, /max_features/],
    [{ criterion: 'mse' as 'gini' }, /criterion.*\n.*gini, entropy, log_loss\n.*mse/],
    [{ class_weight: [1, 2] }, /class_weight.*\n.*3 in all/],
    [{ class_weight: [1, 2, NaN] }, /class_weight\[2\]/],
    [{ class_weight: 'even' as 'balanced' }, /balanced_subsample/],
    [{ bootstrap: false, oob_score: true }, /oob_score needs bootstrap/],
    [{ bootstrap: false, max_samples: 10 }, /max_samples needs bootstrap/],
    [{ max_samples: 0 }, /max_samples/],
    [{ bootstrap_weighting: 'none' as 'draw' }, /impurity, draw/],
    [{ seed: NaN }, /seed/],
    [{ threads: 0 }, /threads/],
  ];

  it.each(parameters)('refuses the parameter %o', async (change, message) => {
    const error = await fitForest({ ...small, ...change }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RequestError);
    expect(String(error)).toMatch(message);
  });
});

describe('predictProba', () => {
  it('gives rows that sum to 1, the same in any company', async () => {
    const forest = await fitForest({ ...small, min_samples_leaf: 4 });
    const test = sample(1000, 8, 3, 1);
    const p = predictProba(forest, test.x, 1000, 8);
    for (const row of [0, 1, 500, 999]) {
      expect(p.subarray(3 * row, 3 * row + 3).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
      const alone = predictProba(forest, test.x.subarray(8 * row, 8 * row + 8), 1, 8);
      expect(alone).toEqual(p.slice(3 * row, 3 * row + 3));
    }
  });

  it('takes no rows, and refuses other columns and values that are not finite', async () => {
    const forest = await fitForest(small);
    expect(predictProba(forest, new Float32Array(0), 0, 8)).toEqual(new Float64Array(0));
    expect(() => predictProba(forest, new Float32Array(14), 2, 7)).toThrow(/expected: 8 columns\n.*7/);
    expect(() => predictProba(forest, new Float32Array(8).with(2, NaN), 1, 8)).toThrow(/row 0, column 2/);
  });
});
