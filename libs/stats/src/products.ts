/**
 * Matrix products in double precision, tiled so that each value loaded is used four times.
 *
 * Both operands are first packed: four rows (or columns) interleaved, so that the inner loop of a 4 x 4 tile
 * walks two contiguous streams.
 */
import { type Float64Matrix, type Matrix, zeros } from './matrix.ts';

/** Vectors packed in quads: element r of vector 4q+c is `data[(q * length + r) * 4 + c]`; missing vectors are zero. */
interface Packed {
  data: Float64Array;
  vectors: number;
  length: number;
}

const quads = (count: number) => Math.ceil(count / 4);

function packRows({ data, rows, cols }: Matrix): Packed {
  const packed = new Float64Array(quads(rows) * cols * 4);
  for (let i = 0; i < rows; i++) {
    const to = (i >> 2) * cols * 4 + (i & 3);
    for (let r = 0; r < cols; r++) packed[to + 4 * r] = data[i * cols + r]!;
  }
  return { data: packed, vectors: rows, length: cols };
}

function packColumns({ data, rows, cols }: Matrix): Packed {
  const packed = new Float64Array(quads(cols) * rows * 4);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < cols; j++) packed[((j >> 2) * rows + r) * 4 + (j & 3)] = data[r * cols + j]!;
  }
  return { data: packed, vectors: cols, length: rows };
}

/** A B' for row-major A (m x r) and B (n x r). */
export function multiplyTransposed(a: Matrix, b: Matrix): Float64Matrix {
  const result = zeros(a.rows, b.rows);
  accumulate(packRows(a), packRows(b), result, false);
  return result;
}

/** A B for row-major A (m x r) and B (r x n). */
export function multiply(a: Matrix, b: Matrix): Float64Matrix {
  const result = zeros(a.rows, b.cols);
  accumulate(packRows(a), packColumns(b), result, false);
  return result;
}

/** Adds X' X to the upper triangle of `sum`; what lies below the diagonal is undefined. */
export function addGram(x: Matrix, sum: Float64Matrix): void {
  const packed = packColumns(x);
  accumulate(packed, packed, sum, true);
}

/** Adds the dot products of the vectors of `a` and `b` to `sum`; with `upper`, only tiles on or above the diagonal. */
function accumulate(a: Packed, b: Packed, sum: Float64Matrix, upper: boolean): void {
  const tile = new Float64Array(16);
  const { data, rows, cols } = sum;
  for (let i = 0; i < rows; i += 4) {
    for (let j = upper ? i : 0; j < cols; j += 4) {
      dotTile(a.data, i * a.length, b.data, j * b.length, a.length, tile);
      const height = Math.min(4, rows - i);
      const width = Math.min(4, cols - j);
      for (let p = 0; p < height; p++) {
        for (let q = 0; q < width; q++) data[(i + p) * cols + j + q]! += tile[4 * p + q]!;
      }
    }
  }
}

/** The 16 dot products of two packed quads. */
function dotTile(
  a: Float64Array,
  aStart: number,
  b: Float64Array,
  bStart: number,
  length: number,
  tile: Float64Array,
): void {
  let s00 = 0,
    s01 = 0,
    s02 = 0,
    s03 = 0;
  let s10 = 0,
    s11 = 0,
    s12 = 0,
    s13 = 0;
  let s20 = 0,
    s21 = 0,
    s22 = 0,
    s23 = 0;
  let s30 = 0,
    s31 = 0,
    s32 = 0,
    s33 = 0;
  for (let r = 0; r < 4 * length; r += 4) {
    const a0 = a[aStart + r]!;
    const a1 = a[aStart + r + 1]!;
    const a2 = a[aStart + r + 2]!;
    const a3 = a[aStart + r + 3]!;
    let x = b[bStart + r]!;
    s00 += a0 * x;
    s10 += a1 * x;
    s20 += a2 * x;
    s30 += a3 * x;
    x = b[bStart + r + 1]!;
    s01 += a0 * x;
    s11 += a1 * x;
    s21 += a2 * x;
    s31 += a3 * x;
    x = b[bStart + r + 2]!;
    s02 += a0 * x;
    s12 += a1 * x;
    s22 += a2 * x;
    s32 += a3 * x;
    x = b[bStart + r + 3]!;
    s03 += a0 * x;
    s13 += a1 * x;
    s23 += a2 * x;
    s33 += a3 * x;
  }
  tile.set([s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33]);
}
