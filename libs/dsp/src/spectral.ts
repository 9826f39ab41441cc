/**
 * Shape of the spectrum, frame by frame: centroid, bandwidth, rolloff, flatness.
 *
 * Each takes samples (`y`) or a magnitude spectrogram (`S`); give them one `S` to transform only once.
 * Every result is frames x 1. A silent frame has centroid, bandwidth and rolloff 0 and flatness 1.
 */
import { RequestError } from '@prosodia/core';
import { checkEnergies, checkNonNegative, checkPositive } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { eachChunk, momentRows } from './simd/rows.ts';
import { binFrequencies, resolve, type PitchedSource, type SpectralSource } from './source.ts';

/** A {@link PitchedSource} whose bins may lie at other frequencies than those of a transform. */
export interface FrequencySource extends PitchedSource {
  /** Frequency of each bin in Hz. Default k * sr / n_fft. */
  freq?: Float64Array;
}

function prepare(source: FrequencySource, where: string): { S: Matrix; freq: Float64Array } {
  const { sr = 22050 } = source;
  checkPositive(sr, 'sr', where);
  const { S, n_fft } = resolve(source, 1, where);
  const freq = source.freq ?? binFrequencies(sr, n_fft);
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

/** The least values, sums and weighted sums of momentRows; refuses values that are no energies. */
function checkedMoments(S: Matrix, freq: Float64Array, where: string, centres?: Float64Array): Float64Array {
  const moments = momentRows(S, freq, centres);
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
  const centroid = (source.centroid ?? spectralCentroid({ ...source, S, freq })).data;
  if (centroid.length !== rows) {
    throw new RequestError({
      where,
      problem: 'centroid does not fit the spectrogram',
      expected: `${rows} frames`,
      got: `${centroid.length} frames`,
    });
  }
  const sums = checkedMoments(S, freq, where, Float64Array.from(centroid));
  const out = zeros(rows, 1);
  for (let row = 0; row < rows; row++) {
    const total = sums[3 * row + 1]!;
    let spread = sums[3 * row + 2]!;
    if (p !== 2) {
      spread = 0;
      for (let bin = 0; bin < cols; bin++) {
        spread += data[row * cols + bin]! * Math.abs(freq[bin]! - centroid[row]!) ** p;
      }
    }
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
  // The kernel takes whole blocks of bins; those that remain are added here.
  const width = cols - (cols % BLOCK);
  eachChunk(S, (memory, chunk) => {
    const sumsAt = memory.alloc(chunk * 40);
    return (at, first, count) => {
      memory.kernels.logEnergies(at, count * cols * 4, cols * 4, width * 4, amin, sumsAt);
      const sums = memory.f64(sumsAt, count * 5);
      for (let row = 0; row < count; row++) {
        let logs = sums[5 * row]!;
        let total = sums[5 * row + 1]!;
        let least = sums[5 * row + 2]!;
        for (let bin = width; bin < cols; bin++) {
          const value = S.data[(first + row) * cols + bin]!;
          const energy = Math.max(amin, value * value);
          least = Math.min(least, value);
          total += energy;
          logs += Math.log(energy);
        }
        checkEnergies(S, least, total, where);
        const safe = sums[5 * row + 3]! > 1e-290 && sums[5 * row + 4]! < 1e290;
        out.data[first + row] = safe ? Math.exp(logs / cols) / (total / cols) : flatnessOf(S, first + row, amin, power);
      }
    };
  });
  return out;
}

/** Bins that the kernel takes at once. */
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
