/** Predictions: rows in blocks that stay in cache, each block through one tree after another. */
import { checkMatrix } from './check.ts';
import { treeCount, type Forest } from './forest.ts';

/** Bytes of matrix rows worked on at a time: with one tree, they fit a second-level cache. */
const BLOCK_BYTES = 1 << 17;

/**
 * Class probabilities: the mean over trees of the class distribution of the leaf a row falls into.
 *
 * @param x `[rows, cols]`, row-major, all finite
 * @returns `[rows, classes]`, row-major
 * @throws DataError on a wrong shape or a value that is not finite
 */
export function predictProba(forest: Forest, x: Float32Array, rows: number, cols: number): Float64Array {
  checkMatrix(x, rows, cols, forest.cols);
  const sums = sumOverTrees(forest, x, rows);
  const trees = treeCount(forest);
  for (let i = 0; i < sums.length; i++) sums[i]! /= trees;
  return sums;
}

/** Sums over trees of class distributions, `[rows, classes]`; `x` is not checked. */
export function sumOverTrees(forest: Forest, x: Float32Array, rows: number): Float64Array {
  const sums = new Float64Array(rows * forest.classes);
  const block = Math.max(16, Math.floor(BLOCK_BYTES / (4 * forest.cols)));
  for (let from = 0; from < rows; from += block) {
    const to = Math.min(from + block, rows);
    for (let tree = 0; tree < treeCount(forest); tree++) addTree(forest, tree, x, from, to, sums);
  }
  return sums;
}

/** Most probable class of each row, the first of equals: `[rows]`. Otherwise as {@link predictProba}. */
export function predict(forest: Forest, x: Float32Array, rows: number, cols: number): Int32Array {
  return mostProbable(predictProba(forest, x, rows, cols), forest.classes);
}

/** Index of the greatest value of each row of `[rows, classes]`, the first of equals. */
export function mostProbable(probabilities: Float64Array, classes: number): Int32Array {
  const result = new Int32Array(probabilities.length / classes);
  for (let row = 0; row < result.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (probabilities[row * classes + k]! > probabilities[row * classes + best]!) best = k;
    }
    result[row] = best;
  }
  return result;
}

function addTree(forest: Forest, tree: number, x: Float32Array, from: number, to: number, sums: Float64Array): void {
  const { feature, threshold, child, distribution, classes, cols } = forest;
  const root = forest.roots[tree]!;
  for (let row = from; row < to; row++) {
    const at = row * cols;
    let node = root;
    let column = feature[node]!;
    while (column >= 0) {
      node = child[node]! + (x[at + column]! <= threshold[node]! ? 0 : 1);
      column = feature[node]!;
    }
    const leaf = child[node]!;
    const sum = row * classes;
    if (leaf < classes) sums[sum + leaf]!++;
    else for (let k = 0; k < classes; k++) sums[sum + k]! += distribution[leaf * classes + k]!;
  }
}
