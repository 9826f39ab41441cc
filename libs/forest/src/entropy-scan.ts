/** The best split by entropy: rows in order first (see `node-order.ts`), then one pass over them. */
import type { ColumnScan, NodeView } from './column-scan.ts';
import { xlogx } from './criterion.ts';
import { NodeOrder } from './node-order.ts';
import type { Presorted } from './presort.ts';

/** Up to this sum of whole weights, x log2 x comes from a table. */
const TABLE_LIMIT = 1 << 20;

export class EntropyScan implements ColumnScan {
  score = -Infinity;
  lastLeft = 0;
  firstRight = 0;
  readonly #sorted: Presorted;
  readonly #node: NodeView;
  readonly #order: NodeOrder;
  readonly #left: Float64Array;
  readonly #table: Float64Array | undefined;
  /** All ones: a split is allowed after every row. */
  readonly #everywhere: Uint8Array;
  readonly #betweenValues: Uint8Array;

  /** @param greatest the greatest sum of weights, if all weights are whole numbers; else undefined */
  constructor(sorted: Presorted, node: NodeView, greatest: number | undefined) {
    this.#sorted = sorted;
    this.#node = node;
    this.#order = new NodeOrder(sorted.rows);
    this.#left = new Float64Array(node.totals.length);
    this.#everywhere = new Uint8Array(sorted.rows).fill(1);
    this.#betweenValues = new Uint8Array(sorted.rows);
    if (greatest !== undefined && greatest <= TABLE_LIMIT) {
      this.#table = Float64Array.from({ length: greatest + 1 }, (_, x) => xlogx(x));
    }
  }

  beginTree(): void {
    // Weights are read where they are.
  }

  beginNode(): void {
    // So are totals.
  }

  scan(column: number, start: number, end: number, minLeaf: number): 'found' | 'none' | 'constant' {
    const { positions, values, rows, tied } = this.#sorted;
    const base = column * rows;
    const n = end - start;
    const order = this.#order;
    order.sort(this.#node.members, start, end, positions, base);
    const ordered = order.rows;
    let allowed = this.#everywhere;
    if (tied[column] === 1) {
      if (values[base + positions[base + ordered[0]!]!] === values[base + positions[base + ordered[n - 1]!]!]) {
        return 'constant';
      }
      allowed = this.#markValueChanges(base, n);
    }
    const best = this.#bestPlace(ordered, allowed, minLeaf - 1, n - 1 - minLeaf);
    if (best < 0) return 'none';
    this.lastLeft = positions[base + ordered[best]!]!;
    this.firstRight = positions[base + ordered[best + 1]!]!;
    return 'found';
  }

  /** Marks where, in a column with repeated values, a row is followed by a greater value. */
  #markValueChanges(base: number, n: number): Uint8Array {
    const { positions, values } = this.#sorted;
    const ordered = this.#order.rows;
    const allowed = this.#betweenValues;
    let value = values[base + positions[base + ordered[0]!]!]!;
    for (let i = 0; i < n - 1; i++) {
      const next = values[base + positions[base + ordered[i + 1]!]!]!;
      allowed[i] = next > value ? 1 : 0;
      value = next;
    }
    return allowed;
  }

  /** The index of the last row on the left; -1 if no split after `sorted[first..last]` is allowed. */
  #bestPlace(sorted: Uint32Array, allowed: Uint8Array, first: number, last: number): number {
    const { classOf, weightOf, totals, weight, basis } = this.#node;
    const table = this.#table;
    const left = this.#left;
    for (let k = 0; k < left.length; k++) left[k] = 0;
    let leftWeight = 0;
    let both = basis; // sum over classes of f(left) + f(right), f(x) = x log2 x
    let best = -1;
    let bestScore = -Infinity;
    for (let i = 0; i <= last; i++) {
      const row = sorted[i]!;
      const k = classOf[row]!;
      const w = weightOf[row]!;
      const before = left[k]!;
      const after = before + w;
      const total = totals[k]!;
      left[k] = after;
      leftWeight += w;
      if (table === undefined) {
        both += xlogx(after) - xlogx(before) + xlogx(total - after) - xlogx(total - before);
      } else {
        both += table[after]! - table[before]! + table[total - after]! - table[total - before]!;
      }
      if (i < first || allowed[i] === 0) continue;
      const rightWeight = weight - leftWeight;
      const score =
        table === undefined
          ? both - xlogx(leftWeight) - xlogx(rightWeight)
          : both - table[leftWeight]! - table[rightWeight]!;
      if (score > bestScore) {
        bestScore = score;
        best = i;
      }
    }
    this.score = bestScore;
    return best;
  }
}
