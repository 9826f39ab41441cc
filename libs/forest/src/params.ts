/**
 * The parameters of a forest: scikit-learn's names and meanings, checked once, resolved to plain numbers.
 *
 * Where scikit-learn tells `1` (one feature) from `1.0` (all of them), JavaScript cannot: here a number
 * below 1 is a share and a whole number from 1 up is a count, and `null` says "all".
 */
import { RequestError } from '@prosodia/core';

/** `sqrt` and `log2` of the number of columns, a share in (0, 1), a count >= 1, or `null` for all columns. */
export type MaxFeatures = 'sqrt' | 'log2' | number | null;

/**
 * How classes are weighted: not at all, inversely to their frequency (over all rows, or over each tree's
 * bootstrap sample), or with one weight >= 0 per class index.
 */
export type ClassWeight = 'balanced' | 'balanced_subsample' | ArrayLike<number> | null;

export interface ForestParams {
  /** Number of trees. Default 500 (scikit-learn: 100; 500 is what the recipes of this field use). */
  n_estimators?: number;
  /** What a split reduces. `log_loss` is another name for `entropy`. Default `gini`. */
  criterion?: 'gini' | 'entropy' | 'log_loss';
  /** Greatest depth of a tree, the root being at 0; `null` (default) grows until the leaves are pure. */
  max_depth?: number | null;
  /** A node with fewer rows is not split: a count >= 2 (default 2) or a share of all rows in (0, 1). */
  min_samples_split?: number;
  /** A split must leave this many rows on each side: a count >= 1 (default 1) or a share in (0, 1). */
  min_samples_leaf?: number;
  /** A split must reduce the impurity, weighted by the node's share of all rows, by this much. Default 0. */
  min_impurity_decrease?: number;
  /** Columns drawn as candidates at each node. Default `sqrt`. */
  max_features?: MaxFeatures;
  /** Draw each tree's rows with replacement. Default true; false with `extra_trees`, as in scikit-learn. */
  bootstrap?: boolean;
  /** Rows drawn per tree: `null` (default) for as many as there are, a share in (0, 1), or a count. */
  max_samples?: number | null;
  /** Default `null`. Multiplied with `sample_weight`. */
  class_weight?: ClassWeight;
  /**
   * What row weights do under bootstrap. `impurity` (default): rows are drawn uniformly and their weights
   * count in impurities and leaves, as in scikit-learn up to 1.8. `draw`: rows are drawn in proportion to
   * their weights, which then count no further, as in scikit-learn 1.9. The two agree without bootstrap,
   * and `balanced_subsample` always means `impurity`.
   */
  bootstrap_weighting?: 'impurity' | 'draw';
  /** Extremely randomized trees: one random threshold per candidate column. Default false. */
  extra_trees?: boolean;
  /** Also predict each row by the trees that did not see it. Needs `bootstrap`. Default false. */
  oob_score?: boolean;
  /** Any finite number. Tree `i` depends on it and on `i` only. Default 0. */
  seed?: number;
}

/** Parameters with every default filled in and every share turned into a count. */
export interface ResolvedParams {
  trees: number;
  criterion: 'gini' | 'entropy';
  maxDepth: number;
  minSplit: number;
  minLeaf: number;
  minDecrease: number;
  candidates: number;
  /** Rows drawn per tree; 0 means no bootstrap: every row once. */
  draws: number;
  classWeight: ClassWeight;
  drawByWeight: boolean;
  extraTrees: boolean;
  oob: boolean;
  seed: number;
}

/**
 * Checks `params` and resolves them for a matrix of `rows` x `cols`.
 *
 * @throws RequestError naming the parameter
 */
