/** What a report keeps of a fitted forest: plain numbers, ready for JSON. */
import { treeCount, type FittedForest } from './forest.ts';

export interface ForestSummary {
  trees: number;
  nodes: number;
  /** Nodes on the longest path from a root, not counting the root. */
  depth: number;
  classes: number;
  cols: number;
  /** `[cols]`; see {@link FittedForest.feature_importances}. */
  feature_importances: number[];
  /** With `oob_score`; `null` if no row was out of bag. */
  oob_score?: number | null;
}

/** Summarizes a fitted forest. */
export function summarizeForest(forest: FittedForest): ForestSummary {
  const { oob } = forest;
  return {
    trees: treeCount(forest),
    nodes: forest.feature.length,
    depth: greatestDepth(forest),
    classes: forest.classes,
    cols: forest.cols,
    feature_importances: Array.from(forest.feature_importances),
    ...(oob ? { oob_score: Number.isNaN(oob.score) ? null : oob.score } : {}),
  };
}

/** Children come after their parents, so one pass in order suffices. */
function greatestDepth({ feature, child }: FittedForest): number {
  const depth = new Uint32Array(feature.length);
  let greatest = 0;
  for (let node = 0; node < feature.length; node++) {
    greatest = Math.max(greatest, depth[node]!);
    if (feature[node]! < 0) continue;
    depth[child[node]!] = depth[child[node]! + 1] = depth[node]! + 1;
  }
  return greatest;
}
