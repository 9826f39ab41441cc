/**
 * The short-time Fourier transform and its inverse.
 *
 * Frames are transformed in double precision and stored as float32, as librosa does, so that both agree
 * down to rounding even in the bins between partials.
 */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkMatrix, checkSignal } from './checks.ts';
import type { ComplexMatrix, Matrix } from './matrix.ts';
import { overlapDivisors } from './overlap.ts';
import { padInto, type PadMode } from './pad.ts';
import { realFft } from './rfft.ts';
import { framePlan, overlapFrames, transformFrames, type Framing } from './simd/frames.ts';
import { pairSpectrogram } from './simd/pairs.ts';
import { dismiss } from './simd/resident.ts';
import { squareRoots } from './simd/rows.ts';
import { frameWindow, type WindowSpec } from './window.ts';

/** How a signal is cut into frames and transformed. Names and defaults are librosa's. */
export interface StftOptions {
  /** Length of a frame in samples. Any positive integer; powers of two are fastest. Default 2048. */
  n_fft?: number;
  /** Samples from one frame to the next. Default floor(win_length / 4); the features' default is 512. */
  hop_length?: number;
  /** Length of the window, centred in the frame with zeros around it. Default n_fft. */
  win_length?: number;
  /** Default `hann` (periodic). */
  window?: WindowSpec;
  /** Whether frame t is centred on sample t * hop_length, by padding n_fft / 2 on both sides. Default true. */
  center?: boolean;
  /** What to pad with when centred. Default `constant` (zeros). */
  pad_mode?: PadMode;
}

/** A checked signal and how it is to be cut. Throws as {@link stft}. */
export function framingOf(y: Float32Array, options: StftOptions): Framing {
  const { n_fft = 2048, win_length = n_fft, window = 'hann', center = true, pad_mode = 'constant' } = options;
  const { hop_length = Math.max(1, Math.floor(win_length / 4)) } = options;
  checkInteger(n_fft, 'n_fft', 'stft');
  checkInteger(hop_length, 'hop_length', 'stft');
  checkSignal(y, 'stft');
  const weights = frameWindow(window, win_length, n_fft);
  if (!center && n_fft > y.length) {
    throw new RequestError({
      where: 'stft',
      problem: 'the signal is shorter than one frame',
      expected: `at least n_fft = ${n_fft} samples when center is false`,
      got: `${y.length} samples`,
      fix: 'set center to true, or a smaller n_fft',
    });
  }
  const padding = center ? Math.floor(n_fft / 2) : 0;
  const rows = 1 + Math.floor((y.length + 2 * padding - n_fft) / hop_length);
  return { y, padding, pad_mode, window: weights, n_fft, hop_length, rows, cols: Math.floor(n_fft / 2) + 1 };
}

/** Visits the spectrum of every frame, for lengths that the kernels cannot take. */
function eachFrame(framing: Framing, visit: (re: Float64Array, im: Float64Array, at: number) => void): void {
  const { y, padding, pad_mode, window, n_fft, hop_length, rows, cols } = framing;
  const fft = realFft(n_fft);
  const samples = new Float32Array(n_fft);
  const frame = new Float64Array(n_fft);
  const re = new Float64Array(cols);
  const im = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    padInto(samples, y, row * hop_length - padding, pad_mode);
    for (let t = 0; t < n_fft; t++) frame[t] = samples[t]! * window[t]!;
    fft.forward(frame, re, im);
    visit(re, im, row * cols);
  }
}

/**
 * Short-time Fourier transform.
 *
 * @returns frames x (1 + floor(n_fft / 2)) complex values. Centred, an even n_fft gives
 *   1 + floor(length / hop_length) frames, so even one sample gives a frame.
 * @throws DataError for an empty signal, NaN or infinity; RequestError for a parameter out of range, and
 *   when the signal is shorter than n_fft without centring
 */
export function stft(y: Float32Array, options: StftOptions = {}): ComplexMatrix {
  const framing = framingOf(y, options);
  const { n_fft, rows, cols } = framing;
  const out = { re: new Float32Array(rows * cols), im: new Float32Array(rows * cols), rows, cols };
  const kernels = framePlan(n_fft);
  if (kernels) transformFrames(kernels, framing, out);
  else {
    eachFrame(framing, (re, im, at) => {
      out.re.set(re, at);
      out.im.set(im, at);
    });
  }
  return out;
}

/**
 * |STFT| ** power without keeping the phases.
 *
 * One call can feed every spectral feature: `powerSpectrogram` once, {@link magnitude} of it once, and
 * pass them as `S`. `hop_length` defaults to 512 here, as in librosa's features.
 *
 * @param power 1 for magnitudes (the default), 2 for powers, any positive number
 * @returns frames x (1 + floor(n_fft / 2)); throws as {@link stft}
 */
export function spectrogram(y: Float32Array, options: StftOptions & { power?: number } = {}): Matrix {
  const { power = 1 } = options;
  if (!(Number.isFinite(power) && power > 0)) {
    throw new RequestError({
      where: 'spectrogram',
      problem: 'power is out of range',
      expected: 'a number above 0',
      got: String(power),
    });
  }
  const framing = framingOf(y, { ...options, hop_length: options.hop_length ?? 512 });
  const powers = pairSpectrogram(framing) ?? plainPowers(framing);
  if (power === 2) return powers;
  if (power === 1) {
    const roots = squareRoots(powers);
    dismiss(powers);
    return roots;
  }
  return { ...powers, data: powers.data.map((value) => value ** (power / 2)) };
}

