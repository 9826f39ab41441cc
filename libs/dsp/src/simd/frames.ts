/** Short-time transforms on the kernels: two frames at once, a chunk of frames per round trip. */
import type { ComplexMatrix } from '../matrix.ts';
import { padInto, type PadMode } from '../pad.ts';
import { planCache } from '../plans.ts';
import { RADICES } from './fft-kernels.ts';
import { scratch, type Kernels } from './runtime.ts';

/** Bounds the scratch memory whatever the length of the signal. Even, so that frames pair up. */
const CHUNK = 64;

/** A Stockham stage: its kernel, the distances it walks in bytes, and where its twiddles start. */
interface Stage {
  readonly kernel: keyof Kernels;
  readonly part: number;
  readonly stride: number;
  readonly twiddles: number;
}

export interface FramePlan {
  readonly half: number;
  readonly stages: readonly Stage[];
  readonly twiddles: Float64Array;
  /** Cosine and sine of 2 pi k / n in turn, for k in 0..half. */
  readonly roots: Float64Array;
}

/** The plan for real frames of length n, or undefined if the kernels cannot take it (odd, or a large prime factor). */
export const framePlan = planCache((n: number): FramePlan | null => {
  if (n % 2 !== 0 || n < 2) return null;
  const half = n / 2;
  const stages: Stage[] = [];
  const twiddles: number[] = [];
  let length = half;
  for (const radix of RADICES) {
    while (length % radix === 0) {
      const groups = length / radix;
      const last = groups === 1;
      stages.push({
        kernel: `${last ? 'last' : 'stage'}${radix}`,
        part: (half / radix) * 16,
        stride: (half / length) * 16,
        twiddles: twiddles.length * 8,
      });
      for (let p = 0; p < groups && !last; p++) {
        for (let j = 1; j < radix; j++) {
          const angle = (-2 * Math.PI * ((p * j) % length)) / length;
          twiddles.push(Math.cos(angle), Math.sin(angle));
        }
      }
      length = groups;
    }
  }
  if (length !== 1) return null;
  const roots = Float64Array.from({ length: n + 2 }, (_, i) => {
    const angle = (2 * Math.PI * (i >> 1)) / n;
    return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
  return { half, stages, twiddles: Float64Array.from(twiddles), roots };
});

/** Spectra of frames: powers, or real and imaginary parts. Each frames x (n / 2 + 1). */
export interface FrameTargets {
  power?: Float32Array;
  re?: Float32Array;
  im?: Float32Array;
}

/** A signal, and how it is cut into frames. */
export interface Framing {
  readonly y: Float32Array;
  /** Samples of padding before the first and after the last. */
  readonly padding: number;
  readonly pad_mode: PadMode;
  /** n_fft values. */
  readonly window: Float64Array;
  readonly n_fft: number;
  readonly hop_length: number;
  /** Number of frames and of bins. */
  readonly rows: number;
  readonly cols: number;
}

/** Fills `target` with the samples that `count` frames from `first` on see, padding included, and with silence after them. */
export function layFrames(target: Float32Array, framing: Framing, first: number, count: number): void {
  const { y, padding, pad_mode, n_fft, hop_length } = framing;
  const used = (count - 1) * hop_length + n_fft;
  padInto(target.subarray(0, used), y, first * hop_length - padding, pad_mode);
  target.fill(0, used);
}

/** Transforms every frame of the signal and fills the targets. */
export function transformFrames(plan: FramePlan, framing: Framing, { power, re, im }: FrameTargets): void {
  const { y, padding, pad_mode, window, n_fft, hop_length, rows, cols } = framing;
  const memory = scratch();
  const { kernels } = memory;
  const bytes = plan.half * 16;
  const hop = hop_length * 4;
  const windowAt = memory.put(window);
  const twiddlesAt = memory.put(plan.twiddles);
  const rootsAt = memory.put(plan.roots);
  // The odd kilobyte keeps the planes' addresses apart modulo 4096, where stores would hold up loads.
  const planes = Array.from({ length: 4 }, () => memory.alloc(bytes + 1024));
  const chunk = Math.min(CHUNK, rows + (rows % 2));
  const samplesAt = memory.alloc((chunk - 1) * hop + n_fft * 4);
  const outputs = [power, re, im].map((target) => (target ? memory.alloc(chunk * cols * 4) : 0));
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    const samples = memory.f32(samplesAt, (count - 1) * hop_length + n_fft);
    padInto(samples, y, first * hop_length - padding, pad_mode);
    for (let row = 0; row < count; row += 2) {
      const a = samplesAt + row * hop;
      // Without a partner, a last frame is transformed twice; the second copy goes to a row that is not read.
      const b = row + 1 < count ? a + hop : a;
      let [xr, xi, yr, yi] = planes as [number, number, number, number];
      kernels.pack(a, b, windowAt, xr, xi, bytes);
      for (const { kernel, part, stride, twiddles } of plan.stages) {
        kernels[kernel](xr, xi, yr, yi, twiddlesAt + twiddles, part, stride);
        [xr, xi, yr, yi] = [yr, yi, xr, xi];
      }
      const [powerAt, reAt, imAt] = outputs.map((at) => at + row * cols * 4) as [number, number, number];
      const next = cols * 4;
      if (power) kernels.untanglePower(xr, xi, rootsAt, bytes, powerAt, powerAt + next);
      if (re) kernels.untangleComplex(xr, xi, rootsAt, bytes, reAt, reAt + next, imAt, imAt + next);
    }
    [power, re, im].forEach((target, k) => {
      target?.set(memory.f32(outputs[k]!, count * cols), first * cols);
    });
  }
}

/**
 * The inverse of every frame of D, times the window, added up `hop` samples apart.
 *
 * @param rows how many frames of D to take
 * @returns n_fft + hop * (rows - 1) samples
 */
export function overlapFrames(
  plan: FramePlan,
  D: ComplexMatrix,
  rows: number,
  window: Float64Array,
  hop: number,
): Float64Array {
  const { cols } = D;
  const n = 2 * plan.half;
  const memory = scratch();
  const { kernels } = memory;
  const bytes = plan.half * 16;
  const windowAt = memory.put(window.map((w) => w / n));
  const twiddlesAt = memory.put(plan.twiddles);
  const rootsAt = memory.put(plan.roots);
  const planes = Array.from({ length: 4 }, () => memory.alloc(bytes + 1024));
  const reAt = memory.alloc(2 * cols * 4);
  const imAt = memory.alloc(2 * cols * 4);
  const chunk = Math.min(CHUNK, rows);
  const sumsAt = memory.alloc(((chunk - 1) * hop + n) * 8);
  const nowhere = memory.alloc(n * 8);
  const out = new Float64Array(n + hop * (rows - 1));
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    const length = (count - 1) * hop + n;
    memory.f64(sumsAt, length).fill(0);
    for (let row = 0; row < count; row += 2) {
      const from = (first + row) * cols;
      const pair = row + 1 < count ? 2 : 1;
      memory.f32(reAt, 2 * cols).set(D.re.subarray(from, from + pair * cols));
      memory.f32(imAt, 2 * cols).set(D.im.subarray(from, from + pair * cols));
      let [xr, xi, yr, yi] = planes as [number, number, number, number];
      kernels.tangle(reAt, reAt + cols * 4, imAt, imAt + cols * 4, xr, xi, rootsAt, bytes);
      for (const { kernel, part, stride, twiddles } of plan.stages) {
        // With real and imaginary parts exchanged, the forward transform is the inverse one.
        kernels[kernel](xi, xr, yi, yr, twiddlesAt + twiddles, part, stride);
        [xr, xi, yr, yi] = [yr, yi, xr, xi];
      }
      const a = sumsAt + row * hop * 8;
      kernels.overlapAdd(xr, xi, bytes, windowAt, a, pair === 2 ? a + hop * 8 : nowhere);
    }
    const sums = memory.f64(sumsAt, length);
    const start = first * hop;
    for (let t = 0; t < length; t++) out[start + t]! += sums[t]!;
  }
  return out;
}
