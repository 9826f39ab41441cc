/**
 * Mel filter banks and mel spectrograms.
 *
 * A mel band overlaps only a few bins, so the bank is kept as one short run of weights per band instead
 * of a full matrix.
 */
import { checkInteger, checkPositive, checkRange } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { planCache } from './plans.ts';
import { bandBank, bandRows, type BandBank, type Run } from './simd/rows.ts';
import { quadFrames, quadPlan } from './simd/quads.ts';
import { resolve, type PitchedSource } from './source.ts';
import { framingOf } from './stft.ts';

/** Which bands a mel filter bank has. */
export interface MelOptions {
  /** Number of bands. Default 128. */
  n_mels?: number;
  /** Lowest frequency in Hz. Default 0. */
  fmin?: number;
  /** Highest frequency in Hz. Default sr / 2. */
  fmax?: number;
  /** HTK's mel formula instead of Slaney's. Default false. */
  htk?: boolean;
  /** `slaney` divides each band by half its width in Hz, so that all have the same area; null leaves peaks at 1. */
  norm?: 'slaney' | null;
}

// Slaney's scale: linear below 1 kHz with 200/3 Hz per mel, then 27 steps per factor 6.4.
const LINEAR_HZ = 200 / 3;
const BREAK_HZ = 1000;
const BREAK_MEL = BREAK_HZ / LINEAR_HZ;
const LOG_STEP = Math.log(6.4) / 27;

/** Mels of a frequency in Hz: Slaney's Auditory Toolbox scale, or 2595 log10(1 + f / 700) with `htk`. */
export function hzToMel(hz: number, htk = false): number {
  if (htk) return 2595 * Math.log10(1 + hz / 700);
  return hz < BREAK_HZ ? hz / LINEAR_HZ : BREAK_MEL + Math.log(hz / BREAK_HZ) / LOG_STEP;
}

/** Frequency in Hz of mels; inverse of {@link hzToMel}. */
export function melToHz(mel: number, htk = false): number {
  if (htk) return 700 * (10 ** (mel / 2595) - 1);
  return mel < BREAK_MEL ? mel * LINEAR_HZ : BREAK_HZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));
}

/** `n_mels` frequencies in Hz from fmin to fmax, evenly spaced in mels. */
export function melFrequencies(n_mels = 128, fmin = 0, fmax = 11025, htk = false): Float64Array {
  const low = hzToMel(fmin, htk);
  const step = n_mels > 1 ? (hzToMel(fmax, htk) - low) / (n_mels - 1) : 0;
  return Float64Array.from({ length: n_mels }, (_, k) => melToHz(low + k * step, htk));
}

const melPlan = planCache(
  (sr: number, n_fft: number, n_mels: number, fmin: number, fmax: number, htk: boolean, norm: string) => {
    const edges = melFrequencies(n_mels + 2, fmin, fmax, htk);
    const runs = Array.from({ length: n_mels }, (_, band): Run => {
      const low = edges[band]!;
      const peak = edges[band + 1]!;
      const high = edges[band + 2]!;
      const height = norm === 'slaney' ? 2 / (high - low) : 1;
      let first = 0;
      const weights: number[] = [];
      for (let bin = 0; bin <= n_fft / 2; bin++) {
        const f = (bin * sr) / n_fft;
        const weight = Math.min((f - low) / (peak - low), (high - f) / (high - peak));
        if (!(weight > 0)) continue;
        if (weights.length === 0) first = bin;
        weights.push(weight * height);
      }
      return { first, weights };
    });
    return { runs, bank: bandBank(runs) };
  },
);

function melBank(sr: number, n_fft: number, options: MelOptions): { runs: Run[]; bank: BandBank } {
  const { n_mels = 128, fmin = 0, fmax = sr / 2, htk = false, norm = 'slaney' } = options;
  checkPositive(sr, 'sr', 'mel');
  checkInteger(n_fft, 'n_fft', 'mel');
  checkInteger(n_mels, 'n_mels', 'mel');
  checkRange(fmin, fmax, sr, 'mel');
  return melPlan(sr, n_fft, n_mels, fmin, fmax, htk, String(norm));
}

/**
 * The triangular mel filter bank, n_mels x (1 + floor(n_fft / 2)).
 *
 * A band narrower than the distance of two bins may hold no bin and answer 0 always, as in librosa:
 * see {@link emptyMelBands}.
 *
 * @throws RequestError for a range that is empty or exceeds sr / 2
 */
export function mel(sr: number, n_fft: number, options: MelOptions = {}): Matrix {
  const { runs } = melBank(sr, n_fft, options);
  const out = zeros(runs.length, Math.floor(n_fft / 2) + 1);
  runs.forEach(({ first, weights }, band) => out.data.set(weights, band * out.cols + first));
  return out;
}

/** Bands of the bank that hold no bin: too many bands for this n_fft. librosa warns of them. */
export function emptyMelBands(sr: number, n_fft: number, options: MelOptions = {}): number[] {
  const { runs } = melBank(sr, n_fft, options);
  return [...runs.keys()].filter((band) => runs[band]!.weights.length === 0);
}

/** Options of {@link melspectrogram}. */
export interface MelSpectrogramOptions extends PitchedSource, MelOptions {
  /** What magnitudes are raised to. Default 2. */
  power?: number;
  /**
   * `single` transforms `y` in single precision, three times as fast, where power is 2 and n_fft a power of two
   * from 512 to 4096 (all else is as with `double`). Bands down to 80 dB below the loudest of their frame agree to
   * 1e-2 dB; weaker ones sink in the rounding. Default `double`.
   */
  precision?: 'single' | 'double';
}

/**
 * Mel spectrogram, frames x n_mels.
 *
 * @param source `S` is a power spectrogram (or of the `power` wanted: 1 gives mel amplitudes); `y` is
 *   transformed with hop_length 512 by default
 * @throws as {@link mel} and stft
 */
export function melspectrogram(source: MelSpectrogramOptions): Matrix {
  const { sr = 22050, power = 2, precision = 'double', y, n_fft: length = 2048, hop_length = 512 } = source;
  const plan = y && !source.S && power === 2 && precision === 'single' ? quadPlan(length) : null;
  if (y && plan) {
    const { bank } = melBank(sr, length, source);
    const framing = framingOf(y, { ...source, hop_length });
    const out = zeros(framing.rows, bank.bands);
    quadFrames(plan, framing, out.data, bank);
    return out;
  }
  const { S, n_fft } = resolve(source, power, 'melspectrogram');
  return bandRows(S, melBank(sr, n_fft, source).bank);
}
