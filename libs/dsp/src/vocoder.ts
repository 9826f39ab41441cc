/**
 * Tempo without pitch, and pitch without tempo: the phase vocoder (Flanagan and Golden, 1966; Ellis, "A phase
 * vocoder in Matlab", 2002).
 */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkPositive } from './checks.ts';
import type { ComplexMatrix } from './matrix.ts';
import { roundHalfEven } from './round.ts';
import { istft, stft, type StftOptions } from './stft.ts';

/** One frame as magnitudes and unit complex numbers; a zero has magnitude 0 and phase 1 + 0i. */
interface PolarFrame {
  readonly size: Float64Array;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

function polarFrame(bins: number): PolarFrame {
  return { size: new Float64Array(bins), re: new Float64Array(bins), im: new Float64Array(bins) };
}

/** Writes frame `row` of D to `to`; past the last frame there is silence. */
function loadPolar(D: ComplexMatrix, row: number, to: PolarFrame): void {
  for (let bin = 0; bin < D.cols; bin++) {
    const re = row < D.rows ? D.re[row * D.cols + bin]! : 0;
    const im = row < D.rows ? D.im[row * D.cols + bin]! : 0;
    const size = Math.sqrt(re * re + im * im);
    to.size[bin] = size;
    to.re[bin] = size > 0 ? re / size : 1;
    to.im[bin] = size > 0 ? im / size : 0;
  }
}

/**
 * Stretches a transform in time by 1 / rate.
 *
 * Magnitudes are interpolated between the two frames around each new time; phases advance by what they
 * advanced between these two. librosa's hop_length and n_fft only choose among advances that differ by whole
 * turns, so there is nothing to choose here.
 *
 * @param rate above 1 to speed up, below 1 to slow down
 * @returns ceil(frames / rate) frames
 * @throws RequestError for a rate of 0 or less
 */
export function phaseVocoder(D: ComplexMatrix, { rate }: { rate: number }): ComplexMatrix {
  checkPositive(rate, 'rate', 'phaseVocoder');
  const { rows, cols } = D;
  const frames = Math.ceil(rows / rate);
  const re = new Float32Array(frames * cols);
  const im = new Float32Array(frames * cols);
  // Instead of adding angles, their unit complex numbers are multiplied: no trigonometry, and no sum that
  // loses accuracy as it grows.
  let here = polarFrame(cols);
  let next = polarFrame(cols);
  loadPolar(D, 0, here);
  loadPolar(D, 1, next);
  let at = 0;
  const phaseRe = Float64Array.from(here.re);
  const phaseIm = Float64Array.from(here.im);
  for (let frame = 0; frame < frames; frame++) {
    const time = frame * rate;
    for (; at < Math.floor(time); at++) {
      [here, next] = [next, here];
      loadPolar(D, at + 2, next);
    }
    const alpha = time % 1;
    const to = frame * cols;
    for (let bin = 0; bin < cols; bin++) {
      const length = (1 - alpha) * here.size[bin]! + alpha * next.size[bin]!;
      const pr = phaseRe[bin]!;
      const pi = phaseIm[bin]!;
      re[to + bin] = length * pr;
      im[to + bin] = length * pi;
      const turnRe = next.re[bin]! * here.re[bin]! + next.im[bin]! * here.im[bin]!;
      const turnIm = next.im[bin]! * here.re[bin]! - next.re[bin]! * here.im[bin]!;
      phaseRe[bin] = pr * turnRe - pi * turnIm;
      phaseIm[bin] = pr * turnIm + pi * turnRe;
    }
  }
  return { re, im, rows: frames, cols };
}

/** Options of {@link timeStretch}: the tempo, and how the signal is transformed (hop_length: n_fft / 4). */
export interface StretchOptions extends StftOptions {
  /** Above 1 faster and shorter, below 1 slower and longer. */
  rate: number;
}

/**
 * `y` played `rate` times as fast at the same pitch: round(length / rate) samples.
 *
 * @throws RequestError for a rate of 0 or less; DataError as stft
 */
export function timeStretch(y: Float32Array, options: StretchOptions): Float32Array {
  const { rate, ...transform } = options;
  checkPositive(rate, 'rate', 'timeStretch');
  const stretched = phaseVocoder(stft(y, transform), { rate });
  return istft(stretched, { ...transform, length: roundHalfEven(y.length / rate) });
}

/** Changes the sample rate of a signal. This package has none of its own; any good one will do. */
export type Resampler = (y: Float32Array, orig_sr: number, target_sr: number) => Float32Array;

/** Options of {@link pitchShift}. */
export interface PitchShiftOptions extends StftOptions {
  /** Sample rate in Hz. */
  sr: number;
  /** How far to shift, in steps; may be fractional and negative. */
  n_steps: number;
  /** Steps per octave. Default 12, semitones. */
  bins_per_octave?: number;
  /** Called with (stretched signal, sr / rate, sr), where rate = 2 ** (-n_steps / bins_per_octave). */
  resample: Resampler;
}

/**
 * `y` shifted in pitch at the same tempo: stretched in time, then resampled back, and cut or padded with
 * zeros to the length it had.
 *
 * @throws RequestError for a parameter out of range; DataError as stft
 */
export function pitchShift(y: Float32Array, options: PitchShiftOptions): Float32Array {
  const { sr, n_steps, bins_per_octave = 12, resample, ...transform } = options;
  const where = 'pitchShift';
  checkPositive(sr, 'sr', where);
  checkInteger(bins_per_octave, 'bins_per_octave', where);
  if (!Number.isFinite(n_steps)) {
    throw new RequestError({
      where,
      problem: 'n_steps is not finite',
      expected: 'a finite number',
      got: String(n_steps),
    });
  }
  const rate = 2 ** (-n_steps / bins_per_octave);
  const shifted = resample(timeStretch(y, { ...transform, rate }), sr / rate, sr);
  const out = new Float32Array(y.length);
  out.set(shifted.subarray(0, y.length));
  return out;
}
