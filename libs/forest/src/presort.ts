/**
 * Sorts every column once per forest, so that no tree ever compares two feature values again.
 *
 * A row's place in a column is its `position` 0..rows-1 in ascending order (equal values in row order).
 * Nodes then sort small whole numbers (see `node-order.ts`), and a split is "position <= p".
 *
 * Memory: rows * cols * (2 + 4) bytes up to 65,536 rows, rows * cols * 8 bytes beyond; shared by all
 * threads (see `shared-memory.ts`).
 */
import { bytesFor, type Arena } from './shared-memory.ts';

/** Position codes: 16 bits where they fit, since a column that stays in the first-level cache is fast. */
export type Positions = Uint16Array<SharedArrayBuffer> | Uint32Array<SharedArrayBuffer>;

export interface Presorted {
  rows: number;
  cols: number;
  /** `[cols, rows]`: the position of a row in the sorted column. */
  positions: Positions;
  /** `[cols, rows]`: the values of a column in ascending order. */
  values: Float32Array<SharedArrayBuffer>;
  /** `[cols]`: 1 if some value occurs twice in the column. */
  tied: Uint8Array<SharedArrayBuffer>;
}

/** Most rows whose positions have 16 bits. */
const NARROW_ROWS = 65_536;

/** Bytes of an arena that {@link presort} takes. */
export function presortBytes(rows: number, cols: number): number {
  return bytesFor((rows <= NARROW_ROWS ? 2 : 4) * rows * cols, 4 * rows * cols);
}

/** Sorts the columns of a row-major `[rows, cols]` matrix of finite numbers. */
export function presort(x: Float32Array, rows: number, cols: number, arena: Arena): Presorted {
  const size = rows * cols;
  const positions: Positions = rows <= NARROW_ROWS ? arena.u16(size) : arena.u32(size);
  const values = arena.f32(size);
  const tied = new Uint8Array(new SharedArrayBuffer(cols));
  const sorter = new RadixArgsort(rows);
  const column = new Float32Array(rows);
  for (let col = 0; col < cols; col++) {
    // Adding zero turns -0 into +0, which compares equal and so must sort equal.
    for (let row = 0; row < rows; row++) column[row] = x[row * cols + col]! + 0;
    const order = sorter.argsort(column);
    const base = col * rows;
    let previous = NaN;
    for (let position = 0; position < rows; position++) {
      const row = order[position]!;
      const value = column[row]!;
      positions[base + row] = position;
      values[base + position] = value;
      if (value === previous) tied[col] = 1;
      previous = value;
    }
  }
  return { rows, cols, positions, values, tied };
}

/** Stable least-significant-digit radix sort of float32 bit patterns, three digits of 11 bits. */
class RadixArgsort {
  readonly #keys: Uint32Array;
  #order: Uint32Array;
  #spare: Uint32Array;
  readonly #starts = new Uint32Array(2049);

  constructor(rows: number) {
    this.#keys = new Uint32Array(rows);
    this.#order = new Uint32Array(rows);
    this.#spare = new Uint32Array(rows);
  }

  /** The row indices in ascending order of value; valid until the next call. */
  argsort(column: Float32Array): Uint32Array {
    const keys = this.#keys;
    const bits = new Uint32Array(column.buffer, column.byteOffset, column.length);
    for (let row = 0; row < keys.length; row++) {
      const b = bits[row]!;
      // Order of unsigned integers = order of floats: flip all bits of negatives, the sign bit of others.
      keys[row] = b >>> 31 ? ~b : b | 0x80000000;
      this.#order[row] = row;
    }
    for (let shift = 0; shift < 33; shift += 11) this.#pass(shift);
    return this.#order;
  }

  #pass(shift: number): void {
    const keys = this.#keys;
    const starts = this.#starts.fill(0);
    for (const key of keys) starts[((key >>> shift) & 2047) + 1]!++;
    for (let digit = 1; digit < 2049; digit++) starts[digit]! += starts[digit - 1]!;
    const from = this.#order;
    const to = this.#spare;
    for (const row of from) to[starts[(keys[row]! >>> shift) & 2047]!++] = row;
    this.#order = to;
    this.#spare = from;
  }
}
