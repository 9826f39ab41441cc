/** Data for tests, by formula, so that the peer's script can make the same (see `golden/make.py`). */

export interface Sample {
  x: Float32Array;
  y: Int32Array;
  rows: number;
  cols: number;
  classes: number;
}

/** A number in [0, 1) from a whole one: the fraction of `i` times the golden ratio, scrambled by squaring. */
export function scramble(i: number): number {
  let h = Math.imul(i + 1, 0x9e3779b1) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return ((h ^ (h >>> 16)) >>> 0) / 0x1_0000_0000;
}

/**
 * Overlapping classes: the first half of the columns are informative, less and less so; noise is a sum of
 * three uniform numbers. Class `k` has about `1 / (1 + imbalance * k)` as many rows as class 0.
 */
export function sample(rows: number, cols: number, classes: number, salt = 0, imbalance = 0): Sample {
  const x = new Float32Array(rows * cols);
  const y = new Int32Array(rows);
  const shares = Array.from({ length: classes }, (_, k) => 1 / (1 + imbalance * k));
  const total = shares.reduce((a, b) => a + b, 0);
  for (let row = 0; row < rows; row++) {
    let rest = scramble(7_000_003 * salt + row) * total;
    let k = 0;
    while (k < classes - 1 && rest >= shares[k]!) rest -= shares[k++]!;
    y[row] = k;
    for (let col = 0; col < cols; col++) {
      const at = 3 * (row * cols + col) + 1_000_003 * (salt + 1);
      const noise = scramble(at) + scramble(at + 1) + scramble(at + 2) - 1.5;
      const centre = col < cols / 2 ? (1.2 * (scramble(31 * k + col + 500) - 0.5)) / (1 + col / 4) : 0;
      x[row * cols + col] = centre + noise;
    }
  }
  return { x, y, rows, cols, classes };
}
