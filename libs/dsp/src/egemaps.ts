/**
 * The 88 functionals of the extended Geneva set (eGeMAPS; Eyben et al. 2016) by name.
 *
 * All 88 names of eGeMAPSv02 are there, in its order and units. Frames, what is masked by voicing and what stands for
 * a missing level follow openSMILE; the numbers are not its own. Pitch comes from the autocorrelation (there:
 * subharmonic summation), jitter and shimmer from glottal pulses, loudness from 26 mel bands without openSMILE's
 * scaling of samples, so that level-dependent means (loudness, spectral flux) have other scales. docs/results.md says
 * group by group how far recordings are ordered alike: closely by pitch, level, loudness, cepstra and spectral
 * balance; less by jitter, H1-H2 and the slopes of pitch; hardly by frequencies and bandwidths of formants, which here
 * are the resonances of a vowel.
 */
import { checkPositive, checkSignal } from './checks.ts';
import { egemapsFrames, STEP, type Course, type VoicedName } from './egemaps-frames.ts';

/** Options of {@link egemaps}. */
export interface EgemapsOptions {
  /** Sample rate in Hz. Default 16000. */
  sr?: number;
  /** What stands for a functional without a frame to take it from, as of voice in a whisper. Default NaN. */
  fill?: number;
}

/** Mean, and the coefficient of variation, which has the sign of the mean. */
function basics(values: readonly number[]): { amean: number; stddevNorm: number } {
  const amean = mean(values);
  return { amean, stddevNorm: amean === 0 ? 0 : deviation(values) / amean };
}

/** The ten functionals of pitch and loudness. */
function course10(values: readonly number[]): Record<string, number> {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (q: number) => {
    if (sorted.length === 0) return NaN;
    const rank = q * (sorted.length - 1);
    const below = sorted[Math.floor(rank)]!;
    return below + (rank % 1) * (sorted[Math.ceil(rank)]! - below);
  };
  const { rising, falling } = slopes(values);
  const { amean, stddevNorm } = basics(values);
  return {
    amean,
    stddevNorm,
    'percentile20.0': quantile(0.2),
    'percentile50.0': quantile(0.5),
    'percentile80.0': quantile(0.8),
    'pctlrange0-2': quantile(0.8) - quantile(0.2),
    // A course that never rises has no rising slope, and that is a slope of 0.
    meanRisingSlope: rising.length === 0 && values.length > 0 ? 0 : mean(rising),
    stddevRisingSlope: rising.length === 0 && values.length > 0 ? 0 : deviation(rising),
    meanFallingSlope: falling.length === 0 && values.length > 0 ? 0 : mean(falling),
    stddevFallingSlope: falling.length === 0 && values.length > 0 ? 0 : deviation(falling),
  };
}

/** Slopes between one local extremum and the next, per second, as positive numbers. */
function slopes(values: readonly number[]): { rising: number[]; falling: number[] } {
  const rising: number[] = [];
  const falling: number[] = [];
  for (let from = 0; from + 1 < values.length;) {
    const up = values[from + 1]! >= values[from]!;
    let to = from + 1;
    while (to + 1 < values.length && values[to + 1]! >= values[to]! === up) to++;
    const slope = (values[to]! - values[from]!) / ((to - from) * STEP);
    if (slope > 0) rising.push(slope);
    else if (slope < 0) falling.push(-slope);
    from = to;
  }
  return { rising, falling };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

/** The mean of a frame and its neighbours, of those that have a value; a frame without one stays without. */
function smoothed(course: Course): number[] {
  return Array.from(course, (value, i) => {
    if (Number.isNaN(value)) return NaN;
    const near = [course[i - 1] ?? NaN, value, course[i + 1] ?? NaN];
    return mean(near.filter((x) => !Number.isNaN(x)));
  });
}

/** How much a course must rise before and fall after a peak that counts, as a share of its range. */
const PROMINENCE = 0.1;

/** Number of the maxima that are set apart by dips on both sides. */
function prominentPeaks(values: readonly number[]): number {
  const [least, most] = values.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Infinity, -Infinity],
  );
  const enough = PROMINENCE * (most - least);
  if (!(enough > 0)) return 0;
  let peaks = 0;
  let rising = false;
  let turn = values[0]!;
  for (const value of values) {
    if (rising ? value > turn : value < turn) turn = value;
    else if (Math.abs(value - turn) < enough) continue;
    else {
      if (rising) peaks++;
      rising = !rising;
      turn = value;
    }
  }
  return peaks;
}

