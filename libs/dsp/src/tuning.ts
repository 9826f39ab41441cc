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
import { planCache } from './plans.ts';
import { columnsBytes } from './simd/resident.ts';
import { eachColumns } from './simd/rows.ts';
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

/**
 * Visits the spectral peaks of some frames at a time, in lists of three numbers each: of peak i, places[3 * i] is its place
 * among all values of the frames from `first` on, numbers[3 * i + 1] its frequency in Hz and numbers[3 * i + 2] its height.
 * Void after the visit.
 */
function eachPeaks(
  S: Matrix,
  sr: number,
  n_fft: number,
  { fmin = 150, fmax = 4000, threshold = 0.1 }: PiptrackOptions,
  visit: (first: number, length: number, places: Int32Array, numbers: Float32Array) => void,
): void {
  const { cols } = S;
  if (cols < 4) return;
  const { from, to } = peakRange(sr, n_fft, fmin, fmax);
  if (from >= to) return;
  eachColumns(S, (memory, most) => {
    // A peak is higher than the bin below it, so that two of them are at least two bins apart. One more is overwritten.
    const size = 3 * (most * Math.ceil((to - from) / 2) + 1);
    const endAt = memory.alloc(4);
    const listAt = memory.alloc(4 * size);
    const [places, numbers, end] = [memory.i32(listAt, size), memory.f32(listAt, size), memory.i32(endAt, 1)];
    const { peaks } = memory.kernels;
    return (at, first, count) => {
      end[0] = listAt;
      for (let row = 0; row < count; row += 4) {
        const frames = 2 ** Math.min(4, count - row) - 1;
        const four = at + columnsBytes(row, cols);
        peaks(four, cols * 16, from * 16, to * 16, frames, row * cols, threshold, sr, n_fft, endAt);
      }
      visit(first, (end[0] - listAt) / 4, places, numbers);
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
  eachPeaks(S, sr, n_fft, source, (first, length, places, numbers) => {
    for (let i = 0; i < length; i += 3) {
      const at = first * S.cols + places[i]!;
      pitches.data[at] = numbers[i + 1]!;
      magnitudes.data[at] = numbers[i + 2]!;
    }
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

/** From -0.5 to 0.5 in so many steps. */
const edgesOf = planCache((bins: number) =>
  Float64Array.from({ length: bins + 1 }, (_, k) => (k === bins ? 0.5 : -0.5 + k / bins)),
);

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
  const edges = edgesOf(bins);
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
  const lists: Float32Array[] = [];
  eachPeaks(S, sr, n_fft, source, (_first, length, _places, numbers) => lists.push(numbers.slice(0, length)));
  const total = lists.reduce((sum, list) => sum + list.length, 0) / 3;
  const [pitches, heights] = [new Float32Array(total), new Float32Array(total)];
  let count = 0;
  for (const list of lists) {
    for (let i = 0; i < list.length; i += 3) {
      pitches[count] = list[i + 1]!;
      heights[count++] = list[i + 2]!;
    }
  }
  const median = medianOf(heights.slice());
  let kept = 0;
  for (let i = 0; i < total; i++) if (heights[i]! >= median) pitches[kept++] = pitches[i]!;
  return pitchTuning(pitches.subarray(0, kept), source);
}
