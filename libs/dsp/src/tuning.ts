/**
 * Tuning: how far the pitches of a recording lie from equal temperament on A4 = 440 Hz.
 *
 * Spectral peaks are refined by a parabola through three bins (Smith, "Spectral Audio Signal Processing",
 * "Quadratic interpolation of spectral peaks"). The roundings to float32 are librosa's: the answer is the
 * fullest bin of a histogram, and peaks on the border of two bins must fall on the same side.
 */
import { checkInteger, checkMatrix, checkPositive } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { medianOf } from './median.ts';
import { eachFour } from './simd/rows.ts';
import { resolve, type PitchedSource } from './source.ts';

/** Options of {@link piptrack}. */
export interface PiptrackOptions extends PitchedSource {
  /** Lowest and highest frequency of a peak in Hz. Default 150 and 4000. */
  fmin?: number;
  fmax?: number;
  /** A peak must exceed this share of its frame's maximum. Default 0.1. */
  threshold?: number;
}

const { fround } = Math;

/** Bins from..to-1, between whose neighbours a peak may be; none if `to` is not above `from`. */
export function peakRange(sr: number, n_fft: number, fmin = 150, fmax = 4000): { from: number; to: number } {
  const cols = Math.floor(n_fft / 2) + 1;
  const low = Math.max(fmin, 0);
  const high = Math.min(fmax, sr / 2);
  let from = 1;
  while (from < cols && (from * sr) / n_fft < low) from++;
  let to = from;
  // The last bin has no neighbour above it, and is half the sample rate, which `high` excludes.
  while (to < cols - 1 && (to * sr) / n_fft < high) to++;
  return { from, to };
}

/** Visits every spectral peak, four frames at a time. */
function eachPeak(
  S: Matrix,
  sr: number,
  n_fft: number,
  { fmin = 150, fmax = 4000, threshold = 0.1 }: PiptrackOptions,
  visit: (row: number, bin: number, pitch: number, magnitude: number) => void,
): void {
  const { cols } = S;
  if (cols < 4) return;
  const { from, to } = peakRange(sr, n_fft, fmin, fmax);
  if (from >= to) return;
  eachFour(S, (memory) => {
    const listAt = memory.alloc(4 + 8 * (to - from));
    return (at, first, count) => {
      memory.kernels.peaks(at, cols * 16, from * 16, to * 16, threshold, listAt);
      const columns = memory.f32(at, cols * 4);
      const list = memory.i32(listAt, 1 + 2 * (to - from));
      const end = (list[0]! - listAt) / 4;
      for (let k = 1; k < end; k += 2) {
        const bin = list[k]! / 16;
        for (let lane = 0, bits = list[k + 1]!; bits > 0; lane++, bits >>= 1) {
          if (bits % 2 === 0 || lane >= count) continue;
          const here = columns[4 * bin + lane]!;
          const before = columns[4 * bin - 4 + lane]!;
          const after = columns[4 * bin + 4 + lane]!;
          const a = fround(after + before) - 2 * here;
          const b = fround(after - before) / 2;
          const shift = Math.abs(b) >= Math.abs(a) ? 0 : fround(-b / a);
          const skew = fround(fround(0.5 * fround(b)) * shift);
          visit(first + lane, bin, fround(((bin + shift) * sr) / n_fft), fround(here + skew));
        }
      }
    };
  });
}

/**
 * Pitch tracking on peaks of the spectrum.
 *
 * @param source `S` is a magnitude or power spectrogram
 * @returns for each frame and bin the frequency in Hz and the height of the peak there, or 0 where there is none
 */
export function piptrack(source: PiptrackOptions): { pitches: Matrix; magnitudes: Matrix } {
  const { sr = 22050 } = source;
  checkPositive(sr, 'sr', 'piptrack');
  const { S, n_fft } = resolve(source, 1, 'piptrack');
  const pitches = zeros(S.rows, S.cols);
  const magnitudes = zeros(S.rows, S.cols);
  eachPeak(S, sr, n_fft, source, (row, bin, pitch, height) => {
    pitches.data[row * S.cols + bin] = pitch;
    magnitudes.data[row * S.cols + bin] = height;
  });
  return { pitches, magnitudes };
}

/** How finely tuning is measured. */
export interface TuningOptions {
  /** Width of the histogram's bins, as a share of a chroma bin. Default 0.01. */
  resolution?: number;
  /** Pitch classes per octave. Default 12. */
  bins_per_octave?: number;
}

/**
 * The most frequent deviation of frequencies from the equal-tempered scale.
 *
 * @param frequencies in Hz; zeros and negative values are left out
 * @returns a share of a bin, from -0.5 to just under 0.5; 0 when there is no frequency
 */
export function pitchTuning(frequencies: Float32Array, options: TuningOptions = {}): number {
  const { resolution = 0.01, bins_per_octave = 12 } = options;
  checkPositive(resolution, 'resolution', 'pitchTuning');
  checkInteger(bins_per_octave, 'bins_per_octave', 'pitchTuning');
  const bins = Math.ceil(1 / resolution);
  const edges = Float64Array.from({ length: bins + 1 }, (_, k) => (k === bins ? 0.5 : -0.5 + k / bins));
  const counts = new Uint32Array(bins);
  let any = false;
  for (let i = 0; i < frequencies.length; i++) {
    const frequency = frequencies[i]!;
    if (!(frequency > 0)) continue;
    any = true;
    // 27.5 Hz is A0, four octaves below A4.
    const octaves = fround(Math.log2(fround(frequency / 27.5)));
    let residual = fround(bins_per_octave * octaves) % 1;
    if (residual < 0) residual = fround(residual + 1);
    if (residual >= 0.5) residual -= 1;
    let k = Math.min(bins - 1, Math.floor((residual + 0.5) * bins));
    while (k > 0 && residual < edges[k]!) k--;
    while (k < bins - 1 && residual >= edges[k + 1]!) k++;
    counts[k]!++;
  }
  if (!any) return 0;
  return edges[counts.indexOf(counts.reduce((a, b) => Math.max(a, b)))]!;
}

/**
 * Tuning of a recording as a share of a chroma bin: {@link pitchTuning} of the spectral peaks that are at
 * least as high as the median peak.
 *
 * @param source `S` is a magnitude or power spectrogram
 */
export function estimateTuning(source: PiptrackOptions & TuningOptions): number {
  const { sr = 22050 } = source;
  checkPositive(sr, 'sr', 'estimateTuning');
  const { S, n_fft } = resolve(source, 1, 'estimateTuning');
  checkMatrix(S, 'estimateTuning');
  const pitches: number[] = [];
  const heights: number[] = [];
  eachPeak(S, sr, n_fft, source, (_row, _bin, pitch, height) => {
    pitches.push(pitch);
    heights.push(height);
  });
  const median = medianOf(Float32Array.from(heights));
  const high = pitches.filter((_, i) => heights[i]! >= median);
  return pitchTuning(Float32Array.from(high), source);
}
