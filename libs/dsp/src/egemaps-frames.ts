/**
 * The courses over time from which the eGeMAPS functionals are taken, a value per 10 ms, by the descriptions of
 * Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice research and affective
 * computing", IEEE Trans. Affective Computing 7, 2016. Voiced courses have NaN where the voice is not heard.
 */
import { levinson, resonancesOf } from './lpc.ts';
import type { Matrix } from './matrix.ts';
import { melFrequencies, melspectrogram } from './mel.ts';
import { cepstrum } from './mfcc.ts';
import { powerToDb } from './decibel.ts';
import { planCache } from './plans.ts';
import { glottalPulses } from './pulses.ts';
import { filterBank, projectRows } from './simd/rows.ts';
import { powerSpectrogram } from './stft.ts';
import type { WindowSpec } from './window.ts';

export const STEP = 0.01;

/** A value per frame. */
export type Course = Float64Array;

export interface EgemapsFrames {
  readonly frames: number;
  /** Voiced or not, per frame. */
  readonly voiced: readonly boolean[];
  /** Courses that every frame has. */
  readonly all: Readonly<Record<'loudness' | 'spectralFlux' | 'mfcc1' | 'mfcc2' | 'mfcc3' | 'mfcc4' | Tilt, Course>>;
  /** Courses of voiced frames. */
  readonly nz: Readonly<Record<VoicedName, Course>>;
}

export type Tilt = 'alphaRatio' | 'hammarbergIndex' | 'slope0-500' | 'slope500-1500';

export type VoicedName =
  | 'F0semitoneFrom27.5Hz'
  | 'jitterLocal'
  | 'shimmerLocaldB'
  | 'HNRdBACF'
  | 'logRelF0-H1-H2'
  | 'logRelF0-H1-A3'
  | `F${1 | 2 | 3}${'frequency' | 'bandwidth' | 'amplitudeLogRelF0'}`;

/** Frames begin every 10 ms; spectra are of 20 ms, and pitch and harmonics of 60 ms, as openSMILE has them. */
const SHORT = 0.02;
const LONG = 0.06;

const LEAST_POWER = 1e-14;

/** The level of a harmonic where there is no voice, in dB, as in openSMILE: it counts in means. */
const NO_LEVEL = -201;

/** Voices from 55 to 1000 Hz. */
const PITCH = { pitch_floor: 60, pitch_ceiling: 1000, time_step: STEP };

/** Rate in Hz that formants are sought at, and poles of the predictor. */
const LPC_RATE = 11000;
const LPC_ORDER = 11;

