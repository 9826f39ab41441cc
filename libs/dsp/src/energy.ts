/** Loudness and zero crossings, frame by frame, from samples. */
import { RequestError } from '@prosodia/core';
import { checkFinite, checkInteger, checkMatrix, checkSignal } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { padInto, type PadMode } from './pad.ts';
import { scratch } from './simd/runtime.ts';

/** How samples are cut into frames. */
export interface FrameOptions {
  /** Samples in a frame. Default 2048. */
  frame_length?: number;
  /** Samples from one frame to the next. Default 512. */
  hop_length?: number;
  /** Whether frame t is centred on sample t * hop_length, by padding on both sides. Default true. */
  center?: boolean;
}

/** A signal with its padding, in memory that the next call of this package overwrites, and its frames. */
function cut(
  y: Float32Array,
  { frame_length = 2048, hop_length = 512, center = true }: FrameOptions,
  mode: PadMode,
  where: string,
): { samples: Float32Array; frames: number; length: number; hop: number } {
  checkInteger(frame_length, 'frame_length', where);
  checkInteger(hop_length, 'hop_length', where);
  checkSignal(y, where);
  const padding = center ? Math.floor(frame_length / 2) : 0;
  const total = y.length + 2 * padding;
  if (total < frame_length) {
    throw new RequestError({
      where,
      problem: 'the signal is shorter than one frame',
      expected: `at least frame_length = ${frame_length} samples`,
      got: `${y.length} samples`,
      fix: 'set center to true and use an even frame_length, or a smaller one',
    });
  }
  const memory = scratch();
  const samples = memory.f32(memory.alloc(total * 4), total);
  padInto(samples, y, -padding, mode);
  return {
    samples,
    frames: 1 + Math.floor((total - frame_length) / hop_length),
    length: frame_length,
    hop: hop_length,
  };
}

/** Options of {@link rms}. */
export interface RmsOptions extends FrameOptions {
  /** Samples. */
  y?: Float32Array;
  /** A magnitude spectrogram made with n_fft = frame_length; used when there is no `y`. */
  S?: Matrix;
  /** What to pad samples with when centred. Default `constant` (zeros). */
  pad_mode?: PadMode;
}

/**
 * Root mean square of each frame, frames x 1.
 *
 * From `S` it follows by Parseval's theorem, and is smaller by the window: a Hann window takes a factor
 * sqrt(3/8).
 *
 * @throws DataError for an empty or non-finite input; RequestError when neither y nor S is given or S does
 *   not fit frame_length
 */
export function rms(options: RmsOptions): Matrix {
  const where = 'rms';
  const { y, S, frame_length = 2048, pad_mode = 'constant' } = options;
  if (y) {
    const { samples, frames, length, hop } = cut(y, options, pad_mode, where);
    const blocks = new Blocks(frames, length, hop);
    for (let b = 0, t = 0; b < blocks.sums.length; b++) {
      // Two sums, since one alone would wait on the adder.
      const end = t + blocks.size;
      let sum = 0;
      let other = 0;
      for (; t + 1 < end; t += 2) {
        sum += samples[t]! * samples[t]!;
        other += samples[t + 1]! * samples[t + 1]!;
      }
      if (t < end) sum += samples[t]! * samples[t++]!;
      blocks.sums[b] = sum + other;
    }
    const out = zeros(frames, 1);
    for (let frame = 0; frame < frames; frame++) out.data[frame] = Math.sqrt(blocks.ofFrame(frame) / length);
    return out;
  }
  if (!S)
    throw new RequestError({ where, problem: 'there is nothing to compute on', expected: 'y or S', got: 'neither' });
  checkMatrix(S, where);
  if (S.cols !== Math.floor(frame_length / 2) + 1) {
    throw new RequestError({
      where,
      problem: 'frame_length does not fit the spectrogram',
      expected: `${2 * S.cols - 2} or ${2 * S.cols - 1} for ${S.cols} bins`,
      got: String(frame_length),
    });
  }
  const { data, rows, cols } = S;
  const out = zeros(rows, 1);
  for (let row = 0; row < rows; row++) {
    const base = row * cols;
    let sum = 0;
    for (let bin = 0; bin < cols; bin++) sum += data[base + bin]! ** 2;
    checkFinite(sum, row, where);
    // Bin 0 and, for an even length, the last one have no mirror image.
    sum -= 0.5 * data[base]! ** 2;
    if (frame_length % 2 === 0) sum -= 0.5 * data[base + cols - 1]! ** 2;
    out.data[row] = Math.sqrt((2 * sum) / frame_length ** 2);
  }
  return out;
}

/** Options of {@link zeroCrossingRate}. */
export interface CrossingOptions extends FrameOptions {
  /** Samples of at most this size count as 0, and 0 as positive. Default 1e-10. */
  threshold?: number;
}

/**
 * Share of a frame's samples whose sign differs from the sample before, frames x 1. Padding repeats the end
 * samples, so that it adds no crossing.
 *
 * @throws DataError for an empty or non-finite signal
 */
export function zeroCrossingRate(y: Float32Array, options: CrossingOptions = {}): Matrix {
  const { samples, frames, length, hop } = cut(y, options, 'edge', 'zeroCrossingRate');
  const threshold = Math.fround(options.threshold ?? 1e-10);
  const out = zeros(frames, 1);
  // A frame holds the crossings between its samples, so not the one before its first.
  const blocks = new Blocks(frames, length, hop);
  for (let b = 0, t = 0, before = 0; b < blocks.sums.length; b++) {
    let count = 0;
    for (const end = t + blocks.size; t < end; t++) {
      const negative = samples[t]! < -threshold ? 1 : 0;
      count += negative ^ before;
      before = negative;
    }
    blocks.sums[b] = count;
  }
  for (let frame = 0; frame < frames; frame++) {
    const first = frame * hop;
    const before = first > 0 && samples[first - 1]! < -threshold;
    const entering = before === samples[first]! < -threshold ? 0 : 1;
    out.data[frame] = (blocks.ofFrame(frame) - entering) / length;
  }
  return out;
}

/**
 * Sums over overlapping frames: samples are summed once, in blocks that fit both the frame and the hop. A
 * running sum would do without blocks, but loses what is quiet after what was loud.
 */
class Blocks {
  readonly size: number;
  readonly sums: Float64Array;
  readonly #perFrame: number;
  readonly #perHop: number;

  constructor(frames: number, length: number, hop: number) {
    this.size = greatestCommonDivisor(length, hop);
    this.#perFrame = length / this.size;
    this.#perHop = hop / this.size;
    this.sums = new Float64Array((frames - 1) * this.#perHop + this.#perFrame);
  }

  ofFrame(frame: number): number {
    const first = frame * this.#perHop;
    let sum = 0;
    for (let b = first; b < first + this.#perFrame; b++) sum += this.sums[b]!;
    return sum;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
