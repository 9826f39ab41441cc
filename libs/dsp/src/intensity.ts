/** Intensity in dB: the mean square under a smooth window, as Praat's "To Intensity". */
import { checkPositive, checkSignal } from './checks.ts';
import { planCache } from './plans.ts';

/** Options of {@link intensity}. */
export interface IntensityOptions {
  /** Sample rate in Hz. Default 22050. */
  sr?: number;
  /** Pitches from here on leave no ripple, in Hz: a window lasts 6.4 of its periods. Default 50. */
  pitch_floor?: number;
  /** Seconds from one frame to the next. Default 0.8 / pitch_floor. */
  time_step?: number;
}

/** An intensity contour. */
export interface IntensityContour {
  /** Time of the centre of the first frame and distance of frames, in seconds. */
  readonly start: number;
  readonly step: number;
  /** dB relative to 2e-5 (to 20 micropascal, if samples are pascals), at least -300. */
  readonly db: Float64Array;
}

/** Kaiser's window with side lobes below -190 dB, from -half to half samples; its sum is 1. */
const kaiserPlan = planCache((half: number): Float64Array => {
  const beta = 2 * Math.PI ** 2 + 0.5;
  const window = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = (i - half) / (half + 1);
    return besselI0(beta * Math.sqrt(1 - x * x));
  });
  const sum = window.reduce((total, weight) => total + weight, 0);
  return window.map((weight) => weight / sum);
});

/** The modified Bessel function of order 0, by its power series. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const REFERENCE = 2e-5 ** 2;

/**
 * Intensity contour of a signal. The mean under the window is subtracted first, so a constant offset does not count.
 *
 * @returns no frame for a signal shorter than a window
 * @throws DataError for an empty or non-finite signal
 */
export function intensity(y: Float32Array, options: IntensityOptions = {}): IntensityContour {
  const where = 'intensity';
  const { sr = 22050, pitch_floor = 50 } = options;
  const { time_step = 0.8 / pitch_floor } = options;
  checkPositive(sr, 'sr', where);
  checkPositive(pitch_floor, 'pitch_floor', where);
  checkPositive(time_step, 'time_step', where);
  checkSignal(y, where);
  const seconds = 6.4 / pitch_floor;
  const duration = y.length / sr;
  const frames = Math.max(0, Math.floor((duration - seconds) / time_step) + 1);
  const start = 0.5 * (duration - (frames - 1) * time_step);
  const half = Math.max(1, Math.floor(0.5 * seconds * sr));
  const window = kaiserPlan(half);
  const db = new Float64Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    const first = Math.round((start + frame * time_step) * sr - 0.5) - half;
    let mean = 0;
    let square = 0;
    for (let k = 0; k < window.length; k++) {
      const value = y[first + k] ?? 0;
      const weighted = window[k]! * value;
      mean += weighted;
      square += weighted * value;
    }
    db[frame] = Math.max(-300, 10 * Math.log10(Math.max(square - mean * mean, 0) / REFERENCE));
  }
  return { start, step: time_step, db };
}
