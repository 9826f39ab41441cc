/**
 * Correlations of many short frames over a range of lags, through the Fourier transform: two frames at once,
 * in double precision.
 */
import { planCache } from '../plans.ts';
import { framePlan } from './frames.ts';
import { scratch } from './runtime.ts';

/** What to correlate with what. `fill` and `visit` must not call what works in the kernels' memory itself. */
export interface Correlation {
  /** Number of frames. */
  readonly rows: number;
  /** Weights of the part that stays in place; its length is that of the part. */
  readonly still: Float64Array;
  /** Weights of the part that moves; both parts begin at the frame's first sample. At least as long as `still`. */
  readonly moving: Float64Array;
  /** Lags 0 to lags - 1. */
  readonly lags: number;
  /** Writes the samples of a frame, as many as `moving` has. The array is the kernels' memory. */
  fill(row: number, frame: Float32Array): void;
  /** Receives sum over j of still[j] x[j] moving[j + lag] x[j + lag]; the array is used again for the next row. */
  visit(row: number, correlation: Float64Array): void;
}

/** The least even length from n on that the kernels transform quickly. */
export const fastLength = planCache((n: number): number => {
  for (let length = Math.max(4, n + (n % 2)); ; length += 2) {
    let rest = length;
    for (const prime of [2, 3, 5]) while (rest % prime === 0) rest /= prime;
    if (rest === 1) return length;
  }
});

/** Correlates frame after frame. */
export function correlateFrames({ rows, still, moving, lags, fill, visit }: Correlation): void {
  // Nothing may come round from the other end: the sums reach as far as the longer part, or a lag past the other.
  const n = fastLength(Math.max(moving.length, still.length + lags - 1));
  const plan = framePlan(n)!;
  const same = still === moving;
  const memory = scratch();
  const { kernels } = memory;
  const bytes = plan.half * 16;
  const put = (weights: Float64Array) => {
    const padded = new Float64Array(n);
    padded.set(weights);
    return memory.put(padded);
  };
  const movingAt = put(moving);
  const stillAt = same ? movingAt : put(still);
  const twiddlesAt = memory.put(plan.twiddles);
  const rootsAt = memory.put(plan.roots);
  // The odd kilobyte keeps the planes' addresses apart modulo 4096, where stores would hold up loads.
  const plane = () => memory.alloc(bytes + 1024);
  const one = [plane(), plane()] as const;
  const two = [plane(), plane()] as const;
  const other = [plane(), plane()] as const;
  const samplesAt = [memory.alloc(n * 4), memory.alloc(n * 4)] as const;
  // Views are made once: no allocation follows that could move the memory.
  const samples = samplesAt.map((at) => memory.f32(at, n).fill(0).subarray(0, moving.length));
  const planes = new Map([...one, ...two, ...other].map((at) => [at, memory.f64(at, n)]));
  const result = new Float64Array(lags);
  const scale = 1 / n;

  /** Transforms what lies in `from`, by way of `to`; returns where the answer came to lie. */
  const transform = (from: readonly [number, number], to: readonly [number, number]): readonly [number, number] => {
    let [x, y] = [from, to];
    for (const { kernel, part, stride, twiddles } of plan.stages) {
      kernels[kernel](x[0], x[1], y[0], y[1], twiddlesAt + twiddles, part, stride);
      [x, y] = [y, x];
    }
    return x;
  };

  for (let row = 0; row < rows; row += 2) {
    const pair = row + 1 < rows ? 2 : 1;
    for (let lane = 0; lane < pair; lane++) fill(row + lane, samples[lane]!);
    const [a, b] = [samplesAt[0], samplesAt[pair - 1]!];
    kernels.pack(a, b, stillAt, one[0], one[1], bytes);
    const spectrum = transform(one, two);
    const free = spectrum === one ? two : one;
    let moved = spectrum;
    let spare = other;
    if (!same) {
      kernels.pack(a, b, movingAt, free[0], free[1], bytes);
      moved = transform(free, other);
      spare = moved === free ? other : free;
    }
    kernels.correlate(spectrum[0], spectrum[1], moved[0], moved[1], rootsAt, bytes);
    // With real and imaginary parts exchanged, the forward transform is the inverse one.
    const [im, re] = transform([spectrum[1], spectrum[0]], [spare[1], spare[0]]);
    const even = planes.get(re)!;
    const odd = planes.get(im)!;
    for (let lane = 0; lane < pair; lane++) {
      // A pair of lags lies in two planes, each lane's value beside the other's.
      for (let lag = 0, at = lane; lag < lags; lag += 2, at += 2) result[lag] = even[at]! * scale;
      for (let lag = 1, at = lane; lag < lags; lag += 2, at += 2) result[lag] = odd[at]! * scale;
      visit(row + lane, result);
    }
  }
}
