/**
 * Fundamental frequency by YIN (de Cheveigné and Kawahara, JASA 111, 2002).
 *
 * The difference of a frame and itself a period later is small. It is had from correlations, in double
 * precision throughout. (Given float32 samples, librosa works in single precision, and its cut-offs for tiny sums
 * then decide otherwise in some quiet frames; given float64 it agrees with this to rounding.)
 */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkPositive, checkSignal } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { padInto, type PadMode } from './pad.ts';
import { correlateFrames } from './simd/correlation.ts';

/** What YIN and pYIN share. Names and defaults are librosa's; like there, the range of frequencies has no default. */
export interface PeriodOptions {
  /** Lowest and highest frequency in Hz; librosa recommends 65.4 (C2) and 2093 (C7) for music. */
  fmin: number;
  fmax: number;
  /** Sample rate in Hz. Default 22050, librosa's. */
  sr?: number;
  /** Samples in a frame. Default 2048. */
  frame_length?: number;
  /** Samples that are compared with those a period later. Default floor(frame_length / 2). */
  win_length?: number;
  /** Samples from one frame to the next. Default floor(frame_length / 4). */
  hop_length?: number;
  /** Whether frame t is centred on sample t * hop_length, by padding on both sides. Default true. */
  center?: boolean;
  /** What to pad with when centred. Default `constant` (zeros). */
  pad_mode?: PadMode;
}

/** Options of {@link yin}. */
export interface YinOptions extends PeriodOptions {
  /** The first trough below this one counts as the period. Default 0.1. */
  trough_threshold?: number;
}

/** Checked options, and the periods they allow. */
export interface PeriodRange {
  readonly sr: number;
  readonly hop: number;
  readonly frames: number;
  /** Shortest and longest period in samples. */
  readonly shortest: number;
  readonly longest: number;
  readonly window: number;
  readonly padding: number;
  readonly pad_mode: PadMode;
}

export function periodRange(y: Float32Array, options: PeriodOptions, where: string): PeriodRange {
  const { fmin, fmax, sr = 22050, frame_length = 2048, center = true, pad_mode = 'constant' } = options;
  const { win_length = Math.floor(frame_length / 2), hop_length = Math.floor(frame_length / 4) } = options;
  checkPositive(sr, 'sr', where);
  checkInteger(frame_length, 'frame_length', where, 4);
  checkInteger(win_length, 'win_length', where);
  checkInteger(hop_length, 'hop_length', where);
  checkSignal(y, where);
  if (!(fmin > 0 && fmin < fmax && fmax <= sr / 2)) {
    throw new RequestError({
      where,
      problem: 'the frequency range is empty or reaches past half the sample rate',
      expected: `0 < fmin < fmax <= ${sr / 2}`,
      got: `fmin ${fmin}, fmax ${fmax}`,
    });
  }
  const room = frame_length - win_length - 1;
  if (!(room > Math.floor(sr / fmax))) {
    throw new RequestError({
      where,
      problem: 'the frame has no room for a period after its window',
      expected: `frame_length of at least ${Math.ceil(sr / fmax) + win_length + 1}, or fmax above ${sr / Math.max(room, 1)}`,
      got: `frame_length ${frame_length}, win_length ${win_length}, fmax ${fmax}`,
    });
  }
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
  return {
    sr,
    hop: hop_length,
    frames: 1 + Math.floor((total - frame_length) / hop_length),
    shortest: Math.floor(sr / fmax),
    longest: Math.min(Math.ceil(sr / fmin), room),
    window: win_length,
    padding,
    pad_mode,
  };
}

/** Correlations and energies below this one count as 0, so that the dust of silence has no period. */
const DUST = 1e-6;

/** Differences below this share of the energy are rounding of the transforms: without it, a constant has a period. */
const ROUNDING = 1e-14;

/**
 * Visits every frame's cumulative mean normalized difference (equation 8 of the paper) at the periods from
 * `shortest` to `longest`. The array is used again for the next frame.
 */
export function eachDifference(
  y: Float32Array,
  { hop, frames, shortest, longest, window, padding, pad_mode }: PeriodRange,
  visit: (frame: number, difference: Float64Array) => void,
): void {
  const samples = new Float32Array(window + longest);
  const difference = new Float64Array(longest - shortest + 1);
  // A frame's first sample takes no part: the window begins at the second.
  const load = (frame: number, into: Float32Array) => padInto(into, y, frame * hop - padding + 1, pad_mode);
  correlateFrames({
    rows: frames,
    still: new Float64Array(window).fill(1),
    moving: new Float64Array(window + longest).fill(1),
    lags: longest + 1,
    fill: load,
    visit(frame, correlation) {
      load(frame, samples);
      let moved = 0;
      for (let t = 0; t < window; t++) moved += samples[t]! * samples[t]!;
      const energy = moved < DUST ? 0 : moved;
      let sum = 0;
      for (let lag = 1; lag <= longest; lag++) {
        const leaves = samples[lag - 1]!;
        const enters = samples[lag + window - 1]!;
        moved += enters * enters - leaves * leaves;
        const product = correlation[lag]!;
        let value = energy + (Math.abs(moved) < DUST ? 0 : moved) - 2 * (Math.abs(product) < DUST ? 0 : product);
        if (Math.abs(value) < ROUNDING * (energy + moved)) value = 0;
        sum += value;
        if (lag >= shortest) difference[lag - shortest] = value / (sum / lag + TINY);
      }
      visit(frame, difference);
    },
  });
}

/** Smallest normal float64, which keeps silence from dividing by zero. */
const TINY = 2 ** -1022;

/** Whether x[i] is a trough: below what is before and not above what is after; the first only has an after. */
export function isTrough(x: Float64Array, i: number): boolean {
  if (i === 0) return x[0]! < x[1]!;
  return x[i]! < x[i - 1]! && (i === x.length - 1 || x[i]! <= x[i + 1]!);
}

/** How far from i the parabola through three values has its extremum; 0 at the ends and when it is not near. */
export function parabolicShift(x: Float64Array, i: number): number {
  if (i === 0 || i === x.length - 1) return 0;
  const a = x[i + 1]! + x[i - 1]! - 2 * x[i]!;
  const b = (x[i + 1]! - x[i - 1]!) / 2;
  return Math.abs(b) >= Math.abs(a) ? 0 : -b / a;
}

/**
 * Fundamental frequency in Hz, frames x 1. Every frame has one: unvoiced frames and silence get what the least
 * difference says, so use {@link pyin} or a voicing decision to tell them apart.
 *
 * @throws DataError for an empty or non-finite signal; RequestError for a range of frequencies that is empty,
 *   exceeds sr / 2 or does not fit the frame
 */
export function yin(y: Float32Array, options: YinOptions): Matrix {
  const where = 'yin';
  const { trough_threshold = 0.1 } = options;
  checkPositive(trough_threshold, 'trough_threshold', where);
  const range = periodRange(y, options, where);
  const out = zeros(range.frames, 1);
  eachDifference(y, range, (frame, difference) => {
    let at = -1;
    let least = 0;
    for (let i = 0; i < difference.length && at < 0; i++) {
      if (difference[i]! < trough_threshold && isTrough(difference, i)) at = i;
      if (difference[i]! < difference[least]!) least = i;
    }
    if (at < 0) at = least;
    out.data[frame] = range.sr / (range.shortest + at + parabolicShift(difference, at));
  });
  return out;
}
