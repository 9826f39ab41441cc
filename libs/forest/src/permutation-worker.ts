/** Worker module: the scores of the predictions with one column shuffled, once per repeat. */
import { Rng } from '@prosodia/core';
import { treeCount, type Forest } from './forest.ts';
import type { ColumnScores, PermutationSetup } from './permutation.ts';
import { sumOverTrees } from './predict.ts';
import { score } from './scoring.ts';

export default function permutationWorker(setup: PermutationSetup): (column: number) => ColumnScores {
  const { forest, x, rows, y, scoring, repeats, seed } = setup;
  const { classes, cols } = forest;
  const sums = sumOverTrees(forest, x, rows);
  const scored = (treeSums: Float64Array) =>
    score(
      scoring,
      treeSums.map((sum) => sum / treeCount(forest)),
      y,
      classes,
    );
  const baseline = scored(sums);
  return (column) => {
    const values = Array.from({ length: repeats }, (_, repeat) => {
      const values = Float32Array.from({ length: rows }, (_, row) => x[row * cols + column]!);
      return new Rng(seed, 'permutation', column, repeat).shuffle(values);
    });
    const shuffled = values.map(() => sums.slice());
    for (let tree = 0; tree < treeCount(forest); tree++) shuffleInTree(setup, tree, column, values, shuffled);
    return { baseline, shuffled: Float64Array.from(shuffled, scored) };
  };
}

/** Corrects the sums of each repeat for the rows that one tree sends to another leaf. */
function shuffleInTree(
  { forest, x, rows }: PermutationSetup,
  tree: number,
  column: number,
  values: Float32Array[],
  sums: Float64Array[],
): void {
  const { feature, threshold, child, cols, classes, distribution } = forest;
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    let node = forest.roots[tree]!;
    while (feature[node]! >= 0 && feature[node] !== column) {
      node = child[node]! + (x[at + feature[node]!]! <= threshold[node]! ? 0 : 1);
    }
    if (feature[node]! < 0) continue;
    const before = leafBelow(forest, node, x, at, column, x[at + column]!);
    for (let repeat = 0; repeat < values.length; repeat++) {
      const after = leafBelow(forest, node, x, at, column, values[repeat]![row]!);
      if (after === before) continue;
      const ofRepeat = sums[repeat]!;
      for (let k = 0; k < classes; k++) {
        ofRepeat[row * classes + k]! += distribution[after * classes + k]! - distribution[before * classes + k]!;
      }
    }
  }
}

/** The distribution row of the leaf below `from` of the row at `x[at]`, whose `column` has `value`. */
function leafBelow(
  { feature, threshold, child }: Forest,
  from: number,
  x: Float32Array,
  at: number,
  column: number,
  value: number,
): number {
  let node = from;
  for (let split = feature[node]!; split >= 0; split = feature[node]!) {
    node = child[node]! + ((split === column ? value : x[at + split]!) <= threshold[node]! ? 0 : 1);
  }
  return child[node]!;
}
