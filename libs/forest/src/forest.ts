/**
 * A forest as flat arrays, the trees one after another: small, transferable, fast to walk.
 *
 * Both children of a node are neighbours, so a node needs one link. A leaf links to a row of a table of
 * class distributions whose first rows are the pure ones (all of class 0, all of class 1, ...), which
 * makes most leaves of a fully grown forest one number.
 *
 * Memory: 12 bytes per node, 4 * classes bytes per mixed leaf. A tree grown to purity on n distinct rows
 * has at most 2n - 1 nodes; 500 trees on 4,608 rows of 8 overlapping classes hold about 1.1 million nodes,
 * 13 MB.
 */
export interface Forest {
  readonly classes: number;
  readonly cols: number;
  /** `[trees + 1]`: the index of each tree's root, then the number of nodes. */
  readonly roots: Uint32Array;
  /** `[nodes]`: the column a node splits on; -1 for a leaf. */
  readonly feature: Int32Array;
  /** `[nodes]`: values `<= threshold` go left, others right; 0 for a leaf. */
  readonly threshold: Float32Array;
  /** `[nodes]`: index of the left child, the right one being next to it; for a leaf, a row of `distribution`. */
  readonly child: Uint32Array;
  /** `[distributions, classes]`, row-major; row `k < classes` is all of class `k`. */
  readonly distribution: Float32Array;
}

/** A forest with what is known of it from fitting. */
export interface FittedForest extends Forest {
  /**
   * `[cols]`: mean decrease in impurity, summing to 1 (all 0 if no tree has a split). It favours columns
   * with many values and says nothing of rows not seen; see `permutationImportance`.
   */
  readonly feature_importances: Float64Array;
  /** With `oob_score`. */
  readonly oob?: OutOfBag;
}

/** Predictions for each training row by the trees that did not see it. */
export interface OutOfBag {
  /** Accuracy over the rows that some tree did not see; NaN if there is none. */
  readonly score: number;
  /** `[rows, classes]`, row-major: mean class distribution; NaN for rows that every tree saw. */
  readonly decision_function: Float64Array;
  /** `[rows]`: how many trees did not see the row. */
  readonly trees: Uint32Array;
}

/** Number of trees. */
export function treeCount(forest: Forest): number {
  return forest.roots.length - 1;
}
