/**
 * Shape of the spectrum, frame by frame: centroid, bandwidth, rolloff, flatness.
 *
 * Each takes samples (`y`) or a magnitude spectrogram (`S`); give them one `S` to transform only once.
 * Every result is frames x 1. A silent frame has centroid, bandwidth and rolloff 0 and flatness 1.
 */
import { RequestError } from '@prosodia/core';
import { checkFinite, checkNonNegative, checkPositive } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { fftFrequencies, resolve, type PitchedSource, type SpectralSource } from './source.ts';

/** A {@link PitchedSource} whose bins may lie at other frequencies than those of a transform. */
export interface FrequencySource extends PitchedSource {
  /** Frequency of each bin in Hz. Default k * sr / n_fft. */
  freq?: Float64Array;
}

function prepare(source: FrequencySource, where: string): { S: Matrix; freq: Float64Array } {
  const { sr = 22050 } = source;
  checkPositive(sr, 'sr', where);
  const { S, n_fft } = resolve(source, 1, where);
  if (source.S) checkNonNegative(S, where);
  const freq = source.freq ?? fftFrequencies(sr, n_fft);
  if (freq.length !== S.cols) {
    throw new RequestError({
      where,
      problem: 'freq does not fit the spectrogram',
      expected: `${S.cols} frequencies, one per bin`,
      got: String(freq.length),
    });
  }
  return { S, freq };
}

/**
 * Spectral centroid in Hz: the mean frequency, weighted by magnitude. Frames x 1.
 *
 * @throws DataError for negative or non-finite values in `S`
 */
export function spectralCentroid(source: FrequencySource): Matrix {
  const where = 'spectralCentroid';
  const { S, freq } = prepare(source, where);
  const { data, rows, cols } = S;
  const out = zeros(rows, 1);
  for (let row = 0; row < rows; row++) {
    let total = 0;
    let weighted = 0;
    for (let bin = 0, at = row * cols; bin < cols; bin++, at++) {
      const value = data[at]!;
      total += value;
      weighted += value * freq[bin]!;
    }
    checkFinite(total, row, where);
    out.data[row] = total > 0 ? weighted / total : 0;
  }
  return out;
}

/** Options of {@link spectralBandwidth}. */
export interface BandwidthOptions extends FrequencySource {
  /** Frames x 1, in Hz; computed from `S` by default. */
  centroid?: Matrix;
  /** Whether to divide each frame by its sum first. Default true. */
  norm?: boolean;
  /** Power of the deviation. Default 2, the standard deviation. */
  p?: number;
}

/**
 * Spectral bandwidth in Hz: (sum of S |f - centroid|^p)^(1/p), the spread around the centroid. Frames x 1.
 *
 * @throws as {@link spectralCentroid}; RequestError for a p of 0 or less or a centroid of another length
 */
export function spectralBandwidth(source: BandwidthOptions): Matrix {
  const where = 'spectralBandwidth';
  const { p = 2, norm = true } = source;
  checkPositive(p, 'p', where);
  const { S, freq } = prepare(source, where);
  const centroid = source.centroid ?? spectralCentroid({ ...source, S, freq });
  const { data, rows, cols } = S;
  if (centroid.data.length !== rows) {
    throw new RequestError({
      where,
      problem: 'centroid does not fit the spectrogram',
      expected: `${rows} frames`,
      got: `${centroid.data.length} frames`,
    });
  }
  const out = zeros(rows, 1);
  for (let row = 0; row < rows; row++) {
    const centre = centroid.data[row]!;
    let total = 0;
    let spread = 0;
    for (let bin = 0, at = row * cols; bin < cols; bin++, at++) {
      const value = data[at]!;
      const distance = freq[bin]! - centre;
      total += value;
      spread += value * (p === 2 ? distance * distance : Math.abs(distance) ** p);
    }
    checkFinite(total, row, where);
    out.data[row] = (norm && total > 0 ? spread / total : spread) ** (1 / p);
  }
  return out;
}

/** Options of {@link spectralRolloff}. */
export interface RolloffOptions extends FrequencySource {
  /** The share of the magnitude that lies at or below the answer; between 0 and 1. Default 0.85. */
  roll_percent?: number;
}

/**
 * Spectral rolloff in Hz: the frequency of the first bin at which the running sum of magnitudes reaches
 * `roll_percent` of the whole. Frames x 1.
 *
 * @throws as {@link spectralCentroid}; RequestError for a roll_percent outside (0, 1)
 */
export function spectralRolloff(source: RolloffOptions): Matrix {
  const where = 'spectralRolloff';
  const { roll_percent = 0.85 } = source;
  if (!(roll_percent > 0 && roll_percent < 1)) {
    throw new RequestError({
      where,
      problem: 'roll_percent is out of range',
      expected: 'a number between 0 and 1',
      got: String(roll_percent),
    });
  }
  const { S, freq } = prepare(source, where);
  const { data, rows, cols } = S;
  const out = zeros(rows, 1);
  const running = new Float32Array(cols);
  for (let row = 0; row < rows; row++) {
    // Summed in float32, as librosa does: the answer is a bin, and a bin close to the threshold would
    // otherwise fall on the other side.
    let sum = 0;
    for (let bin = 0, at = row * cols; bin < cols; bin++, at++) running[bin] = sum = Math.fround(sum + data[at]!);
    checkFinite(sum, row, where);
    const threshold = Math.fround(Math.fround(roll_percent) * sum);
    let bin = 0;
    while (running[bin]! < threshold) bin++;
    out.data[row] = freq[bin]!;
  }
  return out;
}

/** Options of {@link spectralFlatness}. */
export interface FlatnessOptions extends SpectralSource {
  /** Powers below this one count as this one; at least 1e-100. Default 1e-10. */
  amin?: number;
  /** What magnitudes are raised to. Default 2. */
  power?: number;
}

/**
 * Spectral flatness (Wiener entropy): geometric over arithmetic mean of the powers. Frames x 1; 1 for white
 * noise, close to 0 for a tone.
 *
 * @param source `S` is a magnitude spectrogram
 * @throws DataError for negative or non-finite values in `S`, RequestError for an amin out of range
 */
export function spectralFlatness(source: FlatnessOptions): Matrix {
  const where = 'spectralFlatness';
  const { amin = 1e-10, power = 2 } = source;
  checkPositive(power, 'power', where);
  if (!(amin >= 1e-100 && Number.isFinite(amin))) {
    throw new RequestError({ where, problem: 'amin is out of range', expected: 'at least 1e-100', got: String(amin) });
  }
  const { S } = resolve(source, 1, where);
  if (source.S) checkNonNegative(S, where);
  const { data, rows, cols } = S;
  const out = zeros(rows, 1);
  for (let row = 0; row < rows; row++) {
    // One logarithm for a run of products instead of one per bin; the run ends before it could overflow.
    let product = 1;
    let logs = 0;
    let total = 0;
    for (let at = row * cols, end = at + cols; at < end; at++) {
      const value = data[at]!;
      const energy = Math.max(amin, power === 2 ? value * value : value ** power);
      total += energy;
      product *= energy;
      if (product < 1e-150 || product > 1e150) {
        logs += Math.log(product);
        product = 1;
      }
    }
    checkFinite(total, row, where);
    out.data[row] = Math.exp((logs + Math.log(product)) / cols) / (total / cols);
  }
  return out;
}