export function resolveParams(params: ForestParams, rows: number, cols: number, classes: number): ResolvedParams {
  const extraTrees = params.extra_trees ?? false;
  const bootstrap = params.bootstrap ?? !extraTrees;
  const minLeaf = countOrShare('min_samples_leaf', params.min_samples_leaf ?? 1, 1, (share) => Math.ceil(share * rows));
  const minSplit = countOrShare('min_samples_split', params.min_samples_split ?? 2, 2, (share) =>
    Math.ceil(share * rows),
  );
  const criterion = oneOf('criterion', params.criterion ?? 'gini', ['gini', 'entropy', 'log_loss']);
  const weighting = oneOf('bootstrap_weighting', params.bootstrap_weighting ?? 'impurity', ['impurity', 'draw']);
  const oob = params.oob_score ?? false;
  if (oob && !bootstrap) {
    throw new RequestError({
      problem: 'oob_score needs bootstrap: without it every tree sees every row',
      fix: 'set bootstrap: true, or oob_score: false',
    });
  }
  if (!bootstrap && params.max_samples != null) {
    throw new RequestError({
      problem: 'max_samples needs bootstrap: without it every tree sees every row',
      fix: 'set bootstrap: true, or leave max_samples out',
    });
  }
  const minDecrease = params.min_impurity_decrease ?? 0;
  if (!(minDecrease >= 0)) throw bad('min_impurity_decrease', 'a number >= 0', minDecrease);
  const seed = params.seed ?? 0;
  if (!Number.isFinite(seed)) throw bad('seed', 'a finite number', seed);
  const classWeight = checkedClassWeight(params.class_weight ?? null, classes);
  return {
    trees: count('n_estimators', params.n_estimators ?? 500, 1),
    criterion: criterion === 'gini' ? 'gini' : 'entropy',
    maxDepth: params.max_depth == null ? Infinity : count('max_depth', params.max_depth, 1),
    minSplit: Math.max(minSplit, 2 * minLeaf),
    minLeaf,
    minDecrease,
    candidates: candidateCount(params.max_features === undefined ? 'sqrt' : params.max_features, cols),
    draws: bootstrap ? drawCount(params.max_samples ?? null, rows) : 0,
    classWeight,
    drawByWeight: bootstrap && weighting === 'draw' && classWeight !== 'balanced_subsample',
    extraTrees,
    oob,
    seed,
  };
}

function candidateCount(maxFeatures: MaxFeatures, cols: number): number {
  if (maxFeatures === null) return cols;
  if (maxFeatures === 'sqrt') return Math.max(1, Math.floor(Math.sqrt(cols)));
  if (maxFeatures === 'log2') return Math.max(1, Math.floor(Math.log2(cols)));
  if (typeof maxFeatures === 'string') {
    throw bad('max_features', "'sqrt', 'log2', a share in (0, 1), a count, or null", maxFeatures);
  }
  const candidates = countOrShare('max_features', maxFeatures, 1, (share) => Math.max(1, Math.floor(share * cols)));
  if (candidates > cols) throw bad('max_features', `at most the number of columns, ${cols}`, candidates);
  return candidates;
}

function drawCount(maxSamples: number | null, rows: number): number {
  if (maxSamples === null) return rows;
  return countOrShare('max_samples', maxSamples, 1, (share) => Math.max(1, Math.floor(share * rows)));
}

function checkedClassWeight(weight: ClassWeight, classes: number): ClassWeight {
  if (weight === null) return null;
  if (typeof weight === 'string')
    return oneOf<ClassWeight & string>('class_weight', weight, ['balanced', 'balanced_subsample']);
  const weights = Array.from(weight);
  if (weights.length !== classes) {
    throw bad('class_weight', `one weight per class, ${classes} in all`, `${weights.length} weights`);
  }
  const index = weights.findIndex((w) => !(w >= 0 && w < Infinity));
  if (index >= 0) throw bad(`class_weight[${index}]`, 'a finite number >= 0', weights[index]);
  return weights;
}

function countOrShare(name: string, value: number, least: number, ofShare: (share: number) => number): number {
  if (value > 0 && value < 1) return Math.max(least, ofShare(value));
  if (Number.isInteger(value) && value >= least) return value;
  throw bad(name, `a whole number >= ${least}, or a share in (0, 1)`, value);
}

function count(name: string, value: number, least: number): number {
  if (!(Number.isInteger(value) && value >= least)) throw bad(name, `a whole number >= ${least}`, value);
  return value;
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) throw bad(name, allowed.join(', '), value);
  return value;
}

function bad(name: string, expected: string, got: unknown): RequestError {
  return new RequestError({ problem: `forest parameter ${name} is wrong`, expected, got: String(got) });
}
