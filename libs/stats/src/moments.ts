/**
 * Mean and variance of columns, one block of rows at a time.
 *
 * Each block is summarized in two passes (mean, then squared deviations from it) and merged by the
 * pairwise update of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
 * Sample Variances" (1979): no difference of large sums, so a column at 1e6 with deviation 1e-3 keeps its
 * digits. Everything is in double precision, whatever the matrix holds.
 */
import { reusedWorkspace } from './kernels.ts';
import { type Matrix } from './matrix.ts';
import { copyRows } from './row-blocks.ts';

/** Count, mean and sum of squared deviations of each column. */
export class ColumnMoments {
  rows = 0;
  readonly mean: Float64Array;
  /** Sum over the rows of (x - mean)^2. */
  readonly squares: Float64Array;

  constructor(cols: number) {
    this.mean = new Float64Array(cols);
    this.squares = new Float64Array(cols);
  }

  /** Adds the rows of a matrix with the right number of columns. */
  add({ data, rows, cols }: Matrix): void {
    if (rows === 0) return;
    // The kernels take two columns at a time; a last one on its own is joined by zeros.
    const width = cols + (cols % 2);
    const workspace = reusedWorkspace([rows * width, width, width]);
    const block = workspace.array(rows * width);
    const [mean, squares] = [workspace.array(width), workspace.array(width)];
    copyRows({ data, rows, cols }, cols, block, width);
    const [start, bytes] = [block.byteOffset, width * 8];
    const end = start + rows * bytes;
    const { addRow, addSquares } = workspace.kernels;
    for (let row = start; row < end; row += bytes) addRow(row, row + bytes, mean.byteOffset);
    for (let j = 0; j < cols; j++) mean[j]! /= rows;
    for (let row = start; row < end; row += bytes) addSquares(row, row + bytes, mean.byteOffset, squares.byteOffset);
    this.#merge(rows, mean, squares);
  }

  #merge(rows: number, mean: Float64Array, squares: Float64Array): void {
    const total = this.rows + rows;
    for (let j = 0; j < this.mean.length; j++) {
      const shift = mean[j]! - this.mean[j]!;
      this.mean[j]! += (shift * rows) / total;
      this.squares[j]! += squares[j]! + (shift * shift * this.rows * rows) / total;
    }
    this.rows = total;
  }
}