export function egemapsFrames(y: Float32Array, sr: number): EgemapsFrames {
  const frames = Math.max(1, Math.floor((y.length / sr - LONG) / STEP + 1e-9) + 1);
  const { times, track } = glottalPulses(y, { sr, ...PITCH });
  const hop = Math.max(1, Math.round(STEP * sr));
  const short = spectrumOf(y, frames, hop, Math.round(SHORT * sr), 'hamming');
  const length = Math.round(LONG * sr);
  const long = spectrumOf(y, frames, hop, length, bell(length));

  const course = (value: (frame: number) => number): Course =>
    Float64Array.from({ length: frames }, (_, i) => value(i));
  /** The frame of the pitch track that is centred on a frame of 60 ms. */
  const heard = (frame: number) => Math.round((frame * STEP + LONG / 2 - track.start) / track.step);
  const f0 = course((frame) => track.f0[heard(frame)] ?? 0);
  const voiced = Array.from(f0, (hz) => hz > 0);
  const whenVoiced = (value: (frame: number) => number) => course((frame) => (voiced[frame] ? value(frame) : NaN));

  /** Level in dB of the strongest bin within half the fundamental frequency of a frequency. */
  const level = (frame: number, hz: number) => {
    const perHz = (2 * (long.cols - 1)) / sr;
    const half = 0.5 * f0[frame]!;
    let most = LEAST_POWER;
    const to = Math.min(long.cols - 1, Math.floor((hz + half) * perHz));
    for (let bin = Math.max(0, Math.ceil((hz - half) * perHz)); bin <= to; bin++) {
      most = Math.max(most, long.data[frame * long.cols + bin]!);
    }
    return 10 * Math.log10(most);
  };
  const resonances = lpcFormants(short, sr);
  const relativeLevel = (k: number) => (frame: number) => {
    const hz = resonances.frequencies[k]![frame]!;
    return voiced[frame] && hz > 0 ? level(frame, hz) - level(frame, f0[frame]!) : NO_LEVEL;
  };
  const formantCourses = Object.fromEntries(
    ([1, 2, 3] as const).flatMap((k) => [
      [`F${k}frequency`, whenVoiced((frame) => resonances.frequencies[k - 1]![frame]!)],
      [`F${k}bandwidth`, whenVoiced((frame) => resonances.bandwidths[k - 1]![frame]!)],
      [`F${k}amplitudeLogRelF0`, course(relativeLevel(k - 1))],
    ]),
  ) as Record<Extract<VoicedName, `F${1 | 2 | 3}${string}`>, Course>;
  const { jitter, shimmer } = perturbed(y, sr, times, voiced);

  const top = Math.min(8000, sr / 2);
  const bands = melspectrogram({ S: short, sr, n_mels: 26, fmin: 20, fmax: top, htk: true, norm: null });
  const cepstra = cepstrum(powerToDb(bands, { top_db: null }), { n_mfcc: 5, lifter: 22 });
  const weights = melFrequencies(28, 20, top, true).slice(1, -1).map(equalLoudness);
  const at = (S: Matrix, column: number) => (frame: number) => S.data[frame * S.cols + column]!;
  const spectral = balance(short, sr);
  return {
    frames,
    voiced,
    all: {
      loudness: course((frame) =>
        weights.reduce((sum, weight, band) => sum + (weight * bands.data[frame * bands.cols + band]!) ** 0.33, 0),
      ),
      spectralFlux: course((frame) => flux(short, frame)),
      mfcc1: course(at(cepstra, 1)),
      mfcc2: course(at(cepstra, 2)),
      mfcc3: course(at(cepstra, 3)),
      mfcc4: course(at(cepstra, 4)),
      alphaRatio: course((frame) => spectral.ratio(frame)),
      hammarbergIndex: course((frame) => spectral.peaks(frame)),
      'slope0-500': course((frame) => spectral.slope(frame, 0, 500)),
      'slope500-1500': course((frame) => spectral.slope(frame, 500, 1500)),
    },
    nz: {
      'F0semitoneFrom27.5Hz': whenVoiced((frame) => 12 * Math.log2(f0[frame]! / 27.5)),
      jitterLocal: jitter,
      shimmerLocaldB: shimmer,
      HNRdBACF: whenVoiced((frame) => {
        const r = Math.min(Math.max(track.strength[heard(frame)]!, 1e-10), 1 - 1e-10);
        return 10 * Math.log10(r / (1 - r));
      }),
      'logRelF0-H1-H2': whenVoiced((frame) => level(frame, f0[frame]!) - level(frame, 2 * f0[frame]!)),
      'logRelF0-H1-A3': whenVoiced((frame) => (relativeLevel(2)(frame) === NO_LEVEL ? NaN : -relativeLevel(2)(frame))),
      ...formantCourses,
    },
  };
}

/** A Gaussian window whose standard deviation is a fifth of its length. */
const bell = planCache((length: number) =>
  Float64Array.from({ length }, (_, t) => Math.exp(-0.5 * ((t - (length - 1) / 2) / (0.2 * (length - 1))) ** 2)),
);

/** Power spectra of windows of `length` samples that begin every `hop` samples, padded to a power of two. */
function spectrumOf(y: Float32Array, frames: number, hop: number, length: number, window: WindowSpec): Matrix {
  const n_fft = 2 ** Math.ceil(Math.log2(length));
  // The window lies in the middle of the n_fft samples.
  const before = Math.floor((n_fft - length) / 2);
  const samples = new Float32Array((frames - 1) * hop + n_fft);
  samples.set(y.subarray(0, samples.length - before), before);
  return powerSpectrogram(samples, { n_fft, hop_length: hop, win_length: length, window, center: false });
}

/**
 * The first three resonances of a predictor of order 11 at 11 kHz, which follows from the autocorrelation of that
 * much of the spectrum. NaN where a frame is silent or has fewer.
 */
function lpcFormants(S: Matrix, sr: number): { frequencies: Course[]; bandwidths: Course[] } {
  const hz = sr / (2 * (S.cols - 1));
  const within = Math.min(S.cols - 1, Math.floor(LPC_RATE / 2 / hz));
  const turns = filterBank(LPC_ORDER + 1, S.cols, (lag, bin) =>
    bin > within ? 0 : (bin === 0 ? 1 : 2) * Math.cos((2 * Math.PI * bin * hz * lag) / LPC_RATE),
  );
  const correlation = projectRows(S, turns);
  const empty = () => [0, 1, 2].map(() => new Float64Array(S.rows).fill(NaN));
  const [frequencies, bandwidths] = [empty(), empty()];
  for (let frame = 0; frame < S.rows; frame++) {
    const from = frame * correlation.cols;
    const predictor = levinson(correlation.data.subarray(from, from + LPC_ORDER + 1));
    if (!predictor) continue;
    resonancesOf(predictor, LPC_RATE)
      .slice(0, 3)
      .forEach(({ frequency, bandwidth }, k) => {
        frequencies[k]![frame] = frequency;
        bandwidths[k]![frame] = bandwidth;
      });
  }
  return { frequencies, bandwidths };
}

