/**
 * Mean and variance of columns, one block of rows at a time.
 *
 * Each block is summarized in two passes (mean, then squared deviations from it) and merged by the
 * pairwise update of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
 * Sample Variances" (1979): no difference of large sums, so a column at 1e6 with deviation 1e-3 keeps its
 * digits. Everything is in double precision, whatever the matrix holds.
 */
import { type Matrix } from './matrix.ts';

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
    const mean = new Float64Array(cols);
    const squares = new Float64Array(cols);
    for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++) mean[j]! += data[at++]!;
    for (let j = 0; j < cols; j++) mean[j]! /= rows;
    for (let i = 0, at = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        const deviation = data[at++]! - mean[j]!;
        squares[j]! += deviation * deviation;
      }
    }
    this.#merge(rows, mean, squares);
  }

  #merge(rows: number, mean: Float64Array, squares: Float64Array): void {
    const total = this.rows + rows;
    for (let j = 0; j < mean.length; j++) {
      const shift = mean[j]! - this.mean[j]!;
      this.mean[j]! += (shift * rows) / total;
      this.squares[j]! += squares[j]! + (shift * shift * this.rows * rows) / total;
    }
    this.rows = total;
  }
}
