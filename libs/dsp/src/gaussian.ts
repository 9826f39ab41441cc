/**
 * Cepstra from Gaussian filters: as mel-frequency cepstra, but each filter is a bell instead of a triangle, so
 * neighbours overlap more and no energy between two centres is lost (Chakroborty and Saha, "Improved
 * text-independent speaker identification using fused MFCC & IMFCC feature sets based on Gaussian filter",
 * International Journal of Signal Processing 5, 2009).
 */
import { RequestError } from '@prosodia/core';
import { checkCoefficients, checkInteger, checkPositive, checkRange } from './checks.ts';
import { powerToDb } from './decibel.ts';
import { zeros, type Matrix } from './matrix.ts';
import { melFrequencies } from './mel.ts';
import { cepstrum, type CepstrumOptions } from './mfcc.ts';
import { planCache } from './plans.ts';
import { bandBank, bandRows, type BandBank, type Run } from './simd/rows.ts';
import { resolve, type PitchedSource } from './source.ts';

/** Which filters a Gaussian bank has. */
export interface GaussianBankOptions {
  /** Number of filters. Default 40. */
  n_filters?: number;
  /** Lower edge of the lowest filter in Hz. Default 0. */
  fmin?: number;
  /** Upper edge of the highest filter in Hz. Default sr / 2. */
  fmax?: number;
  /** HTK's mel formula for the centres instead of Slaney's. Default false. */
  htk?: boolean;
  /** A filter's standard deviation is the distance to the next centre divided by this. Default 2, as in the paper. */
  alpha?: number;
}

/** Weights below this one are left out: a band 200 dB away is lost in the rounding of a spectrum. */
const LEAST_WEIGHT = 1e-20;

/** A filter whose nearest bin is more standard deviations away than this has nothing to answer to. */
const REACH = 3;

const gaussianPlan = planCache(
  (sr: number, n_fft: number, n_filters: number, fmin: number, fmax: number, htk: boolean, alpha: number) => {
    const centres = melFrequencies(n_filters + 2, fmin, fmax, htk);
    const runs = Array.from({ length: n_filters }, (_, filter): Run => {
      const centre = centres[filter + 1]!;
      const sigma = (centres[filter + 2]! - centre) / alpha;
      let first = 0;
      const weights: number[] = [];
      for (let bin = 0; bin <= n_fft / 2; bin++) {
        const weight = Math.exp(-0.5 * (((bin * sr) / n_fft - centre) / sigma) ** 2);
        if (weight < LEAST_WEIGHT) continue;
        if (weights.length === 0) first = bin;
        weights.push(weight);
      }
      const nearest = (Math.round((centre * n_fft) / sr) * sr) / n_fft;
      if (Math.abs(nearest - centre) > REACH * sigma) {
        throw new RequestError({
          where: 'gaussian',
          problem: 'a filter lies between two bins',
          expected: `a bin within ${(REACH * sigma).toFixed(1)} Hz of ${centre.toFixed(1)} Hz`,
          got: `bins ${sr / n_fft} Hz apart`,
          fix: 'use a larger n_fft, or fewer n_filters',
        });
      }
      return { first, weights };
    });
    return { runs, bank: bandBank(runs) };
  },
);

function gaussianBank(sr: number, n_fft: number, options: GaussianBankOptions): { runs: Run[]; bank: BandBank } {
  const where = 'gaussian';
  const { n_filters = 40, fmin = 0, fmax = sr / 2, htk = false, alpha = 2 } = options;
  checkPositive(sr, 'sr', where);
  checkInteger(n_fft, 'n_fft', where);
  checkInteger(n_filters, 'n_filters', where);
  checkPositive(alpha, 'alpha', where);
  checkRange(fmin, fmax, sr, where);
  return gaussianPlan(sr, n_fft, n_filters, fmin, fmax, htk, alpha);
}

/**
 * The Gaussian filter bank, n_filters x (1 + floor(n_fft / 2)), each filter 1 at its centre; centres are evenly
 * spaced in mels.
 *
 * @throws RequestError for a range that is empty or exceeds sr / 2, or a filter that falls between two bins
 */
export function gaussian(sr: number, n_fft: number, options: GaussianBankOptions = {}): Matrix {
  const { runs } = gaussianBank(sr, n_fft, options);
  const out = zeros(runs.length, Math.floor(n_fft / 2) + 1);
  runs.forEach(({ first, weights }, filter) => out.data.set(weights, filter * out.cols + first));
  return out;
}

/** Options of {@link gaussianSpectrogram}. */
export interface GaussianOptions extends PitchedSource, GaussianBankOptions {}

/**
 * Energies in the bands of {@link gaussian} filters, frames x n_filters.
 *
 * @param source `S` is a power spectrogram; `y` is transformed with hop_length 512 by default
 * @throws as {@link gaussian} and stft
 */
export function gaussianSpectrogram(source: GaussianOptions): Matrix {
  const { sr = 22050 } = source;
  const { S, n_fft } = resolve(source, 2, 'gaussianSpectrogram');
  return bandRows(S, gaussianBank(sr, n_fft, source).bank);
}

/** Options of {@link gaussianCepstra}. */
export interface GaussianCepstraOptions extends GaussianOptions, Omit<CepstrumOptions, 'n_mfcc'> {
  /** The filters' energies in decibels, frames x n_filters, if they are at hand. Without them, from `S` or `y`. */
  db?: Matrix;
  /** Number of coefficients to keep, at most n_filters. Default 20. */
  n_coefficients?: number;
}

/**
 * Gaussian filterbank cepstral coefficients, frames x n_coefficients: the cosine transform of the energies of
 * {@link gaussian} filters in decibels, as mfcc is of mel bands.
 *
 * @param source `S` is a power spectrogram; `y` is transformed with hop_length 512 by default
 * @throws as {@link gaussian}, cepstrum and stft; RequestError for more coefficients than filters
 */
export function gaussianCepstra(source: GaussianCepstraOptions): Matrix {
  const { n_coefficients = 20, n_filters = 40 } = source;
  checkCoefficients(['n_coefficients', n_coefficients], ['n_filters', source.db?.cols ?? n_filters], 'gaussianCepstra');
  return cepstrum(source.db ?? powerToDb(gaussianSpectrogram(source)), { ...source, n_mfcc: n_coefficients });
}
