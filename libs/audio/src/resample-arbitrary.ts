/**
 * Resampling by any ratio, whole or not, in two steps: a steep filter that doubles the rate (in the frequency
 * domain, where steepness is cheap), then interpolation of the doubled signal by a short filter.
 *
 * Doubling leaves the upper half of the band empty, so the second filter may fall slowly and has 18 coefficients
 * where a direct one would have hundreds. They are tabulated at {@link PHASES} fractions of a sample and
 * interpolated linearly in between; the error of that, some -125 dB, lies below the stop band.
 */
import { lowPass, type LowPass } from './resample-filter.ts';
import { fourierResampler } from './resample-fourier.ts';

const PHASES = 1024;
/** Input samples of silence around the signal, where the first filter rings and the second one looks. */
const MARGIN = 8;

/**
 * A function that resamples to a given length, output i being the signal at time `i * step` in input samples.
 *
 * @param filter the low-pass for the ratio 1 / step
 */
export function arbitraryResampler(
  filter: LowPass,
  step: number,
): (samples: Float32Array, length: number) => Float32Array {
  const double = fourierResampler(filter, 2, 1);
  // The doubled signal ends at a quarter cycle per sample, its image begins at three quarters.
  const table = phaseTable(lowPass(0.25, 0.75));
  return (samples, length) => {
    const padded = new Float32Array(samples.length + 2 * MARGIN);
    padded.set(samples, MARGIN);
    return interpolate(Float64Array.from(double(padded, 2 * padded.length)), table, step, length);
  };
}

interface PhaseTable {
  /** Coefficients per phase, an even number. */
  taps: number;
  /** `[PHASES + 1, taps]`: row p weighs samples k - taps / 2 + 1 to k + taps / 2 for the time k + p / PHASES. */
  coefficients: Float64Array;
}

function phaseTable(filter: LowPass): PhaseTable {
  const half = Math.ceil(filter.halfWidth);
  const taps = 2 * half;
  const coefficients = new Float64Array((PHASES + 1) * taps);
  for (let p = 0; p <= PHASES; p++) {
    const row = coefficients.subarray(p * taps, (p + 1) * taps);
    for (let j = 0; j < taps; j++) row[j] = filter.at(p / PHASES + half - 1 - j);
    // A constant stays that constant, whichever phases it meets.
    const sum = row.reduce((total, weight) => total + weight, 0);
    for (let j = 0; j < taps; j++) row[j]! /= sum;
  }
  return { taps, coefficients };
}

function interpolate(doubled: Float64Array, { taps, coefficients }: PhaseTable, step: number, length: number) {
  const output = new Float32Array(length);
  const firstTap = 2 * MARGIN - taps / 2 + 1;
  for (let i = 0; i < length; i++) {
    const time = 2 * i * step;
    const whole = Math.floor(time);
    const position = (time - whole) * PHASES;
    const phase = Math.floor(position);
    const share = position - phase;
    let low = 0;
    let high = 0;
    for (let j = 0, c = phase * taps, s = whole + firstTap; j < taps; j++, c++, s++) {
      low += coefficients[c]! * doubled[s]!;
      high += coefficients[c + taps]! * doubled[s]!;
    }
    output[i] = low + share * (high - low);
  }
  return output;
}
