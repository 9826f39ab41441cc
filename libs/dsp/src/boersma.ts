/**
 * Pitch and periodicity from the autocorrelation (Boersma, "Accurate short-term analysis of the fundamental
 * frequency and the harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993): the method of Praat.
 *
 * The autocorrelation of a windowed frame, divided by that of the window, estimates the autocorrelation of the
 * signal; its peaks are candidates for the period, and their heights say how periodic the frame is. A path over
 * the frames weighs heights against jumps. Names and defaults of parameters are Praat's.
 */
import { RequestError } from '@prosodia/core';
import { checkPositive, checkSignal } from './checks.ts';
import { planCache } from './plans.ts';
import { correlateFrames } from './simd/correlation.ts';
import { parabolaPeak, sincPeak } from './sinc.ts';

/** Options of {@link autocorrelationPitch}. */
export interface AutocorrelationOptions {
  /** Sample rate in Hz. Default 22050. */
  sr?: number;
  /** Lowest pitch in Hz; sets the length of a frame. Default 75. */
  pitch_floor?: number;
  /** Highest pitch in Hz. Default 600. */
  pitch_ceiling?: number;
  /** Seconds from one frame to the next. Default: a quarter of a frame, 0.75 / pitch_floor. */
  time_step?: number;
  /** Frames whose peak is below this share of the loudest count as silent. Default 0.03. */
  silence_threshold?: number;
  /** Strength of the unvoiced candidate. Default 0.45. */
  voicing_threshold?: number;
  /** How much an octave more is favoured. Default 0.01. */
  octave_cost?: number;
  /** Cost of a jump by an octave from one frame to the next. Default 0.35. */
  octave_jump_cost?: number;
  /** Cost of a change between voiced and unvoiced. Default 0.14. */
  voiced_unvoiced_cost?: number;
  /** Candidates kept per frame, the unvoiced one included. Default 15. */
  max_candidates?: number;
}

/** A pitch track in seconds and Hz. */
export interface AutocorrelationTrack {
  /** Time of the centre of the first frame and distance of frames, in seconds. */
  readonly start: number;
  readonly step: number;
  /** Fundamental frequency of every frame in Hz; 0 where unvoiced. */
  readonly f0: Float64Array;
  /** Height of the autocorrelation's peak at that period, up to 1; 0 where unvoiced. */
  readonly strength: Float64Array;
}

/** How a frame is cut and weighted. */
export interface FrameShape {
  /** Frames last this many periods of the pitch floor. */
  readonly periods: number;
  readonly window: 'hann' | 'gaussian';
}

/** The window of `length` samples, and its autocorrelation over the first `lags`, 1 at lag 0. */
const windowPlan = planCache((name: FrameShape['window'], length: number, lags: number) => {
  const middle = (length - 1) / 2;
  const edge = Math.exp(-12);
  const window = Float64Array.from({ length }, (_, i) =>
    name === 'hann'
      ? 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (length + 1))
      : (Math.exp(-48 * ((i - middle) / (length + 1)) ** 2) - edge) / (1 - edge),
  );
  const correlation = new Float64Array(lags);
  for (let lag = 0; lag < lags; lag++) {
    for (let i = lag; i < length; i++) correlation[lag]! += window[i]! * window[i - lag]!;
  }
  const power = correlation[0]!;
  return { window, correlation: correlation.map((value) => value / power) };
});

/** Samples of the correlation to either side that interpolation between them takes into account. */
const DEPTH = 70;

/** Peaks this much below the highest are left with a parabola through three samples. */
const WORTH = 0.35;

/** Candidates of all frames, in lists that grow together. */
interface Candidates {
  /** Where each frame's candidates begin, and at the end how many there are. */
  readonly starts: number[];
  readonly lag: number[];
  readonly strength: number[];
  /** Loudness of each frame as a share of the loudest, 0 to 1. */
  readonly intensity: Float64Array;
}

