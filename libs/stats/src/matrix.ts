/**
 * The dense matrix of this package, and the checks every fit makes on one.
 *
 * A plain object on a typed array, not a class: it crosses a thread boundary, comes straight out of an
 * Arrow column, and costs nothing to make.
 */
import { DataError } from '@prosodia/core';

/** A dense row-major matrix: element (i, j) is `data[i * cols + j]`. */
export interface Matrix {
  readonly data: Float32Array | Float64Array;
  readonly rows: number;
  readonly cols: number;
}

/** A {@link Matrix} in double precision. */
export interface Float64Matrix extends Matrix {
  readonly data: Float64Array;
}

/** Where a matrix comes from, for messages. */
export interface MatrixContext {
  /** Column names; a message names a column by its index where there are none. */
  names?: readonly string[];
  /** The place, for example `stage scale, input features`. */
  where?: string;
}

/** A matrix of zeros in double precision. */
export function zeros(rows: number, cols: number): Float64Matrix {
  return { data: new Float64Array(rows * cols), rows, cols };
}

/** A matrix from rows of equal length, in double precision. Throws a DataError if their lengths differ. */
export function matrixFrom(rows: readonly ArrayLike<number>[]): Float64Matrix {
  const matrix = zeros(rows.length, rows[0]?.length ?? 0);
  rows.forEach((row, i) => {
    if (row.length !== matrix.cols) {
      throw new DataError({
        problem: 'the rows of a matrix differ in length',
        expected: `${matrix.cols} columns, as in row 0`,
        got: `${row.length} columns in row ${i}`,
      });
    }
    matrix.data.set(row, i * matrix.cols);
  });
  return matrix;
}

/** A matrix of the same precision as `like`, filled with zeros. */
export function zerosLike(like: Matrix, rows = like.rows, cols = like.cols): Matrix {
  const length = rows * cols;
  return { data: like.data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length), rows, cols };
}

/**
 * Checks that the shape fits the data and, if given, that there are `cols` columns.
 *
 * @throws DataError
 */
export function requireShape(matrix: Matrix, cols?: number, { where }: MatrixContext = {}): void {
  const place = where === undefined ? {} : { where };
  if (matrix.data.length !== matrix.rows * matrix.cols) {
    throw new DataError({
      problem: 'the shape of a matrix does not fit its data',
      expected: `${matrix.rows} x ${matrix.cols} = ${matrix.rows * matrix.cols} values`,
      got: `${matrix.data.length} values`,
      ...place,
    });
  }
  if (cols !== undefined && matrix.cols !== cols) {
    throw new DataError({
      problem: 'a matrix has the wrong number of columns',
      expected: `${cols} columns`,
      got: `${matrix.cols} columns`,
      ...place,
    });
  }
}

/**
 * Checks that every value is a finite number.
 *
 * @param firstRow number of the matrix's first row in the whole table, for the message
 * @throws DataError naming the row and the column of the first value that is not
 */
export function requireFinite(matrix: Matrix, { names, where }: MatrixContext = {}, firstRow = 0): void {
  const { data, cols } = matrix;
  // One multiply-add a value: 0 * x is 0 for finite x and NaN for NaN and the infinities. Four sums do not wait for
  // one another.
  let [a, b, c, d] = [0, 0, 0, 0];
  const even = data.length - (data.length % 4);
  for (let i = 0; i < even; i += 4) {
    a += 0 * data[i]!;
    b += 0 * data[i + 1]!;
    c += 0 * data[i + 2]!;
    d += 0 * data[i + 3]!;
  }
  for (let i = even; i < data.length; i++) a += 0 * data[i]!;
  if (a + b + c + d === 0) return;
  const index = data.findIndex((value) => !Number.isFinite(value));
  const column = index % cols;
  throw new DataError({
    problem: `column ${columnName(column, names)} holds a value that is not a finite number`,
    expected: 'finite numbers only',
    got: `${data[index]} in row ${firstRow + Math.floor(index / cols)}`,
    ...(where === undefined ? {} : { where }),
    fix: 'find the clip this row came from (silence is the usual cause) and drop it, or repair the feature',
  });
}

/** How a message names a column. */
export function columnName(column: number, names: readonly string[] | undefined): string {
  const name = names?.[column];
  return name === undefined ? String(column) : `${column} (${name})`;
}
