/** Local derivatives over time: Savitzky-Golay filters, as scipy.signal.savgol_filter applies them. */
import { DataError, RequestError } from '@prosodia/core';
import { checkInteger, checkMatrix } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { planCache } from './plans.ts';

/**
 * What stands in for the frames before the first and after the last: `interp` fits one polynomial to the
 * first (last) `width` frames and evaluates it there; the others extend the signal by zeros (`constant`),
 * by its end values (`nearest`), by its mirror image about the end frames (`mirror`) or by its other end (`wrap`).
 */
export type DeltaMode = 'interp' | 'nearest' | 'mirror' | 'constant' | 'wrap';

export interface DeltaOptions {
  /** Number of frames the polynomial is fitted to; odd, at least 3. Default 9. */
  width?: number;
  /** Order of the derivative; also the degree of the polynomial. Default 1. */
  order?: number;
  /** Default `interp`, which needs at least `width` frames. */
  mode?: DeltaMode;
}

/**
 * Derivative of each band over time, in units per frame.
 *
 * @returns frames x bands, the shape of the input
 * @throws DataError when mode is `interp` and there are fewer frames than `width`; RequestError for an even
 *   or too small width, or an order that the width cannot fit
 */
export function delta(data: Matrix, options: DeltaOptions = {}): Matrix {
  const { width = 9, order = 1, mode = 'interp' } = options;
  const where = 'delta';
  checkMatrix(data, where);
  checkInteger(order, 'order', where);
  if (!(Number.isInteger(width) && width >= 3 && width % 2 === 1 && width > order)) {
    throw new RequestError({
      where,
      problem: 'width is out of range',
      expected: `an odd integer of at least 3 and above the order, ${order}`,
      got: String(width),
    });
  }
  const { rows, cols, data: values } = data;
  if (mode === 'interp' && rows < width) {
    throw new DataError({
      where,
      problem: "there are fewer frames than the window of mode 'interp' needs",
      expected: `at least width = ${width} frames`,
      got: `${rows} frames`,
      fix: "use mode 'nearest', a smaller width, or longer segments",
    });
  }
  const weights = derivativeWeights(width, order);
  const half = (width - 1) / 2;
  const out = zeros(rows, cols);
  const sums = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    // The order-th derivative of a polynomial of degree `order` is the same everywhere, so `interp` at an
    // end frame is the value of the nearest frame with a full window.
    const centre = mode === 'interp' ? Math.min(Math.max(row, half), rows - 1 - half) : row;
    if (centre >= half && centre + half < rows) {
      for (let c = 0; c < cols; c++) {
        let sum = 0;
        for (let k = 0, at = (centre - half) * cols + c; k < width; k++, at += cols) sum += weights[k]! * values[at]!;
        out.data[row * cols + c] = sum;
      }
      continue;
    }
    sums.fill(0);
    for (let k = 0; k < width; k++) {
      const at = extend(centre + k - half, rows, mode);
      if (at < 0) continue;
      const weight = weights[k]!;
      const from = at * cols;
      for (let c = 0; c < cols; c++) sums[c]! += weight * values[from + c]!;
    }
    out.data.set(sums, row * cols);
  }
  return out;
}

/** The frame that stands at index t, or -1 for a zero. */
function extend(t: number, n: number, mode: DeltaMode): number {
  if (t >= 0 && t < n) return t;
  switch (mode) {
    case 'interp':
    case 'constant':
      return -1;
    case 'nearest':
      return t < 0 ? 0 : n - 1;
    case 'wrap':
      return ((t % n) + n) % n;
    case 'mirror': {
      const period = Math.max(1, 2 * (n - 1));
      const inside = ((t % period) + period) % period;
      return inside < n ? inside : period - inside;
    }
    default:
      throw new RequestError({
        where: 'delta',
        problem: 'no mode has this name',
        expected: 'interp, nearest, mirror, constant or wrap',
        got: String(mode satisfies never),
      });
  }
}

/**
 * Weights of the least-squares polynomial's `order`-th derivative at the centre of `width` frames, where
 * `order` is also its degree. They are order! times the dual of x^order, that is the part of x^order
 * orthogonal to all lower powers, divided by its squared length (Savitzky and Golay, 1964).
 */
export const derivativeWeights = planCache((width: number, order: number): Float64Array => {
  const half = (width - 1) / 2;
  const x = Float64Array.from({ length: width }, (_, k) => k - half);
  const lower: Float64Array[] = [];
  for (let degree = 0; ; degree++) {
    const column = x.map((value) => value ** degree);
    // Twice is enough for orthogonality to rounding (Kahan's remark, Parlett 1980).
    for (let pass = 0; pass < 2; pass++) {
      for (const basis of lower) {
        const share = dot(column, basis) / dot(basis, basis);
        for (let k = 0; k < width; k++) column[k]! -= share * basis[k]!;
      }
    }
    if (degree === order) {
      let factorial = 1;
      for (let k = 2; k <= order; k++) factorial *= k;
      const length = dot(column, column);
      return column.map((value) => (factorial * value) / length);
    }
    lower.push(column);
  }
});

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
