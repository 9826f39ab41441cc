/**
 * Cepstra from gammatone filters, which follow the ear's own (Valero and Alías, "Gammatone cepstral
 * coefficients", IEEE Trans. Multimedia 14, 2012).
 *
 * A filter of order 4 at centre fc answers a power at frequency f with (1 + ((f - fc) / b)^2)^-4, where
 * b = 1.019 ERB(fc) (Patterson et al., 1992) and ERB(f) = 24.7 (4.37 f / 1000 + 1) Hz. Centres are evenly spaced
 * in the number of such bandwidths below them, 21.4 log10(1 + 0.00437 f) (Glasberg and Moore, Hearing Research
 * 47, 1990).
 */
import { RequestError } from '@prosodia/core';
import { checkCoefficients, checkInteger, checkPositive, checkRange } from './checks.ts';
import { powerToDb } from './decibel.ts';
import type { Matrix } from './matrix.ts';
import { cepstrum, type CepstrumOptions } from './mfcc.ts';
import { planCache } from './plans.ts';
import { bankMatrix, filterBank, projectRows, type FilterBank } from './simd/rows.ts';
import { resolve, type PitchedSource } from './source.ts';

/** Which filters a gammatone bank has. */
export interface GammatoneBankOptions {
  /** Number of filters. Default 40. */
  n_filters?: number;
  /** Centre of the lowest filter in Hz. Default 50. */
  fmin?: number;
  /** Centre of the highest filter in Hz. Default sr / 2. */
  fmax?: number;
}

/** Equivalent rectangular bandwidth of the ear's filter at a frequency, both in Hz. */
export function erb(hz: number): number {
  return 24.7 * (0.00437 * hz + 1);
}

/** Number of equivalent rectangular bandwidths below a frequency in Hz. */
export function hzToErb(hz: number): number {
  return 21.4 * Math.log10(1 + 0.00437 * hz);
}

/** Inverse of {@link hzToErb}. */
export function erbToHz(erbs: number): number {
  return (10 ** (erbs / 21.4) - 1) / 0.00437;
}

const gammatonePlan = planCache(
  (sr: number, n_fft: number, n_filters: number, fmin: number, fmax: number): FilterBank => {
    const low = hzToErb(fmin);
    const step = n_filters > 1 ? (hzToErb(fmax) - low) / (n_filters - 1) : 0;
    return filterBank(n_filters, Math.floor(n_fft / 2) + 1, (filter, bin) => {
      const centre = erbToHz(low + filter * step);
      const distance = ((bin * sr) / n_fft - centre) / (1.019 * erb(centre));
      return (1 + distance * distance) ** -4;
    });
  },
);

function gammatoneBank(sr: number, n_fft: number, options: GammatoneBankOptions): FilterBank {
  const where = 'gammatone';
  const { n_filters = 40, fmin = 50, fmax = sr / 2 } = options;
  checkPositive(sr, 'sr', where);
  checkInteger(n_fft, 'n_fft', where);
  checkInteger(n_filters, 'n_filters', where);
  checkRange(fmin, fmax, sr, where);
  return gammatonePlan(sr, n_fft, n_filters, fmin, fmax);
}

/**
 * The gammatone filter bank on powers, n_filters x (1 + floor(n_fft / 2)), each filter 1 at its centre.
 *
 * @throws RequestError for a range that is empty or exceeds sr / 2
 */
export function gammatone(sr: number, n_fft: number, options: GammatoneBankOptions = {}): Matrix {
  return bankMatrix(gammatoneBank(sr, n_fft, options));
}

/** Options of {@link gammatoneCepstra}. */
export interface GammatoneCepstraOptions extends PitchedSource, GammatoneBankOptions, Omit<CepstrumOptions, 'n_mfcc'> {
  /** Number of coefficients to keep, at most n_filters. Default 20. */
  n_coefficients?: number;
  /** `log` takes decibels; `cubic_root` the cubic root, closer to loudness (Shao and Wang, 2008). Default `log`. */
  compression?: 'log' | 'cubic_root';
}

/**
 * Gammatone cepstral coefficients (GTCC), frames x n_coefficients: the cosine transform of the compressed
 * energies of {@link gammatone} filters.
 *
 * @param source `S` is a power spectrogram; `y` is transformed with hop_length 512 by default
 * @throws as {@link gammatone}, cepstrum and stft; RequestError for an unknown compression or
 *   more coefficients than filters
 */
export function gammatoneCepstra(source: GammatoneCepstraOptions): Matrix {
  const where = 'gammatoneCepstra';
  const { sr = 22050, n_coefficients = 20, n_filters = 40, compression = 'log' } = source;
  checkCoefficients(['n_coefficients', n_coefficients], ['n_filters', n_filters], where);
  if (compression !== 'log' && compression !== 'cubic_root') {
    throw new RequestError({
      where,
      problem: 'no compression has this name',
      expected: 'log or cubic_root',
      got: String(compression satisfies never),
    });
  }
  const { S, n_fft } = resolve(source, 2, where);
  const energies = projectRows(S, gammatoneBank(sr, n_fft, source));
  const compressed = compression === 'log' ? powerToDb(energies) : { ...energies, data: energies.data.map(Math.cbrt) };
  return cepstrum(compressed, { ...source, n_mfcc: n_coefficients });
}
