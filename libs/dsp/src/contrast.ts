/** Spectral contrast: peaks against valleys in octave bands (Jiang et al., ICME 2002). */
import { RequestError } from '@prosodia/core';
import { checkEnergies, checkInteger, checkPositive } from './checks.ts';
import { powerToDb } from './decibel.ts';
import type { Matrix } from './matrix.ts';
import { planCache } from './plans.ts';
import { roundHalfEven } from './round.ts';
import { extremeSums } from './simd/extremes.ts';
import { resolve, type PitchedSource } from './source.ts';

/** Options of {@link spectralContrast}. */
export interface ContrastOptions extends PitchedSource {
  /** Upper edge of the lowest band in Hz. Default 200. */
  fmin?: number;
  /** Number of octaves above it. Default 6, so that there are 7 bands. */
  n_bands?: number;
  /** Share of a band's bins that count as its peak, and as its valley; between 0 and 1. Default 0.02. */
  quantile?: number;
  /** Difference of magnitudes instead of decibels. Default false. */
  linear?: boolean;
  /** What `S` holds: 1 for magnitudes (the default), 2 for powers, of which only peaks and valleys need roots. */
  power?: 1 | 2;
}

/** Bins from..to-1 of one band, and how many of them make its peak. */
export interface Band {
  from: number;
  to: number;
  count: number;
}

const bandPlan = planCache((sr: number, n_fft: number, fmin: number, n_bands: number, quantile: number): Band[] => {
  const bins = Math.floor(n_fft / 2) + 1;
  const where = 'spectralContrast';
  return Array.from({ length: n_bands + 1 }, (_, k) => {
    const low = k === 0 ? 0 : fmin * 2 ** (k - 1);
    const high = fmin * 2 ** k;
    if (low >= sr / 2) {
      throw new RequestError({
        where,
        problem: 'a band starts above half the sample rate',
        expected: `fmin * 2 ** (n_bands - 1) below ${sr / 2} Hz`,
        got: `${low} Hz`,
        fix: 'use a smaller fmin or fewer n_bands',
      });
    }
    let from = 0;
    while (from < bins && (from * sr) / n_fft < low) from++;
    let to = from;
    while (to < bins && (to * sr) / n_fft <= high) to++;
    const empty = to === from;
    // A band begins with the last bin below it, and ends before its own last bin, which the next begins with.
    if (k > 0) from--;
    if (k === n_bands) to = bins;
    const count = Math.max(1, roundHalfEven(quantile * (to - from)));
    if (k < n_bands) to--;
    if (empty || to <= from) {
      throw new RequestError({
        where,
        problem: 'a band holds no bin',
        expected: `a bin between ${low} and ${high} Hz`,
        got: `bins ${sr / n_fft} Hz apart`,
        fix: 'use a larger n_fft or fmin',
      });
    }
    return { from, to, count: Math.min(count, to - from) };
  });
});

/** The bands of {@link spectralContrast} with its defaults, for whoever computes it elsewhere. Throws as it does. */
export function contrastBands(sr: number, n_fft: number): readonly Band[] {
  return bandPlan(sr, n_fft, 200, 6, 0.02);
}

/**
 * Spectral contrast, frames x (n_bands + 1): the mean of each band's strongest bins over that of its
 * weakest, in dB (each of the two limited to 80 dB below its own maximum over the signal, as in librosa).
 *
 * @param source `S` is a magnitude spectrogram, or with `power: 2` a power spectrogram; the answer is the same
 * @throws RequestError when a band lies above sr / 2 or holds no bin; DataError for values that are no energies
 */
export function spectralContrast(source: ContrastOptions): Matrix {
  const where = 'spectralContrast';
  const { sr = 22050, fmin = 200, n_bands = 6, quantile = 0.02, linear = false } = source;
  checkPositive(sr, 'sr', where);
  checkPositive(fmin, 'fmin', where);
  checkInteger(n_bands, 'n_bands', where);
  if (!(quantile > 0 && quantile < 1)) {
    throw new RequestError({ where, problem: 'quantile is out of range', expected: '0 to 1', got: String(quantile) });
  }
  const power = source.S ? (source.power ?? 1) : 2;
  const { S, n_fft } = resolve(source, power, where);
  const bands = bandPlan(sr, n_fft, fmin, n_bands, quantile);
  const check = (least: number, sum: number) => checkEnergies(S, least, sum, where);
  const { smallest, largest } = extremeSums(S, bands, check, power === 2);
  const mean = (sums: Float32Array): Matrix => {
    for (let i = 0, k = 0; i < sums.length; i++, k = k + 1 < bands.length ? k + 1 : 0) sums[i]! /= bands[k]!.count;
    return { data: sums, rows: S.rows, cols: bands.length };
  };
  const [peak, valley] = [mean(largest), mean(smallest)];
  const [top, bottom] = linear ? [peak, valley] : [powerToDb(peak), powerToDb(valley)];
  const { data } = top;
  for (let i = 0; i < data.length; i++) data[i]! -= bottom.data[i]!;
  return top;
}
