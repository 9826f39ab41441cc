/** Mel-frequency cepstral coefficients and the cosine transform behind them. */
import { RequestError } from '@prosodia/core';
import { checkCoefficients } from './checks.ts';
import { powerToDb } from './decibel.ts';
import type { Matrix } from './matrix.ts';
import { melspectrogram, type MelOptions } from './mel.ts';
import { planCache } from './plans.ts';
import { filterBank, projectRows } from './simd/rows.ts';
import type { PitchedSource } from './source.ts';

export type DctType = 1 | 2 | 3;

/** The first `count` rows of the cosine transform of `n` points; definitions as scipy.fft.dct. */
const dctPlan = planCache((type: DctType, n: number, count: number, ortho: boolean) => {
  const weight = (ortho ? orthonormal : plain)[type];
  return filterBank(count, n, (k, t) => weight(k, t, n));
});

// Arguments of the cosines are reduced to one period first, in integers, so that they lose no accuracy.
const cosOver = (numerator: number, denominator: number) =>
  Math.cos((Math.PI * (numerator % (2 * denominator))) / denominator);

const plain: Record<DctType, (k: number, t: number, n: number) => number> = {
  1: (k, t, n) => (t === 0 || t === n - 1 ? 1 : 2) * cosOver(k * t, n - 1),
  2: (k, t, n) => 2 * cosOver(k * (2 * t + 1), 2 * n),
  3: (k, t, n) => (t === 0 ? 1 : 2) * cosOver((2 * k + 1) * t, 2 * n),
};

const edge = (index: number, n: number) => (index === 0 || index === n - 1 ? Math.SQRT1_2 : 1);

const orthonormal: typeof plain = {
  1: (k, t, n) => Math.sqrt(2 / (n - 1)) * edge(k, n) * edge(t, n) * cosOver(k * t, n - 1),
  2: (k, t, n) => Math.sqrt((k === 0 ? 1 : 2) / n) * cosOver(k * (2 * t + 1), 2 * n),
  3: (k, t, n) => Math.sqrt((t === 0 ? 1 : 2) / n) * cosOver((2 * k + 1) * t, 2 * n),
};

/** The orthonormal cosine transform of type 2 as a matrix, coefficients x bands. Throws as {@link cepstrum}. */
export function cosineTransform(bands: number, n_mfcc: number): Matrix {
  checkCoefficients(['n_mfcc', n_mfcc], ['n_mels', bands], 'mfcc');
  const weights = Array.from({ length: n_mfcc * bands }, (_, i) =>
    orthonormal[2](Math.floor(i / bands), i % bands, bands),
  );
  return { data: Float32Array.from(weights), rows: n_mfcc, cols: bands };
}

/** Options of the cosine transform that ends a cepstrum. */
export interface CepstrumOptions {
  /** Number of coefficients to keep; at most as many as there are bands. Default 20. */
  n_mfcc?: number;
  /** Type of the cosine transform. Default 2. */
  dct_type?: DctType;
  /** `ortho` for an orthonormal transform, null for the plain sums. Default `ortho`. */
  norm?: 'ortho' | null;
  /** Sinusoidal liftering: coefficient k (from 1) is scaled by 1 + lifter / 2 * sin(pi k / lifter). Default 0, none. */
  lifter?: number;
}

/**
 * Cepstral coefficients of a spectrogram that is already in decibels (or any log scale).
 *
 * @param S frames x bands, logarithmic
 * @returns frames x n_mfcc
 * @throws RequestError for more coefficients than bands, an unknown dct_type or a negative lifter
 */
export function cepstrum(S: Matrix, options: CepstrumOptions = {}): Matrix {
  const { n_mfcc = 20, dct_type = 2, norm = 'ortho', lifter = 0 } = options;
  const where = 'mfcc';
  checkCoefficients(['n_mfcc', n_mfcc], ['n_mels', S.cols], where);
  if (!(dct_type in plain) || (dct_type === 1 && S.cols < 2)) {
    throw new RequestError({
      where,
      problem: 'dct_type does not fit',
      expected: '1 (with at least two bands), 2 or 3',
      got: `${dct_type} with ${S.cols} bands`,
    });
  }
  if (!(lifter >= 0)) {
    throw new RequestError({ where, problem: 'lifter is out of range', expected: '0 or more', got: String(lifter) });
  }
  const out = projectRows(S, dctPlan(dct_type, S.cols, n_mfcc, norm === 'ortho'));
  if (lifter > 0) {
    const gains = Float64Array.from(
      { length: n_mfcc },
      (_, k) => 1 + (lifter / 2) * Math.sin((Math.PI * (k + 1)) / lifter),
    );
    for (let i = 0; i < out.data.length; i++) out.data[i]! *= gains[i % n_mfcc]!;
  }
  return out;
}

/** Options of {@link mfcc}: those of the mel spectrogram (its `norm` is `mel_norm` here) and of the cepstrum. */
export interface MfccOptions extends Omit<PitchedSource, 'S'>, Omit<MelOptions, 'norm'>, CepstrumOptions {
  /** A mel spectrogram in decibels, frames x n_mels. Without it, one is computed from `y`. */
  S?: Matrix;
  /** `norm` of the mel filter bank. Default `slaney`. */
  mel_norm?: 'slaney' | null;
}

/**
 * Mel-frequency cepstral coefficients, frames x n_mfcc: the cosine transform of powerToDb(melspectrogram).
 *
 * The floor 80 dB below the loudest band leaves nothing that single precision would not reach, so `y` is
 * transformed in that; a given `S` is as precise as it was made.
 *
 * @throws as {@link cepstrum} and melspectrogram
 */
export function mfcc(options: MfccOptions): Matrix {
  const { S, mel_norm = 'slaney', ...rest } = options;
  return cepstrum(S ?? powerToDb(melspectrogram({ ...rest, norm: mel_norm, precision: 'single' })), options);
}
