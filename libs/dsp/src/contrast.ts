/** Spectral contrast: peaks against valleys in octave bands (Jiang et al., ICME 2002). */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkNonNegative, checkPositive } from './checks.ts';
import { powerToDb } from './decibel.ts';
import { zeros, type Matrix } from './matrix.ts';
import { planCache } from './plans.ts';
import { roundHalfEven } from './round.ts';
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
}

/** Bins from..to-1 of one band, and how many of them make its peak. */
interface Band {
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

/**
 * Spectral contrast, frames x (n_bands + 1): the mean of each band's strongest bins over that of its
 * weakest, in dB (each of the two limited to 80 dB below its own maximum over the signal, as in librosa).
 *
 * @param source `S` is a magnitude spectrogram
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
  const { S, n_fft } = resolve(source, 1, where);
  if (source.S) checkNonNegative(S, where);
  const bands = bandPlan(sr, n_fft, fmin, n_bands, quantile);
  const { data, rows, cols } = S;
  const peak = zeros(rows, bands.length);
  const valley = zeros(rows, bands.length);
  const most = Math.max(...bands.map((band) => band.count));
  const smallest = new Float64Array(most);
  const largest = new Float64Array(most);
  for (let row = 0; row < rows; row++) {
    for (const [k, { from, to, count }] of bands.entries()) {
      extremes(data, row * cols + from, row * cols + to, count, smallest, largest);
      let low = 0;
      let high = 0;
      for (let i = 0; i < count; i++) {
        low += smallest[i]!;
        high += largest[i]!;
      }
      valley.data[row * bands.length + k] = low / count;
      peak.data[row * bands.length + k] = high / count;
    }
  }
  const [top, bottom] = linear ? [peak, valley] : [powerToDb(peak), powerToDb(valley)];
  return { ...top, data: top.data.map((value, i) => value - bottom.data[i]!) };
}

/**
 * The `count` smallest and largest of data[from..to): kept sorted by insertion, worst first, so that most
 * values cost two comparisons. The bands' shares are small, so this beats sorting.
 */
function extremes(
  data: Float32Array,
  from: number,
  to: number,
  count: number,
  smallest: Float64Array,
  largest: Float64Array,
): void {
  smallest.fill(Infinity);
  largest.fill(-Infinity);
  for (let i = from; i < to; i++) {
    const value = data[i]!;
    if (value < smallest[0]!) {
      let at = 1;
      for (; at < count && smallest[at]! > value; at++) smallest[at - 1] = smallest[at]!;
      smallest[at - 1] = value;
    }
    if (value > largest[0]!) {
      let at = 1;
      for (; at < count && largest[at]! < value; at++) largest[at - 1] = largest[at]!;
      largest[at - 1] = value;
    }
  }
}
