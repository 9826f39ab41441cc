/**
 * Tempo without pitch, and pitch without tempo: the phase vocoder (Flanagan and Golden, 1966; Ellis, "A phase
 * vocoder in Matlab", 2002).
 */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkPositive } from './checks.ts';
import type { ComplexMatrix } from './matrix.ts';
import { roundHalfEven } from './round.ts';
import { istft, stft, type StftOptions } from './stft.ts';

/**
 * Stretches a transform in time by 1 / rate.
 *
 * Magnitudes are interpolated between the two frames around each new time; phases advance by what they
 * advanced between these two.
 *
 * @param rate above 1 to speed up, below 1 to slow down
 * @returns ceil(frames / rate) frames
 */
export function phaseVocoder(
  D: ComplexMatrix,
  { rate, hop_length, n_fft = 2 * (D.cols - 1) }: { rate: number; hop_length?: number; n_fft?: number },
): ComplexMatrix {
  checkPositive(rate, 'rate', 'phaseVocoder');
  const hop = hop_length ?? Math.floor(n_fft / 4);
  checkInteger(hop, 'hop_length', 'phaseVocoder');
  const { rows, cols } = D;
  const frames = Math.ceil(rows / rate);
  const re = new Float32Array(frames * cols);
  const im = new Float32Array(frames * cols);
  const size = new Float64Array((rows + 1) * cols);
  const angle = new Float64Array((rows + 1) * cols);
  for (let i = 0; i < rows * cols; i++) {
    size[i] = Math.sqrt(D.re[i]! * D.re[i]! + D.im[i]! * D.im[i]!);
    angle[i] = Math.atan2(D.im[i]!, D.re[i]!);
  }
  const phase = Float64Array.from(angle.subarray(0, cols));
  const turn = 2 * Math.PI;
  for (let frame = 0; frame < frames; frame++) {
    const time = frame * rate;
    const from = Math.floor(time) * cols;
    const alpha = time % 1;
    for (let bin = 0; bin < cols; bin++) {
      const here = from + bin;
      const next = here + cols;
      const length = (1 - alpha) * size[here]! + alpha * size[next]!;
      const to = frame * cols + bin;
      re[to] = length * Math.cos(phase[bin]!);
      im[to] = length * Math.sin(phase[bin]!);
      const expected = (hop * turn * bin) / n_fft;
      const surplus = angle[next]! - angle[here]! - expected;
      phase[bin]! += expected + surplus - turn * Math.round(surplus / turn);
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
  const { n_fft, hop_length } = transform;
  const stretched = phaseVocoder(stft(y, transform), {
    rate,
    ...(hop_length === undefined ? {} : { hop_length }),
    ...(n_fft === undefined ? {} : { n_fft }),
  });
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
