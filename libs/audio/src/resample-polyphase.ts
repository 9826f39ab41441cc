/**
 * Resampling in the time domain: each output sample is a product of one filter phase with the input around it.
 *
 * A ratio L / M of whole numbers visits L phases, which are tabulated exactly. Any other ratio has an endless
 * number of phases: there, the coefficients are interpolated between {@link TABLE_PHASES} tabulated ones.
 */
import type { LowPass } from './resample-filter.ts';

/**
 * Linear interpolation errs by at most (pi * cutoff / phases)^2 / 2 of a coefficient, for the widest cutoff of
 * 0.48 cycles per sample: -128 dB with 1,024 phases, below the stop band.
 */
export const TABLE_PHASES = 1024;

export interface PhaseTable {
  phases: number;
  /** Coefficients per phase; even. */
  taps: number;
  /** `[phases, taps]`; phase p holds the weights of inputs k0 - taps/2 + 1 to k0 + taps/2 for the time k0 + p / phases. */
  coefficients: Float64Array;
}

/** Tabulates `filter` at `phases` fractions of an input sample, plus phase 1 itself if `closed`, for interpolation. */
export function phaseTable(filter: LowPass, phases: number, closed: boolean): PhaseTable {
  const half = Math.ceil(filter.halfWidth) + 1;
  const taps = 2 * half;
  const rows = phases + (closed ? 1 : 0);
  const coefficients = new Float64Array(rows * taps);
  for (let p = 0; p < rows; p++) {
    let sum = 0;
    for (let j = 0; j < taps; j++) {
      const weight = filter.at(p / phases + half - 1 - j);
      coefficients[p * taps + j] = weight;
      sum += weight;
    }
    // A constant stays that constant, whichever phases it meets.
    for (let j = 0; j < taps; j++) coefficients[p * taps + j]! /= sum;
  }
  return { phases, taps, coefficients };
}

/** Output i is the signal at time i * M / L, for a `table` of L phases. */
export function resampleRational(samples: Float32Array, table: PhaseTable, M: number, length: number): Float32Array {
  const { phases: L, taps, coefficients } = table;
  const padded = pad(samples, taps, Math.floor(((length - 1) * M) / L));
  const output = new Float32Array(length);
  let first = 1;
  let phase = 0;
  for (let i = 0; i < length; i++) {
    output[i] = dot(coefficients, phase * taps, padded, first, taps);
    phase += M;
    const whole = Math.floor(phase / L);
    first += whole;
    phase -= whole * L;
  }
  return output;
}

/** Output i is the signal at time i * step, `step` being any number above 0; `table` must be closed. */
export function resampleArbitrary(
  samples: Float32Array,
  table: PhaseTable,
  step: number,
  length: number,
): Float32Array {
  const { phases, taps, coefficients } = table;
  const padded = pad(samples, taps, Math.floor((length - 1) * step));
  const output = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const time = i * step;
    const whole = Math.floor(time);
    const position = (time - whole) * phases;
    const phase = Math.floor(position);
    const share = position - phase;
    const low = dot(coefficients, phase * taps, padded, whole + 1, taps);
    const high = dot(coefficients, (phase + 1) * taps, padded, whole + 1, taps);
    output[i] = low + share * (high - low);
  }
  return output;
}

/** `samples` with zeros around them, so that all `taps` at the first and at the `last` time lie inside. */
function pad(samples: Float32Array, taps: number, last: number): Float64Array {
  const padded = new Float64Array(Math.max(samples.length, last + 1) + taps + 1);
  padded.set(samples, taps / 2);
  return padded;
}

/** Four sums at a time: one alone would wait for each addition to end before the next. `taps` is even. */
function dot(a: Float64Array, i: number, b: Float64Array, j: number, taps: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const end = i + taps - 3;
  for (; i < end; i += 4, j += 4) {
    s0 += a[i]! * b[j]!;
    s1 += a[i + 1]! * b[j + 1]!;
    s2 += a[i + 2]! * b[j + 2]!;
    s3 += a[i + 3]! * b[j + 3]!;
  }
  if (i < end + 3) {
    s0 += a[i]! * b[j]!;
    s1 += a[i + 1]! * b[j + 1]!;
  }
  return s0 + s1 + (s2 + s3);
}