/** For lengths that are not transformed in place. */
function plainPowers(framing: Framing): Matrix {
  const { n_fft, rows, cols } = framing;
  const data = new Float32Array(rows * cols);
  const kernels = framePlan(n_fft);
  if (kernels) transformFrames(kernels, framing, { power: data });
  else {
    eachFrame(framing, (re, im, at) => {
      for (let k = 0; k < cols; k++) data[at + k] = re[k]! * re[k]! + im[k]! * im[k]!;
    });
  }
  return { data, rows, cols };
}

/**
 * {@link spectrogram} with power 2: the one to share between features.
 *
 * Where n_fft is a power of two from 512 to 4096 it stays in the memory of the kernels, where features read it, until the
 * next one; its `data` are copied out when first asked for, or then. Whoever is done with it saves that by `dismiss`.
 */
export function powerSpectrogram(y: Float32Array, options: StftOptions = {}): Matrix {
  return spectrogram(y, { ...options, power: 2 });
}

/** Magnitudes from powers: the square root of every value. */
export function magnitude(power: Matrix): Matrix {
  checkMatrix(power, 'magnitude');
  return squareRoots(power);
}

/**
 * Splits a transform into |D| ** power and its phase as unit complex numbers; a zero has phase 1 + 0i.
 */
export function magphase(D: ComplexMatrix, power = 1): { magnitude: Matrix; phase: ComplexMatrix } {
  const { rows, cols } = D;
  const size = rows * cols;
  const mag = new Float32Array(size);
  const re = new Float32Array(size);
  const im = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const length = Math.hypot(D.re[i]!, D.im[i]!);
    mag[i] = power === 1 ? length : length ** power;
    re[i] = length === 0 ? 1 : D.re[i]! / length;
    im[i] = length === 0 ? 0 : D.im[i]! / length;
  }
  return { magnitude: { data: mag, rows, cols }, phase: { re, im, rows, cols } };
}

/** Options of {@link istft}; those of the forward transform, and the length to give. */
export interface IstftOptions extends Omit<StftOptions, 'pad_mode'> {
  /** Number of samples to return: cut or padded with zeros. Default: what the frames cover. */
  length?: number;
}

/**
 * Inverse short-time Fourier transform: overlap-add, divided by the sum of squared windows
 * (Griffin and Lim, 1984), which is the least-squares signal of a modified transform and the exact one of an
 * unmodified.
 *
 * @param D frames x bins; n_fft defaults to 2 * (bins - 1), so an odd n_fft must be given
 * @throws RequestError for a parameter out of range or an n_fft that does not fit the bins
 */
export function istft(D: ComplexMatrix, options: IstftOptions = {}): Float32Array {
  const { n_fft = 2 * (D.cols - 1), win_length = n_fft, window = 'hann', center = true, length } = options;
  const { hop_length = Math.max(1, Math.floor(win_length / 4)) } = options;
  checkInteger(n_fft, 'n_fft', 'istft');
  checkInteger(hop_length, 'hop_length', 'istft');
  if (length !== undefined) checkInteger(length, 'length', 'istft', 0);
  const fft = realFft(n_fft);
  if (fft.bins !== D.cols || D.rows < 1) {
    throw new RequestError({
      where: 'istft',
      problem: 'n_fft does not fit the transform',
      expected: `at least one frame of ${fft.bins} bins for n_fft = ${n_fft}`,
      got: `${D.rows} frames of ${D.cols} bins`,
    });
  }
  const weights = frameWindow(window, win_length, n_fft);
  const trimmed = center ? Math.floor(n_fft / 2) : 0;
  const frames =
    length === undefined ? D.rows : Math.min(D.rows, Math.max(1, Math.ceil((length + 2 * trimmed) / hop_length)));
  const kernels = framePlan(n_fft);
  const sum = kernels
    ? overlapFrames(kernels, D, frames, weights, hop_length)
    : overlapPlainly(D, frames, weights, hop_length);
  const divisors = new Float64Array(sum.length);
  overlapDivisors(weights, hop_length, frames).fill(divisors, 0);
  const out = new Float32Array(length ?? Math.max(0, sum.length - 2 * trimmed));
  const covered = Math.min(out.length, sum.length - trimmed);
  for (let t = 0; t < covered; t++) out[t] = sum[t + trimmed]! / divisors[t + trimmed]!;
  return out;
}

/** What overlapFrames does, for lengths that the kernels cannot take. */
function overlapPlainly(D: ComplexMatrix, rows: number, window: Float64Array, hop: number): Float64Array {
  const n = window.length;
  const { cols } = D;
  const fft = realFft(n);
  const out = new Float64Array(n + hop * (rows - 1));
  const frame = new Float64Array(n);
  const re = new Float64Array(cols);
  const im = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    re.set(D.re.subarray(row * cols, (row + 1) * cols));
    im.set(D.im.subarray(row * cols, (row + 1) * cols));
    fft.inverse(re, im, frame);
    for (let t = 0; t < n; t++) out[row * hop + t]! += frame[t]! * window[t]!;
  }
  return out;
}
