/** Checks of what callers hand in: shapes, finite values, labels in range. All throw DataError. */
import { DataError } from '@prosodia/core';

/**
 * A row-major `[rows, cols]` matrix of finite numbers.
 *
 * @param fitted the number of columns it must have, if a forest says so
 */
export function checkMatrix(x: Float32Array, rows: number, cols: number, fitted?: number): void {
  if (!(Number.isInteger(rows) && rows >= 0 && Number.isInteger(cols) && cols >= 1)) {
    throw new DataError({
      problem: 'a matrix has a wrong shape',
      expected: 'whole numbers rows >= 0 and cols >= 1',
      got: `${rows} x ${cols}`,
    });
  }
  if (fitted !== undefined && cols !== fitted) {
    throw new DataError({
      problem: 'the matrix has another number of columns than the forest was fitted on',
      expected: `${fitted} columns`,
      got: `${cols}`,
    });
  }
  if (x.length !== rows * cols) {
    throw new DataError({
      problem: 'the matrix does not have the stated shape',
      expected: `${rows} x ${cols} = ${rows * cols} values`,
      got: `${x.length} values`,
    });
  }
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    // A number minus itself is 0 unless it is infinite or not a number.
    if (value - value !== 0) {
      throw new DataError({
        problem: 'a feature value is not finite',
        expected: 'finite numbers',
        got: String(value),
        where: `row ${Math.floor(i / cols)}, column ${i % cols}`,
        fix: 'fill in or drop missing values before the forest',
      });
    }
  }
}

/** `[rows]` class indices in `[0, classes)`. */
export function checkLabels(y: Int32Array, rows: number, classes: number): void {
  if (y.length !== rows) {
    throw new DataError({
      problem: 'the labels do not fit the matrix',
      expected: `${rows} labels, one per row`,
      got: `${y.length}`,
    });
  }
  const wrong = y.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    throw new DataError({
      problem: 'a label is out of range',
      expected: `a class index from 0 to ${classes - 1}`,
      got: String(y[wrong]),
      where: `row ${wrong}`,
    });
  }
}

/** `[rows]` finite weights >= 0. */
export function checkWeights(weights: ArrayLike<number>, rows: number): void {
  if (weights.length !== rows) {
    throw new DataError({
      problem: 'sample_weight does not fit the matrix',
      expected: `${rows} weights, one per row`,
      got: `${weights.length}`,
    });
  }
  for (let row = 0; row < rows; row++) {
    if (!(weights[row]! >= 0 && weights[row]! < Infinity)) {
      throw new DataError({
        problem: 'a sample weight is wrong',
        expected: 'a finite number >= 0',
        got: String(weights[row]),
        where: `row ${row}`,
      });
    }
  }
}
