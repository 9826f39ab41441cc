/**
 * The rows of one node in ascending order of one column, without a comparison sort.
 *
 * Positions within a column are unique whole numbers (see `presort.ts`), so a node is sorted by setting
 * one bit per row in a bitmap over positions and reading the bits back in order. A second bitmap, one bit
 * per word of the first, lets nodes that hold few rows of many skip the empty words. Time is proportional
 * to the node's rows plus rows/1024; the smallest nodes use insertion.
 */
import type { Positions } from './presort.ts';

/** Below this many rows, insertion beats the bitmap (measured). */
const INSERTION_LIMIT = 12;

export class NodeOrder {
  /** After {@link sort}: the node's rows in ascending order, in elements `[0, n)`. */
  readonly rows: Uint32Array;
  readonly #words: Int32Array;
  readonly #summary: Int32Array;
  /** Which row sits at a position; only entries whose bit is set are meaningful. */
  readonly #rowAt: Uint32Array;
  readonly #keys = new Uint32Array(INSERTION_LIMIT);

  constructor(rows: number) {
    this.rows = new Uint32Array(rows);
    this.#rowAt = new Uint32Array(rows);
    const words = (rows + 31) >>> 5;
    this.#words = new Int32Array(words);
    this.#summary = new Int32Array((words + 31) >>> 5);
  }

  /** Sorts `members[start, end)` by `positions[base + row]`. */
  sort(members: Uint32Array, start: number, end: number, positions: Positions, base: number): void {
    if (end - start <= INSERTION_LIMIT) this.#insertion(members, start, end, positions, base);
    else this.#bitmap(members, start, end, positions, base);
  }

  #bitmap(members: Uint32Array, start: number, end: number, positions: Positions, base: number): void {
    const sorted = this.rows;
    const words = this.#words;
    const summary = this.#summary;
    const rowAt = this.#rowAt;
    for (let i = start; i < end; i++) {
      const row = members[i]!;
      const position = positions[base + row]!;
      rowAt[position] = row;
      const w = position >>> 5;
      const before = words[w]!;
      words[w] = before | (1 << (position & 31));
      if (before === 0) summary[w >>> 5]! |= 1 << (w & 31);
    }
    let n = 0;
    for (let s = 0; s < summary.length; s++) {
      let pending = summary[s]!;
      if (pending === 0) continue;
      summary[s] = 0;
      do {
        const w = (s << 5) + 31 - Math.clz32(pending & -pending);
        pending &= pending - 1;
        let bits = words[w]!;
        words[w] = 0;
        const offset = (w << 5) + 31;
        do {
          sorted[n++] = rowAt[offset - Math.clz32(bits & -bits)]!;
          bits &= bits - 1;
        } while (bits !== 0);
      } while (pending !== 0);
    }
  }

  #insertion(members: Uint32Array, start: number, end: number, positions: Positions, base: number): void {
    const sorted = this.rows;
    const keys = this.#keys;
    const n = end - start;
    for (let i = 0; i < n; i++) {
      const row = members[start + i]!;
      const key = positions[base + row]!;
      let j = i;
      for (; j > 0 && keys[j - 1]! > key; j--) {
        keys[j] = keys[j - 1]!;
        sorted[j] = sorted[j - 1]!;
      }
      keys[j] = key;
      sorted[j] = row;
    }
  }
}
