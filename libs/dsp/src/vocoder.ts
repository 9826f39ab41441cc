/**
 * Tempo without pitch, and pitch without tempo: the phase vocoder (Flanagan and Golden, 1966; Ellis, "A phase
 * vocoder in Matlab", 2002).
 */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkPositive } from './checks.ts';
import type { ComplexMatrix } from './matrix.ts';
import { roundHalfEven } from './round.ts';
import { scratch } from './simd/runtime.ts';
import { quadPlan } from './simd/quads.ts';
import { stretchFrames } from './simd/stretch.ts';
import { framingOf, istft, stft, type StftOptions } from './stft.ts';

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
  const memory = scratch();
  const plane = (cols + (cols % 2)) * 8;
  const inRe = memory.alloc(cols * 4);
  const inIm = memory.alloc(cols * 4);
  const outRe = memory.alloc(cols * 4);
  const outIm = memory.alloc(cols * 4);
  let here = memory.alloc(3 * plane);
  let next = memory.alloc(3 * plane);
  const phases = memory.alloc(2 * plane);
  // A frame past the last is silence.
  const load = (row: number, to: number) => {
    if (row < rows) {
      memory.f32(inRe, cols).set(D.re.subarray(row * cols, (row + 1) * cols));
      memory.f32(inIm, cols).set(D.im.subarray(row * cols, (row + 1) * cols));
    } else {
      memory.f32(inRe, cols).fill(0);
      memory.f32(inIm, cols).fill(0);
    }
    memory.kernels.polar(inRe, inIm, cols * 4, to, plane);
  };
  load(0, here);
  load(1, next);
  // Instead of adding angles, their unit complex numbers are multiplied: no trigonometry, and no sum that
  // loses accuracy as it grows.
  memory.f64(phases, plane / 4).set(memory.f64(here + plane, plane / 4));
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    const time = frame * rate;
    for (; at < Math.floor(time); at++) {
      [here, next] = [next, here];
      load(at + 2, next);
    }
    memory.kernels.turn(here, next, phases, plane, cols * 4, time % 1, outRe, outIm);
    re.set(memory.f32(outRe, cols), frame * cols);
    im.set(memory.f32(outIm, cols), frame * cols);
  }
  return { re, im, rows: frames, cols };
}

/** Options of {@link timeStretch}: the tempo, and how the signal is transformed (hop_length: n_fft / 4). */
export interface StretchOptions extends StftOptions {
  /** Above 1 faster and shorter, below 1 slower and longer. */
  rate: number;
  /**
   * `single` transforms in single precision, as librosa does with float32 samples, where n_fft is a power of two from
   * 512 to 4096, hop_length at most half of win_length and center not false (all else is as with `double`). Default `single`.
   */
  precision?: 'single' | 'double';
}

/**
 * `y` played `rate` times as fast at the same pitch: round(length / rate) samples.
 *
 * @throws RequestError for a rate of 0 or less; DataError as stft
 */
export function timeStretch(y: Float32Array, options: StretchOptions): Float32Array {
  const { rate, precision = 'single', ...transform } = options;
  checkPositive(rate, 'rate', 'timeStretch');
  const length = roundHalfEven(y.length / rate);
  // Without padding the first and last samples are divided by windows near 0, which would magnify the rounding.
  const quick = precision === 'single' && options.center !== false;
  const plan = quick ? quadPlan(options.n_fft ?? 2048) : null;
  if (plan) {
    const framing = framingOf(y, transform);
    const { win_length = framing.n_fft } = options;
    if (2 * framing.hop_length <= win_length) return stretchFrames(plan, framing, rate, new Float32Array(length));
  }
  return istft(phaseVocoder(stft(y, transform), { rate }), { ...transform, length });
}

/** Changes the sample rate of a signal. This package has none of its own; any good one will do. */
export type Resampler = (y: Float32Array, orig_sr: number, target_sr: number) => Float32Array;

/** Options of {@link pitchShift}. */
export interface PitchShiftOptions extends Omit<StretchOptions, 'rate'> {
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
