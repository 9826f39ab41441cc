import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fitForest, type FitOptions } from './fit.ts';
import type { FittedForest, Forest } from './forest.ts';
import type { ForestParams } from './params.ts';
import { permutationImportance } from './permutation.ts';
import { predict, predictProba } from './predict.ts';
import { score } from './scoring.ts';
import { sample, scramble, type Sample } from './testing.ts';
import { floatBelow } from './threshold.ts';

/** Written by `golden/make.py`, which says what everything is. */
interface Golden {
  data: { x: number; head: number[]; y: number[] };
  trees: {
    params: GoldenParams;
    nodes: number;
    feature?: number[];
    threshold?: number[];
    leaves?: number[][];
    importances?: number[];
    predictions?: number[];
  }[];
  forests: {
    params: GoldenParams;
    probabilities: number[];
    accuracy: number[];
    log_loss: number[];
    importances: number[][];
    oob_score: number[];
    nodes: number;
  }[];
  permutation: { mean: number[] };
}

/** `sample_weight` is true where {@link weightsOf} apply. */
type GoldenParams = Omit<ForestParams, 'sample_weight'> & { sample_weight?: boolean };

const golden = JSON.parse(readFileSync(new URL('../golden/sklearn.json', import.meta.url), 'utf8')) as Golden;

function weightsOf(rows: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => Math.floor(5 * scramble(row + 90_000)) / 2);
}

function fit(data: Sample, { sample_weight, ...params }: GoldenParams, more: ForestParams): Promise<FittedForest> {
  const weights: Partial<FitOptions> = sample_weight ? { sample_weight: weightsOf(data.rows) } : {};
  return fitForest({ ...data, ...params, ...weights, ...more });
}

/** Nodes in scikit-learn's order: depth first, left before right. */
function depthFirst(forest: Forest): number[] {
  const order: number[] = [];
  const visit = (node: number) => {
    order.push(node);
    if (forest.feature[node]! < 0) return;
    visit(forest.child[node]!);
    visit(forest.child[node]! + 1);
  };
  visit(0);
  return order;
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0) / values.length;
}

/** Difference of two means in standard errors. */
function standardErrors(a: number[], b: number[]): number {
  const squaredError = (values: number[]) => {
    const centre = mean(values);
    return mean(values.map((value) => (value - centre) ** 2)) / (values.length - 1);
  };
  return Math.abs(mean(a) - mean(b)) / Math.sqrt(squaredError(a) + squaredError(b));
}

function correlation(a: number[], b: number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const covariance = (x: number[], centreX: number, y: number[], centreY: number) =>
    mean(x.map((value, i) => (value - centreX) * (y[i]! - centreY)));
  return covariance(a, meanA, b, meanB) / Math.sqrt(covariance(a, meanA, a, meanA) * covariance(b, meanB, b, meanB));
}

/** Spearman's rank correlation; values are taken as different. */
function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const ranks = (values: ArrayLike<number>) => {
    const order = [...Array(values.length).keys()].sort((i, j) => values[i]! - values[j]!);
    const result = new Array<number>(values.length);
    for (const [rank, index] of order.entries()) result[index] = rank;
    return result;
  };
  return correlation(ranks(a), ranks(b));
}

it('makes the same data here as in Python', () => {
  const { x, y } = sample(200, 6, 4, 3, 0.5);
  expect(x.reduce((a, b) => a + b, 0)).toBeCloseTo(golden.data.x, 9);
  expect(Array.from(x.subarray(0, 12))).toEqual(golden.data.head);
  expect([0, 1, 2, 3].map((k) => y.filter((label) => label === k).length)).toEqual(golden.data.y);
});

describe('a single tree on all columns', () => {
  const whole = golden.trees.filter((tree) => tree.feature);
  const partly = golden.trees.filter((tree) => tree.predictions);
  const one: ForestParams = { n_estimators: 1, bootstrap: false, max_features: null };

  it.each(whole.map((tree) => [JSON.stringify(tree.params), tree] as const))(
    'is scikit-learn’s, node by node: %s',
    async (_, tree) => {
      const forest = await fit(sample(400, 6, 4, 2, 0.5), tree.params, one);
      const order = depthFirst(forest);
      const splits = order.filter((node) => forest.feature[node]! >= 0);
      const leaves = order.filter((node) => forest.feature[node]! < 0);
      const theirs = [...tree.feature!.keys()].filter((node) => tree.feature![node]! >= 0);
      expect(order.map((node) => Math.max(forest.feature[node]!, -1))).toEqual(
        tree.feature!.map((column) => Math.max(column, -1)),
      );
      expect(splits.map((node) => forest.threshold[node])).toEqual(theirs.map((i) => floatBelow(tree.threshold![i]!)));
      for (const [i, node] of leaves.entries()) {
        for (let k = 0; k < 4; k++) {
          expect(forest.distribution[forest.child[node]! * 4 + k]).toBeCloseTo(tree.leaves![i]![k]!, 6);
        }
      }
      for (const [col, importance] of tree.importances!.entries()) {
        expect(forest.feature_importances[col]).toBeCloseTo(importance, 8);
      }
    },
  );

  it.each(partly.map((tree) => [JSON.stringify(tree.params), tree] as const))(
    'grown to purity predicts as scikit-learn’s wherever the order of tied splits does not matter: %s',
    async (_, tree) => {
      const test = sample(200, 6, 4, 3);
      const settled = tree.predictions!.map((label, row) => (label < 0 ? -1 : row)).filter((row) => row >= 0);
      expect(settled.length).toBeGreaterThan(100);
      for (let seed = 0; seed < 4; seed++) {
        const forest = await fit(sample(400, 6, 4, 2, 0.5), tree.params, { ...one, seed });
        const ours = predict(forest, test.x, 200, 6);
        const differing = settled.filter((row) => ours[row] !== tree.predictions![row]);
        // A tie that eight seeds of theirs happened to settle alike may fall the other way here.
        expect(differing.length).toBeLessThanOrEqual(2);
      }
    },
  );
});

