/** The product of a spectrogram with a dense bank of filters: the inner loop of chroma and cepstra. */
import { zeros, type Matrix } from './matrix.ts';

/**
 * out[frame, filter] = sum over bins of bank[filter, bin] * S[frame, bin].
 *
 * Four filters run at once, since one running sum alone would wait on the adder.
 *
 * @param bank filters x bins, row-major
 */
export function project(S: Matrix, bank: Float32Array | Float64Array, filters: number): Matrix {
  const { data, rows, cols } = S;
  const out = zeros(rows, filters);
  for (let row = 0; row < rows; row++) {
    const base = row * cols;
    let filter = 0;
    for (; filter + 4 <= filters; filter += 4) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      const first = filter * cols;
      for (let bin = 0; bin < cols; bin++) {
        const x = data[base + bin]!;
        const at = first + bin;
        a += x * bank[at]!;
        b += x * bank[at + cols]!;
        c += x * bank[at + 2 * cols]!;
        d += x * bank[at + 3 * cols]!;
      }
      const to = row * filters + filter;
      out.data[to] = a;
      out.data[to + 1] = b;
      out.data[to + 2] = c;
      out.data[to + 3] = d;
    }
    for (; filter < filters; filter++) {
      let sum = 0;
      for (let bin = 0; bin < cols; bin++) sum += data[base + bin]! * bank[filter * cols + bin]!;
      out.data[row * filters + filter] = sum;
    }
  }
  return out;
}
