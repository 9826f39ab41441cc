/** Loudness and zero crossings, frame by frame, from samples. */
import { RequestError } from '@prosodia/core';
import { checkFinite, checkInteger, checkMatrix, checkSignal } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { padInto, type PadMode } from './pad.ts';
import { scratch, type Kernels } from './simd/runtime.ts';

/** How samples are cut into frames. */
export interface FrameOptions {
  /** Samples in a frame. Default 2048. */
  frame_length?: number;
  /** Samples from one frame to the next. Default 512. */
  hop_length?: number;
  /** Whether frame t is centred on sample t * hop_length, by padding on both sides. Default true. */
  center?: boolean;
}

/** Frames of a signal as runs of blocks that they share: samples are looked at once, however frames overlap. */
interface Blocks {
  frames: number;
  /** Samples of a frame and from one to the next. */
  length: number;
  hop: number;
  /** What the kernel gave for each block. */
  sums: Float64Array;
  /** The sum over the blocks of a frame. */
  ofFrame(frame: number): number;
  /** A sample of the padded signal. Void after the next call of this package. */
  sample(at: number): number;
}

/**
 * Pads a signal and lets a kernel sum its blocks, which are as long as fits both the frame and the hop. A running
 * sum would do without blocks, but loses what is quiet after what was loud.
 *
 * @param sum called with the address of the padded samples, of their end, the bytes of a block and where to write
 */
function sumBlocks(
  y: Float32Array,
  { frame_length = 2048, hop_length = 512, center = true }: FrameOptions,
  mode: PadMode,
  where: string,
  sum: (kernels: Kernels, from: number, to: number, block: number, out: number) => void,
): Blocks {
  checkInteger(frame_length, 'frame_length', where);
  checkInteger(hop_length, 'hop_length', where);
  if (y.length === 0) checkSignal(y, where);
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
  const frames = 1 + Math.floor((total - frame_length) / hop_length);
  const size = greatestCommonDivisor(frame_length, hop_length);
  const perFrame = frame_length / size;
  const perHop = hop_length / size;
  const blocks = (frames - 1) * perHop + perFrame;

  const memory = scratch();
  // A kernel may look at the sample before the first.
  const from = memory.alloc(4 * (total + 4)) + 16;
  const out = memory.alloc(8 * blocks);
  const samples = memory.f32(from - 16, total + 4);
  padInto(samples, y, -padding - 4, mode);
  memory.kernels.survey(from, from + 4 * total, out);
  if (memory.f32(out, 1)[0] !== 0) checkSignal(y, where);
  sum(memory.kernels, from, from + 4 * size * blocks, 4 * size, out);
  const sums = memory.f64(out, blocks).slice();
  return {
    frames,
    length: frame_length,
    hop: hop_length,
    sums,
    ofFrame(frame) {
      const first = frame * perHop;
      let total = 0;
      for (let b = first; b < first + perFrame; b++) total += sums[b]!;
      return total;
    },
    sample: (at) => samples[at + 4]!,
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
    const { frames, length, ofFrame } = sumBlocks(y, options, pad_mode, where, (kernels, ...places) =>
      kernels.blockEnergies(...places),
    );
    const out = zeros(frames, 1);
    for (let frame = 0; frame < frames; frame++) out.data[frame] = Math.sqrt(ofFrame(frame) / length);
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
  const threshold = Math.fround(options.threshold ?? 1e-10);
  const { frames, length, hop, ofFrame, sample } = sumBlocks(
    y,
    options,
    'edge',
    'zeroCrossingRate',
    (kernels, ...places) => kernels.blockCrossings(...places, -threshold),
  );
  const out = zeros(frames, 1);
  for (let frame = 0; frame < frames; frame++) {
    // A frame holds the crossings between its samples, so not the one before its first.
    const first = frame * hop;
    const entering = sample(first - 1) < -threshold === sample(first) < -threshold ? 0 : 1;
    out.data[frame] = (ofFrame(frame) - entering) / length;
  }
  return out;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
