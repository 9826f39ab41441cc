/** Finding the best split of a node on one column: what each criterion does in its own way. */
import type { Arena } from './shared-memory.ts';

/** The node at hand and its tree. */
export interface NodeView {
  /** `[rows]`: rows of the forest's matrix; the node is a range of it. */
  members: Uint32Array<SharedArrayBuffer>;
  /** `[rows]`: class index of each row of the forest's matrix. */
  classOf: Int32Array;
  /** `[rows]`: weight of each row in this tree; 0 for rows it does not see. */
  weightOf: Float64Array;
  /** `[classes]`: summed weights of the node. */
  totals: Float64Array<SharedArrayBuffer>;
  /** Sum of `totals`. */
  weight: number;
  /** The criterion's `basis` of `totals`. */
  basis: number;
}

export interface ColumnScan {
  /** Of the best split found by the last {@link scan}: purity of both sides, and the positions next to it. */
  readonly score: number;
  readonly lastLeft: number;
  readonly firstRight: number;
  /** Called when the weights of another tree are in place. */
  beginTree(): void;
  /** Called when the totals of another node are in place. */
  beginNode(): void;
  /**
   * Finds the best place to split the node's rows, `members[start, end)`.
   *
   * @param minLeaf rows to leave on each side; the node has at least twice as many
   */
  scan(column: number, start: number, end: number, minLeaf: number): 'found' | 'none' | 'constant';
}

/** A node's view with arrays of its own. */
export function nodeView(arena: Arena, classOf: Int32Array, classes: number): NodeView {
  const rows = classOf.length;
  return {
    members: arena.u32(rows),
    classOf,
    weightOf: new Float64Array(rows),
    totals: arena.f64(classes),
    weight: 0,
    basis: 0,
  };
}
