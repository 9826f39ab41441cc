/**
 * Where a spectral feature takes its spectrogram from: from samples (`y`, transformed here), or from a
 * spectrogram somebody has already computed (`S`), which several features can share.
 */
import { RequestError } from '@prosodia/core';
import { checkMatrix } from './checks.ts';
import type { Matrix } from './matrix.ts';
import { planCache } from './plans.ts';
import { spectrogram, type StftOptions } from './stft.ts';

/** Either samples or a ready spectrogram; librosa's `y` and `S`. */
export interface SpectralSource extends StftOptions {
  /** Samples. Ignored when `S` is given. */
  y?: Float32Array;
  /** A spectrogram, frames x bins, of the power that the feature documents. */
  S?: Matrix;
}

/** A {@link SpectralSource} whose bins have a frequency. */
export interface PitchedSource extends SpectralSource {
  /** Sample rate in Hz. Default 22050, librosa's. */
  sr?: number;
}

/** The spectrogram to work on and the n_fft it was made with (inferred from its bins if they differ). */
export function resolve(source: SpectralSource, power: number, where: string): { S: Matrix; n_fft: number } {
  const { y, S, n_fft = 2048 } = source;
  if (S) {
    checkMatrix(S, where);
    return { S, n_fft: Math.floor(n_fft / 2) + 1 === S.cols ? n_fft : 2 * (S.cols - 1) };
  }
  if (y) return { S: spectrogram(y, { ...source, power }), n_fft };
  throw new RequestError({ where, problem: 'there is nothing to compute on', expected: 'y or S', got: 'neither' });
}

/** The bins' frequencies, shared between calls: not to be written to. */
export const binFrequencies = planCache((sr: number, n_fft: number): Float64Array => {
  const out = new Float64Array(Math.floor(n_fft / 2) + 1);
  for (let k = 0; k < out.length; k++) out[k] = (k * sr) / n_fft;
  return out;
});

/** Frequencies of the bins of a transform, in Hz: k * sr / n_fft for k in 0..floor(n_fft / 2). */
export function fftFrequencies(sr: number, n_fft: number): Float64Array {
  return binFrequencies(sr, n_fft).slice();
}