describe('five forests', () => {
  const train = sample(300, 16, 3, 4, 1);
  const test = sample(150, 16, 3, 5, 1);
  for (let row = 0; row < 300; row++) {
    train.x[row * 16 + 14] = 1; // Constant.
    train.x[row * 16 + 15] = Math.floor(train.x[row * 16]! * 2); // Many equal values.
  }
  for (let row = 0; row < 150; row++) test.x[row * 16 + 15] = Math.floor(test.x[row * 16]! * 2);

  it.each(golden.forests.map((forest) => [JSON.stringify(forest.params), forest] as const))(
    'have the same distribution as scikit-learn’s: %s',
    async (_, theirs) => {
      const bootstrap = theirs.oob_score.length > 0;
      const forests: FittedForest[] = [];
      for (let seed = 0; seed < 5; seed++) {
        // scikit-learn 1.9 draws by weight, except with balanced_subsample.
        const more: ForestParams = { n_estimators: 100, seed, oob_score: bootstrap, bootstrap_weighting: 'draw' };
        forests.push(await fit(train, theirs.params, more));
      }
      const probabilities = forests.map((forest) => predictProba(forest, test.x, 150, 16));
      const average = theirs.probabilities.map((_, i) => mean(probabilities.map((p) => p[i]!)));

      // Averages over 500 and 1,000 independent trees, each with a variance of at most p (1 - p).
      const z = average.map((p, i) => {
        const pooled = (p + theirs.probabilities[i]!) / 2;
        return (p - theirs.probabilities[i]!) / Math.sqrt((1 / 500 + 1 / 1000) * pooled * (1 - pooled) + 1e-8);
      });
      expect(mean(z.map((value) => value ** 2))).toBeLessThan(1.25);
      expect(Math.max(...z.map(Math.abs))).toBeLessThan(5);

      const accuracy = probabilities.map((p) => score('accuracy', p, test.y, 3));
      const losses = probabilities.map((p) => -score('neg_log_loss', p, test.y, 3));
      expect(standardErrors(accuracy, theirs.accuracy)).toBeLessThan(4);
      expect(standardErrors(losses, theirs.log_loss)).toBeLessThan(4);
      if (bootstrap) {
        expect(
          standardErrors(
            forests.map((forest) => forest.oob!.score),
            theirs.oob_score,
          ),
        ).toBeLessThan(4);
      }
      const nodes = mean(forests.map((forest) => forest.feature.length / 100));
      // Fractional weights leave scikit-learn with rounding errors that it splits pure nodes over, to no effect.
      expect(nodes / theirs.nodes).toBeLessThan(1.02);
      if (!theirs.params.class_weight) expect(nodes / theirs.nodes).toBeGreaterThan(0.98);

      const columns = [...Array(16).keys()].filter((col) => col !== 14); // 14 is constant.
      const ours = columns.map((col) => forests.map((forest) => forest.feature_importances[col]!));
      const golden = columns.map((col) => theirs.importances.map((importances) => importances[col]!));
      // Of the columns with information: the ranks of the others are noise, and some of these are close.
      expect(rankCorrelation(ours.map(mean).slice(0, 8), golden.map(mean).slice(0, 8))).toBeGreaterThan(0.9);
      expect(correlation(ours.map(mean), golden.map(mean))).toBeGreaterThan(0.99);
      for (const i of columns.keys()) expect(standardErrors(ours[i]!, golden[i]!)).toBeLessThan(4.5);
      expect(forests.every((forest) => forest.feature_importances[14] === 0)).toBe(true);
    },
  );
});

it('permutation importances are scikit-learn’s within the spread of forests', async () => {
  const train = sample(300, 10, 4, 6);
  const test = sample(300, 10, 4, 7);
  const means: Float64Array[] = [];
  for (let seed = 0; seed < 3; seed++) {
    const forest = await fitForest({ ...train, n_estimators: 100, seed });
    means.push((await permutationImportance(forest, { ...test, n_repeats: 10, seed })).importances_mean);
  }
  for (const [col, theirs] of golden.permutation.mean.entries()) {
    expect(Math.abs(mean(means.map((values) => values[col]!)) - theirs)).toBeLessThan(0.012);
  }
});