/**
 * Pitch by autocorrelation, as "To Pitch (ac)".
 *
 * @param shape three periods of the floor under a Hann window unless said otherwise
 * @throws DataError for an empty or non-finite signal, RequestError for a range of pitches that is empty or does
 *   not fit the sample rate. A signal shorter than a frame has no frames
 */
export function autocorrelationPitch(
  y: Float32Array,
  options: AutocorrelationOptions = {},
  shape: FrameShape = { periods: 3, window: 'hann' },
): AutocorrelationTrack {
  const where = 'autocorrelationPitch';
  const { sr = 22050, pitch_floor = 75, pitch_ceiling = 600 } = options;
  const { time_step = 0.75 / pitch_floor, max_candidates = 15, voicing_threshold = 0.45, octave_cost = 0.01 } = options;
  checkPositive(sr, 'sr', where);
  checkPositive(time_step, 'time_step', where);
  checkSignal(y, where);
  if (!(pitch_floor > 0 && pitch_floor < pitch_ceiling && pitch_ceiling <= sr / 2)) {
    throw new RequestError({
      where,
      problem: 'the range of pitches is empty or reaches past half the sample rate',
      expected: `0 < pitch_floor < pitch_ceiling <= ${sr / 2}`,
      got: `pitch_floor ${pitch_floor}, pitch_ceiling ${pitch_ceiling}`,
    });
  }
  // A Gaussian is as good as a Hann window of half its length.
  const periods = shape.window === 'gaussian' ? 2 * shape.periods : shape.periods;
  const half = Math.floor(Math.floor((periods / pitch_floor) * sr) / 2) - 1;
  const length = 2 * half;
  const duration = y.length / sr;
  const rows = length < 4 ? 0 : Math.floor((duration - periods / pitch_floor) / time_step) + 1;
  const start = 0.5 * duration - 0.5 * Math.max(rows, 0) * time_step + 0.5 * time_step;
  if (rows < 1) return { start, step: time_step, f0: new Float64Array(0), strength: new Float64Array(0) };

  const longest = Math.floor(length / periods) + 2;
  const lags = Math.floor(length * (shape.window === 'gaussian' ? 0.25 : 0.5)) + 1;
  const { window, correlation: ofWindow } = windowPlan(shape.window, length, lags);
  const period = Math.floor(sr / pitch_floor);
  const mean = y.reduce((sum, x) => sum + x, 0) / y.length;
  let loudest = 0;
  for (const x of y) loudest = Math.max(loudest, Math.abs(x - mean));

  const found: Candidates = { starts: [0], lag: [], strength: [], intensity: new Float64Array(rows) };
  const r = new Float64Array(lags);
  const places: { lag: number; strength: number; merit: number }[] = [];
  correlateFrames({
    rows,
    still: window,
    moving: window,
    lags,
    fill(row, frame) {
      // The last sample at or before the frame's centre; samples lie in the middle of their intervals.
      const centre = Math.floor((start + row * time_step) * sr - 0.5);
      let sum = 0;
      for (let t = centre + 1 - period; t <= centre + period; t++) sum += y[t] ?? 0;
      const local = sum / (2 * period);
      let peak = 0;
      for (let k = 0, t = centre + 1 - half; k < length; k++, t++) {
        frame[k] = (y[t] ?? 0) - local;
        const near = Math.abs(k - half + 0.5) <= period / 2;
        if (near) peak = Math.max(peak, Math.abs(frame[k]! * window[k]!));
      }
      found.intensity[row] = loudest === 0 ? 0 : Math.min(1, peak / loudest);
    },
    visit(row, correlation) {
      const power = correlation[0]!;
      if (found.intensity[row]! > 0 && power > 0) {
        for (let lag = 0; lag < lags; lag++) r[lag] = correlation[lag]! / (power * ofWindow[lag]!);
        places.length = 0;
        let highest = 0;
        const end = Math.min(longest, lags - 1);
        for (let lag = 1; lag < end; lag++) {
          const here = r[lag]!;
          if (!(here > 0.5 * voicing_threshold && here > r[lag - 1]! && here >= r[lag + 1]!)) continue;
          const { shift, height } = parabolaPeak(r[lag - 1]!, here, r[lag + 1]!);
          places.push({ lag: lag + shift, strength: height, merit: 0 });
          highest = Math.max(highest, height);
        }
        for (const place of places) {
          // Interpolation by sincs costs more than all the rest, and a peak far below the best needs none.
          if (place.strength > highest - WORTH) {
            const { at, height } = sincPeak(r, place.lag, DEPTH);
            place.lag = at;
            place.strength = height;
          }
          // Undersampled peaks of very short periods may come out above 1, which no correlation is.
          if (place.strength > 1) place.strength = 1 / place.strength;
          place.merit = place.strength - octave_cost * Math.log2((pitch_floor * place.lag) / sr);
        }
        places.sort((a, b) => b.merit - a.merit);
        for (const { lag, strength } of places.slice(0, max_candidates - 1)) {
          found.lag.push(lag);
          found.strength.push(strength);
        }
      }
      found.starts.push(found.lag.length);
    },
  });

  const f0 = new Float64Array(rows);
  const strength = new Float64Array(rows);
  bestPath(found, sr, options).forEach((candidate, row) => {
    if (candidate < 0) return;
    f0[row] = sr / found.lag[candidate]!;
    strength[row] = found.strength[candidate]!;
  });
  return { start, step: time_step, f0, strength };
}

