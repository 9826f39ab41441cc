/** Filter banks, cepstra and their derivatives as part of an ONNX graph; options as in the functions of the same names. */
import type { GraphTensor } from '@prosodia/core';
import {
  apply,
  cast,
  constant,
  counting,
  gather,
  integers,
  maximum,
  minimum,
  mul,
  add,
  scalar,
  size,
  sub,
  where,
  atLeast,
  equal,
  power,
} from '@prosodia/onnx';
import { derivativeWeights } from '../delta.ts';
import { type GammatoneBankOptions, gammatone } from '../gammatone.ts';
import { type GaussianBankOptions, gaussian } from '../gaussian.ts';
import { transpose, type Matrix } from '../matrix.ts';
import { mel, type MelOptions } from '../mel.ts';
import { cosineTransform } from '../mfcc.ts';
import { project } from './spectrum.ts';

function filtered(S: GraphTensor, bank: Matrix): GraphTensor {
  return project(S, bank.cols, bank.rows, transpose(bank).data);
}

/** Mel spectrogram `[items, frames, n_mels]` of a power spectrogram. */
export function melspectrogram(S: GraphTensor, sr: number, n_fft: number, options: MelOptions): GraphTensor {
  return filtered(S, mel(sr, n_fft, options));
}

/** Energies in the bands of Gaussian filters, `[items, frames, n_filters]`. */
export function gaussianSpectrogram(
  S: GraphTensor,
  sr: number,
  n_fft: number,
  options: GaussianBankOptions,
): GraphTensor {
  return filtered(S, gaussian(sr, n_fft, options));
}

/** Energies in the bands of gammatone filters, `[items, frames, n_filters]`. */
export function gammatoneSpectrogram(
  S: GraphTensor,
  sr: number,
  n_fft: number,
  options: GammatoneBankOptions,
): GraphTensor {
  return filtered(S, gammatone(sr, n_fft, options));
}

/** The cubic root of values of 0 or more. */
export function cubicRoot(x: GraphTensor): GraphTensor {
  const wide = cast(x, 'float64');
  return cast(where(equal(wide, 0), 0, power(maximum(wide, Number.MIN_VALUE), 1 / 3)), 'float32');
}

/**
 * Cepstral coefficients `[items, frames, n_mfcc]` of bands in decibels: an orthonormal cosine transform of type 2.
 *
 * @param bands bands of `S`
 * @throws RequestError for more coefficients than bands
 */
export function cepstrum(
  S: GraphTensor,
  bands: number,
  { n_mfcc, lifter }: { n_mfcc: number; lifter: number },
): GraphTensor {
  const coefficients = project(S, bands, n_mfcc, transpose(cosineTransform(bands, n_mfcc)).data);
  if (lifter === 0) return coefficients;
  const gains = Array.from({ length: n_mfcc }, (_, k) => 1 + (lifter / 2) * Math.sin((Math.PI * (k + 1)) / lifter));
  return cast(mul(cast(coefficients, 'float64'), constant('float64', [n_mfcc], gains)), 'float32');
}

/** Frames that the polynomial of a derivative is fitted to. */
const WIDTH = 9;

/**
 * Derivative over time, `[items, frames, bands]`: of a polynomial through nine frames around each, at the ends through
 * the first and last nine; with fewer frames than nine, these are repeated at the ends.
 */
export function delta(x: GraphTensor, order: number): GraphTensor {
  const half = (WIDTH - 1) / 2;
  const frames = size(x, 1);
  const last = sub(frames, 1);
  const enough = atLeast(frames, WIDTH);
  const first = where(enough, integers(half), integers(0));
  const centres = minimum(maximum(counting(frames), first), where(enough, sub(last, half), last));
  const wide = cast(x, 'float64');
  const terms = [...derivativeWeights(WIDTH, order)].map((weight, k) => {
    const at = minimum(maximum(add(centres, k - half), 0), last);
    return mul(gather(wide, at, 1), scalar('float64', weight));
  });
  return cast(apply('Sum', terms), 'float32');
}
