/**
 * Linear prediction of many frames by Burg's method, two frames at once: the coefficients a[1..order] of the predictor
 * x[t] = sum of a[k] x[t - k] that minimize forward and backward errors together, always stable (Burg, 1967; Childers,
 * "Modern Spectrum Analysis", 1978).
 */
import { scratch } from './runtime.ts';

/** What to predict. `fill` and `visit` must not call what works in the kernels' memory itself. */
export interface Prediction {
  readonly rows: number;
  /** Samples of a frame, more than `order`. */
  readonly length: number;
  readonly order: number;
  /** Writes the samples of a frame. The array is used again. */
  fill(row: number, frame: Float64Array): void;
  /** Receives the predictor of a frame, all zero for a silent one. The array is used again. */
  visit(row: number, predictor: Float64Array): void;
}

export function predictFrames({ rows, length, order, fill, visit }: Prediction): void {
  const memory = scratch();
  const { burgStep } = memory.kernels;
  const bytes = length * 16;
  const [forwardAt, backwardAt] = [memory.alloc(bytes), memory.alloc(bytes)];
  const [reflectionAt, sumsAt] = [memory.alloc(16), memory.alloc(32)];
  // Views are made once: no allocation follows that could move the memory.
  const [forward, backward] = [memory.f64(forwardAt, 2 * length), memory.f64(backwardAt, 2 * length)];
  const [reflection, sums] = [memory.f64(reflectionAt, 2), memory.f64(sumsAt, 4)];
  const frame = new Float64Array(length);
  const predictors = [0, 1].map(() => new Float64Array(order));
  const before = new Float64Array(order);
  for (let row = 0; row < rows; row += 2) {
    const pair = Math.min(2, rows - row);
    for (let lane = 0; lane < 2; lane++) {
      if (lane < pair) fill(row + lane, frame);
      else frame.fill(0);
      for (let t = 0; t < length; t++) forward[2 * t + lane] = frame[t]!;
    }
    backward.set(forward);
    for (const a of predictors) a.fill(0);
    // The first step reflects nothing; it puts each sample beside the next.
    reflection.fill(0);
    burgStep(forwardAt, backwardAt, 0, bytes, reflectionAt, sumsAt);
    for (let k = 0; k < order; k++) {
      for (let lane = 0; lane < pair; lane++) {
        const a = predictors[lane]!;
        const power = sums[2 + lane]!;
        const r = power === 0 ? 0 : (2 * sums[lane]!) / power;
        if (power === 0) a.fill(0);
        before.set(a);
        a[k] = r;
        for (let i = 0; i < k; i++) a[i] = before[i]! - r * before[k - 1 - i]!;
        reflection[lane] = r;
      }
      burgStep(forwardAt, backwardAt, (k + 1) * 16, bytes, reflectionAt, sumsAt);
    }
    for (let lane = 0; lane < pair; lane++) visit(row + lane, predictors[lane]!);
  }
}
