/**
 * The two shapes of numbers that leave this package: real and complex matrices in time order.
 *
 * Layout: one row per frame, one column per band, bin or coefficient; row-major, so a frame lies
 * contiguous in memory: `data[frame * cols + band]`. This is the transpose of librosa's `[bands, frames]`
 * and exactly what a network reads as `[frames, bands]`.
 */

import { RequestError } from '@prosodia/core';

/** A real matrix, row-major, one row per frame. */
export interface Matrix {
  /** `rows * cols` values; the value at (frame, band) is `data[frame * cols + band]`. */
  readonly data: Float32Array;
  /** Number of frames. */
  readonly rows: number;
  /** Number of bands, bins or coefficients. */
  readonly cols: number;
}

/** A complex matrix with apart real and imaginary planes, laid out as {@link Matrix}. */
export interface ComplexMatrix {
  readonly re: Float32Array;
  readonly im: Float32Array;
  readonly rows: number;
  readonly cols: number;
}

/** A zero matrix of `rows` frames and `cols` bands. */
export function zeros(rows: number, cols: number): Matrix {
  return { data: new Float32Array(rows * cols), rows, cols };
}

/** The matrices side by side: the bands of the first, then those of the second, and so on, frame by frame. */
export function stackBands(parts: readonly Matrix[]): Matrix {
  const rows = parts[0]?.rows ?? 0;
  const cols = parts.reduce((sum, part) => sum + part.cols, 0);
  const out = zeros(rows, cols);
  let at = 0;
  for (const part of parts) {
    if (part.rows !== rows) {
      throw new RequestError({
        problem: 'matrices with different numbers of frames cannot be stacked',
        expected: `${rows} frames, as the first has`,
        got: `${part.rows} frames`,
        fix: 'compute all of them with the same hop_length and center',
      });
    }
    for (let row = 0; row < rows; row++) {
      out.data.set(part.data.subarray(row * part.cols, (row + 1) * part.cols), row * cols + at);
    }
    at += part.cols;
  }
  return out;
}

/** The transpose: bands become rows, as librosa lays its arrays out. */
export function transpose({ data, rows, cols }: Matrix): Matrix {
  const out = zeros(cols, rows);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out.data[c * rows + r] = data[r * cols + c]!;
  return out;
}
