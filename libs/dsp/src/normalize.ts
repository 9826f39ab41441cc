/** Scaling each frame to unit norm. */
import { RequestError } from '@prosodia/core';
import { checkFinite } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';

/** Frames with a norm below the smallest normal float32 are left as they are. */
const TINY = 2 ** -126;

/**
 * Each frame divided by its norm of order `norm`: Infinity for the maximum, 2 for the length, 1 for the sum
 * of absolute values; null returns the input.
 *
 * @throws DataError for NaN or infinity, RequestError for a norm of 0 or less
 */
export function normalize(S: Matrix, norm: number | null = Infinity): Matrix {
  if (norm === null) return S;
  if (!(norm > 0)) {
    throw new RequestError({
      where: 'normalize',
      problem: 'norm is out of range',
      expected: 'a number above 0, Infinity, or null',
      got: String(norm),
    });
  }
  const { data, rows, cols } = S;
  const out = zeros(rows, cols);
  for (let row = 0; row < rows; row++) {
    let length = 0;
    let sum = 0;
    for (let at = row * cols, end = at + cols; at < end; at++) {
      const size = Math.abs(data[at]!);
      sum += size;
      if (norm === Infinity) length = Math.max(length, size);
      else length += size ** norm;
    }
    checkFinite(sum, row, 'normalize');
    if (norm !== Infinity) length **= 1 / norm;
    const divisor = length < TINY ? 1 : length;
    for (let at = row * cols, end = at + cols; at < end; at++) out.data[at] = data[at]! / divisor;
  }
  return out;
}
