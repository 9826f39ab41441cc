/**
 * Shape of the spectrum, frame by frame: centroid, bandwidth, rolloff, flatness.
 *
 * Each takes samples (`y`) or a magnitude spectrogram (`S`); give them one `S` to transform only once.
 * Every result is frames x 1. A silent frame has centroid, bandwidth and rolloff 0 and flatness 1.
 */
import { RequestError } from '@prosodia/core';
import { checkEnergies, checkNonNegative, checkPositive } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { eachChunk, momentRows, spreadRows } from './simd/rows.ts';
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
  const out = zeros(S.rows, 1);
  const moments = checkedMoments(S, freq, where);
  for (let row = 0; row < S.rows; row++) {
    const total = moments[3 * row + 1]!;
    out.data[row] = total > 0 ? moments[3 * row + 2]! / total : 0;
  }
  return out;
}

/** Per frame: least value, sum, weighted sum; refuses values that are no energies. */
function checkedMoments(S: Matrix, freq: Float64Array, where: string): Float64Array {
  const moments = momentRows(S, freq);
  for (let row = 0; row < S.rows; row++) checkEnergies(S, moments[3 * row]!, moments[3 * row + 1]!, where);
  return moments;
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
  const { data, rows, cols } = S;
  const moments = checkedMoments(S, freq, where);
  const totals = Float64Array.from({ length: rows }, (_, row) => moments[3 * row + 1]!);
  const centroid = source.centroid?.data ?? totals.map((total, row) => (total > 0 ? moments[3 * row + 2]! / total : 0));
  if (centroid.length !== rows) {
    throw new RequestError({
      where,
      problem: 'centroid does not fit the spectrogram',
      expected: `${rows} frames`,
      got: `${centroid.length} frames`,
    });
  }
  let spread: Float64Array;
  if (p === 2) spread = spreadRows(S, freq, centroid);
  else {
    spread = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const centre = centroid[row]!;
      for (let bin = 0; bin < cols; bin++) {
        spread[row]! += data[row * cols + bin]! * Math.abs(freq[bin]! - centre) ** p;
      }
    }
  }
  const out = zeros(rows, 1);
  for (let row = 0; row < rows; row++) {
    out.data[row] = (norm && totals[row]! > 0 ? spread[row]! / totals[row]! : spread[row]!) ** (1 / p);
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
  const { rows, cols } = S;
  const out = zeros(rows, 1);
  eachChunk(S, (memory) => {
    const sumsAt = memory.alloc((cols + 1) * 4);
    return (at, first, count) => {
      const sums = memory.f32(sumsAt, cols + 1);
      for (let row = 0; row < count; row++) {
        // Summed in float32, as librosa does: the answer is a bin, and a bin close to the threshold would
        // otherwise fall on the other side.
        memory.kernels.running(at + row * cols * 4, cols * 4, sumsAt);
        const total = sums[cols - 1]!;
        checkEnergies(S, sums[cols]!, total, where);
        out.data[first + row] = freq[firstAtLeast(sums, Math.fround(Math.fround(roll_percent) * total), cols)]!;
      }
    };
  });
  return out;
}

/** Index of the first of `length` ascending values that reaches the threshold. */
function firstAtLeast(ascending: Float32Array, threshold: number, length: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Options of {@link spectralFlatness}. */
export interface FlatnessOptions extends SpectralSource {
  /** Powers below this one count as this one; above 0. Default 1e-10. */
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
  checkPositive(amin, 'amin', where);
  const { S } = resolve(source, 1, where);
  const { rows, cols } = S;
  const out = zeros(rows, 1);
  if (power !== 2) {
    checkNonNegative(S, where);
    for (let row = 0; row < rows; row++) out.data[row] = flatnessOf(S, row, amin, power);
    return out;
  }
  // One logarithm for a run of products instead of one per bin.
  const blocks = Math.floor(cols / BLOCK);
  const stored = blocks + 2;
  eachChunk(S, (memory, chunk) => {
    const productsAt = memory.alloc(chunk * stored * 8);
    return (at, first, count) => {
      memory.kernels.products(at, count * cols * 4, cols * 4, blocks * BLOCK * 4, amin, productsAt);
      const products = memory.f64(productsAt, count * stored);
      for (let row = 0; row < count; row++) {
        let total = products[row * stored + blocks]!;
        checkEnergies(S, products[row * stored + blocks + 1]!, total, where);
        let logs = 0;
        let safe = true;
        for (let k = 0; k < blocks; k++) {
          const product = products[row * stored + k]!;
          safe &&= product > 1e-290 && product < 1e290;
          logs += Math.log(product);
        }
        for (let bin = blocks * BLOCK; bin < cols; bin++) {
          const value = S.data[(first + row) * cols + bin]!;
          checkEnergies(S, value, value, where);
          const energy = Math.max(amin, value * value);
          total += energy;
          logs += Math.log(energy);
        }
        out.data[first + row] = safe ? Math.exp(logs / cols) / (total / cols) : flatnessOf(S, first + row, amin, power);
      }
    };
  });
  return out;
}

/** Energies in one product of the kernel. */
const BLOCK = 16;

/** Flatness of one frame with a logarithm per bin, which no energy overflows. */
function flatnessOf({ data, cols }: Matrix, row: number, amin: number, power: number): number {
  let logs = 0;
  let total = 0;
  for (let at = row * cols, end = at + cols; at < end; at++) {
    const energy = Math.max(amin, data[at]! ** power);
    logs += Math.log(energy);
    total += energy;
  }
  return Math.exp(logs / cols) / (total / cols);
}
