/** Loudness and zero crossings, frame by frame, from samples. */
import { RequestError } from '@prosodia/core';
import { checkFinite, checkInteger, checkMatrix, checkSignal } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { padBoth, type PadMode } from './pad.ts';

/** How samples are cut into frames. */
export interface FrameOptions {
  /** Samples in a frame. Default 2048. */
  frame_length?: number;
  /** Samples from one frame to the next. Default 512. */
  hop_length?: number;
  /** Whether frame t is centred on sample t * hop_length, by padding on both sides. Default true. */
  center?: boolean;
}

function cut(
  y: Float32Array,
  { frame_length = 2048, hop_length = 512, center = true }: FrameOptions,
  mode: PadMode,
  where: string,
): { samples: Float32Array; frames: number; length: number; hop: number } {
  checkInteger(frame_length, 'frame_length', where);
  checkInteger(hop_length, 'hop_length', where);
  checkSignal(y, where);
  const samples = center ? padBoth(y, Math.floor(frame_length / 2), mode) : y;
  if (samples.length < frame_length) {
    throw new RequestError({
      where,
      problem: 'the signal is shorter than one frame',
      expected: `at least frame_length = ${frame_length} samples`,
      got: `${y.length} samples`,
      fix: 'set center to true and use an even frame_length, or a smaller one',
    });
  }
  const frames = 1 + Math.floor((samples.length - frame_length) / hop_length);
  return { samples, frames, length: frame_length, hop: hop_length };
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
    const sums = energySums(samples, frames, length, hop);
    return { data: Float32Array.from(sums, (sum) => Math.sqrt(sum / length)), rows: frames, cols: 1 };
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
  // crossings[t] counts those between samples 0 and t, so a frame's count is one difference.
  const crossings = new Uint32Array(samples.length);
  let count = 0;
  let before = samples[0]! < -threshold ? 1 : 0;
  for (let t = 1; t < samples.length; t++) {
    const negative = samples[t]! < -threshold ? 1 : 0;
    crossings[t] = count += negative ^ before;
    before = negative;
  }
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * hop;
    out.data[frame] = (crossings[start + length - 1]! - crossings[start]!) / length;
  }
  return out;
}

/**
 * The sum of squares of each frame. Frames overlap, so blocks that fit both the frame and the hop
 * are summed once; a running sum would be quicker still, but loses what is quiet after what was loud.
 */
function energySums(samples: Float32Array, frames: number, length: number, hop: number): Float64Array {
  const block = greatestCommonDivisor(length, hop);
  const blocks = new Float64Array(((frames - 1) * hop + length) / block);
  for (let b = 0, t = 0; b < blocks.length; b++) {
    let sum = 0;
    for (const end = t + block; t < end; t++) sum += samples[t]! * samples[t]!;
    blocks[b] = sum;
  }
  const perFrame = length / block;
  return Float64Array.from({ length: frames }, (_, frame) => {
    const first = (frame * hop) / block;
    let sum = 0;
    for (let b = first; b < first + perFrame; b++) sum += blocks[b]!;
    return sum;
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