/** Lengths in seconds of the runs of frames that are (not) voiced. */
function runs(voiced: readonly boolean[], which: boolean): number[] {
  const lengths: number[] = [];
  voiced.forEach((value, i) => {
    if (value !== which) return;
    if (i > 0 && voiced[i - 1] === which) lengths[lengths.length - 1]! += STEP;
    else lengths.push(STEP);
  });
  return lengths;
}

/**
 * The 88 functionals of a recording, by eGeMAPSv02's names and in its order.
 *
 * @throws DataError for an empty or non-finite signal; RequestError for a sample rate below 11000 Hz
 */
export function egemaps(y: Float32Array, options: EgemapsOptions = {}): Record<string, number> {
  const where = 'egemaps';
  const { sr = 16000, fill = NaN } = options;
  checkPositive(sr - 10999, 'sr - 10999 (the bands reach to 5 kHz)', where);
  checkSignal(y, where);
  const { frames, voiced, all, nz } = egemapsFrames(y, sr);
  const out: Record<string, number> = {};
  const put = (name: string, values: Record<string, number>) => {
    for (const [functional, value] of Object.entries(values)) {
      out[`${name}_${functional}`] = Number.isFinite(value) ? value : fill;
    }
  };
  const heard = (name: VoicedName) => smoothed(nz[name]).filter((value) => !Number.isNaN(value));
  const only = (name: keyof typeof all, which: boolean) =>
    smoothed(all[name].map((value, i) => (voiced[i] === which ? value : NaN))).filter((value) => !Number.isNaN(value));
  const cepstral = ['mfcc1', 'mfcc2', 'mfcc3', 'mfcc4'] as const;
  const tilts = ['alphaRatio', 'hammarbergIndex', 'slope0-500', 'slope500-1500'] as const;
  /** slope0-500 becomes slopeV0-500. */
  const marked = (name: string, mark: string) =>
    name.startsWith('slope') ? name.replace('slope', `slope${mark}`) : name + mark;

  put('F0semitoneFrom27.5Hz_sma3nz', course10(heard('F0semitoneFrom27.5Hz')));
  const loudness = smoothed(all.loudness);
  put('loudness_sma3', course10(loudness));
  for (const name of ['spectralFlux', ...cepstral] as const) put(`${name}_sma3`, basics(smoothed(all[name])));
  const courses = ['jitterLocal', 'shimmerLocaldB', 'HNRdBACF', 'logRelF0-H1-H2', 'logRelF0-H1-A3'] as const;
  for (const name of courses) put(`${name}_sma3nz`, basics(heard(name)));
  for (const k of [1, 2, 3] as const) {
    for (const what of ['frequency', 'bandwidth', 'amplitudeLogRelF0'] as const) {
      put(`F${k}${what}_sma3nz`, basics(heard(`F${k}${what}`)));
    }
  }
  for (const name of [...tilts, 'spectralFlux', ...cepstral] as const) {
    put(`${marked(name, 'V')}_sma3nz`, basics(only(name, true)));
  }
  for (const name of [...tilts, 'spectralFlux'] as const) {
    put(`${marked(name, 'UV')}_sma3nz`, { amean: mean(only(name, false)) });
  }
  const seconds = frames * STEP;
  const peaks = prominentPeaks(loudness);
  const voices = runs(voiced, true);
  const pauses = runs(voiced, false);
  const rest: Record<string, number> = {
    loudnessPeaksPerSec: peaks / seconds,
    VoicedSegmentsPerSec: voices.length / seconds,
    MeanVoicedSegmentLengthSec: voices.length === 0 ? 0 : mean(voices),
    StddevVoicedSegmentLengthSec: voices.length === 0 ? 0 : deviation(voices),
    MeanUnvoicedSegmentLength: pauses.length === 0 ? 0 : mean(pauses),
    StddevUnvoicedSegmentLength: pauses.length === 0 ? 0 : deviation(pauses),
    equivalentSoundLevel_dBp: 10 * Math.log10(mean(Array.from(y, (x) => x * x))),
  };
  for (const [name, value] of Object.entries(rest)) out[name] = Number.isFinite(value) ? value : fill;
  return out;
}