/** The candidate of every frame on the best path, or -1 for unvoiced. */
function bestPath({ starts, lag, strength, intensity }: Candidates, sr: number, options: AutocorrelationOptions) {
  const { pitch_floor = 75, pitch_ceiling = 600, time_step = 0.75 / pitch_floor } = options;
  const { silence_threshold = 0.03, voicing_threshold = 0.45, octave_cost = 0.01 } = options;
  const { octave_jump_cost = 0.35, voiced_unvoiced_cost = 0.14 } = options;
  // Costs are meant for frames 10 ms apart.
  const scale = 0.01 / time_step;
  const rows = intensity.length;
  const before: Int32Array[] = [];
  let scores = new Float64Array(0);
  let octaves = new Float64Array(0);
  for (let row = 0; row < rows; row++) {
    // The last place is that of the unvoiced candidate.
    const count = starts[row + 1]! - starts[row]!;
    const own = new Float64Array(count + 1);
    const pitch = new Float64Array(count + 1);
    const quiet = silence_threshold <= 0 ? 0 : 2 - (intensity[row]! * (1 + voicing_threshold)) / silence_threshold;
    own[count] = voicing_threshold + Math.max(0, quiet);
    pitch[count] = NaN;
    for (let k = 0; k < count; k++) {
      const at = starts[row]! + k;
      const f0 = sr / lag[at]!;
      const possible = f0 <= pitch_ceiling && f0 >= pitch_floor;
      own[k] = possible ? strength[at]! - octave_cost * Math.log2(pitch_ceiling / f0) : -Infinity;
      pitch[k] = Math.log2(f0);
    }
    const from = new Int32Array(count + 1);
    for (let k = 0; k <= count && row > 0; k++) {
      let best = -Infinity;
      for (let b = 0; b < scores.length; b++) {
        let cost = 0;
        const [voiced, wasVoiced] = [k < count, b < scores.length - 1];
        if (voiced !== wasVoiced) cost = voiced_unvoiced_cost * scale;
        else if (voiced) cost = octave_jump_cost * scale * Math.abs(pitch[k]! - octaves[b]!);
        if (scores[b]! - cost > best) {
          best = scores[b]! - cost;
          from[k] = b;
        }
      }
      own[k]! += best;
    }
    before.push(from);
    scores = own;
    octaves = pitch;
  }
  const path = new Int32Array(rows);
  let place = scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));
  for (let row = rows - 1; row >= 0; row--) {
    const count = starts[row + 1]! - starts[row]!;
    path[row] = place < count ? starts[row]! + place : -1;
    place = before[row]![place]!;
  }
  return path;
}