/** Jitter and shimmer of the periods that begin within each frame of 60 ms. */
function perturbed(y: Float32Array, sr: number, times: Float64Array, voiced: readonly boolean[]) {
  const jitter = new Float64Array(voiced.length).fill(NaN);
  const shimmer = new Float64Array(voiced.length).fill(NaN);
  const height = Array.from(times.subarray(1), (time, i) => {
    let [least, most] = [Infinity, -Infinity];
    const to = Math.min(y.length - 1, Math.ceil(time * sr));
    for (let t = Math.max(0, Math.floor(times[i]! * sr)); t <= to; t++) {
      least = Math.min(least, y[t]!);
      most = Math.max(most, y[t]!);
    }
    return most - least;
  });
  let first = 0;
  voiced.forEach((heard, frame) => {
    const from = frame * STEP - LONG / 2;
    while (first < times.length && times[first]! < from) first++;
    if (!heard) return;
    let [periods, sum, changes, away, decibels] = [0, 0, 0, 0, 0];
    for (let i = first; i + 1 < times.length && times[i + 1]! <= from + LONG; i++) {
      const period = times[i + 1]! - times[i]!;
      if (period > LONGEST_PERIOD) continue;
      periods++;
      sum += period;
      const before = i > first ? times[i]! - times[i - 1]! : Infinity;
      if (before > LONGEST_PERIOD || Math.max(period / before, before / period) > LARGEST_STEP) continue;
      changes++;
      away += Math.abs(period - before);
      if (height[i]! > 0 && height[i - 1]! > 0) decibels += Math.abs(20 * Math.log10(height[i]! / height[i - 1]!));
    }
    if (changes === 0) return;
    jitter[frame] = away / changes / (sum / periods);
    shimmer[frame] = decibels / changes;
  });
  return { jitter, shimmer };
}

/** Longest period in seconds, and largest ratio of two in a row, that count as voice. */
const LONGEST_PERIOD = 0.02;
const LARGEST_STEP = 1.3;

/** How power spectra are spread over frequencies. */
function balance(S: Matrix, sr: number) {
  const hz = sr / (2 * (S.cols - 1));
  const bins = (low: number, high: number) =>
    [Math.ceil(low / hz), Math.min(S.cols - 1, Math.floor(high / hz))] as const;
  const energy = (frame: number, low: number, high: number) => {
    const [from, to] = bins(low, high);
    let sum = 0;
    for (let bin = from; bin <= to; bin++) sum += S.data[frame * S.cols + bin]!;
    return sum;
  };
  const peak = (frame: number, low: number, high: number) => {
    const [from, to] = bins(low, high);
    let most = 0;
    for (let bin = from; bin <= to; bin++) most = Math.max(most, S.data[frame * S.cols + bin]!);
    return most;
  };
  const decibels = (above: number, below: number) =>
    10 * Math.log10(Math.max(above, LEAST_POWER) / Math.max(below, LEAST_POWER));
  return {
    /** 1 to 5 kHz over 50 Hz to 1 kHz, in dB. */
    ratio: (frame: number) => decibels(energy(frame, 1000, 5000), energy(frame, 50, 1000)),
    /** The strongest bin up to 2 kHz over that from 2 to 5 kHz, in dB. */
    peaks: (frame: number) => decibels(peak(frame, 0, 2000), peak(frame, 2000, 5000)),
    /** Slope of the least-squares line through the spectrum in dB, per Hz. */
    slope(frame: number, low: number, high: number) {
      const [from, to] = bins(low, high);
      const middle = (from + to) / 2;
      let [spread, product] = [0, 0];
      for (let bin = from; bin <= to; bin++) {
        const db = 10 * Math.log10(Math.max(S.data[frame * S.cols + bin]!, LEAST_POWER));
        spread += (bin - middle) ** 2;
        product += (bin - middle) * db;
      }
      return product / spread / hz;
    },
  };
}

/** Root mean square of the change of the magnitude spectrum from the frame before. */
function flux({ data, cols }: Matrix, frame: number): number {
  if (frame === 0) return 0;
  let sum = 0;
  for (let at = frame * cols; at < (frame + 1) * cols; at++) {
    sum += (Math.sqrt(data[at]!) - Math.sqrt(data[at - cols]!)) ** 2;
  }
  return Math.sqrt(sum / cols);
}

/** Sensitivity of the ear to powers at a frequency (Hermansky, "Perceptual linear predictive analysis", 1990). */
function equalLoudness(hz: number): number {
  const w2 = (2 * Math.PI * hz) ** 2;
  return ((w2 + 56.8e6) * w2 * w2) / ((w2 + 6.3e6) ** 2 * (w2 + 0.38e9));
}
