/**
 * Cuts a stream of row blocks of any size into blocks of one size.
 *
 * Sums of floating-point numbers depend on how they are grouped. With the grouping fixed here, a fit gives
 * the same bytes however its rows arrive.
 */
import { type Matrix } from './matrix.ts';

export class RowBlocks {
  readonly #cols: number;
  readonly #rowsPerBlock: number;
  readonly #onBlock: (block: Matrix) => void;
  readonly #buffer: Float64Array;
  #filled = 0;

  /** `onBlock` receives blocks of `rowsPerBlock` rows in double precision, valid during the call only. */
  constructor(cols: number, rowsPerBlock: number, onBlock: (block: Matrix) => void) {
    this.#cols = cols;
    this.#rowsPerBlock = rowsPerBlock;
    this.#onBlock = onBlock;
    this.#buffer = new Float64Array(cols * rowsPerBlock);
  }

  add({ data, rows }: Matrix): void {
    const cols = this.#cols;
    for (let row = 0; row < rows;) {
      const take = Math.min(rows - row, this.#rowsPerBlock - this.#filled);
      this.#buffer.set(data.subarray(row * cols, (row + take) * cols), this.#filled * cols);
      this.#filled += take;
      row += take;
      if (this.#filled === this.#rowsPerBlock) this.flush();
    }
  }

  /** Hands over what is left, if anything. */
  flush(): void {
    if (this.#filled === 0) return;
    const rows = this.#filled;
    this.#filled = 0;
    this.#onBlock({ data: this.#buffer.subarray(0, rows * this.#cols), rows, cols: this.#cols });
  }
}

/** Copies a matrix row by row to rows of `toWidth` values, of which the first `width` are written. */
export function copyRows(
  { data, rows, cols }: Matrix,
  width: number,
  to: Float32Array | Float64Array,
  toWidth: number,
): void {
  if (cols === toWidth) {
    to.set(data.subarray(0, rows * cols));
    return;
  }
  for (let i = 0; i < rows; i++) to.set(data.subarray(i * cols, i * cols + width), i * toWidth);
}
