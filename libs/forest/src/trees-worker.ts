/** Worker module: grows the trees of a range, in order. */
import { TreeGrower, type TrainingData, type Tree } from './grow.ts';

/** Trees `from`, ..., `to - 1`. */
export interface TreeRange {
  from: number;
  to: number;
}

export default function treesWorker(data: TrainingData): (range: TreeRange) => Tree[] {
  const grower = new TreeGrower(data);
  return ({ from, to }) => Array.from({ length: to - from }, (_, i) => grower.grow(from + i));
}
