/**
 * Occlusion: what an answer rests on, found by leaving parts of the sound out.
 *
 * A sound is the sum of its bands. Taking a band away between two moments leaves everything else untouched, and the
 * edges fade, so that no click is added that a model could hear. (Zeiler and Fergus, 2014, do it to images.)
 */
import { fft, powerOfTwo } from './fft.ts';
import { hertz, mels } from './mel.ts';

export interface Grid {
  /** Edges in seconds, one more than columns. */
  times: number[];
  /** Edges in Hz, one more than rows, lowest first. */
  frequencies: number[];
}

const FADE_S = 0.02;

/** Columns of equal length, at most 8 and none shorter than 0.2 s; rows of equal width in mels. */
export function gridOf(duration_s: number, rate: number, rows = 5): Grid {
  const columns = Math.max(1, Math.min(8, Math.floor(duration_s / 0.2)));
  const top = mels(Math.min(8000, rate / 2));
  return {
    times: Array.from({ length: columns + 1 }, (_, i) => (i * duration_s) / columns),
    frequencies: Array.from({ length: rows + 1 }, (_, i) => hertz((top * i) / rows)),
  };
}

/** The sound in each row of the grid, which add up to all of it up to the highest frequency of the grid. */
export function bandsOf(samples: Float32Array, rate: number, { frequencies }: Grid): Float32Array[] {
  const size = powerOfTwo(samples.length);
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  real.set(samples);
  fft(real, imaginary);
  return frequencies.slice(0, -1).map((low, row) => {
    const high = frequencies[row + 1]!;
    const [re, im] = [new Float64Array(size), new Float64Array(size)];
    for (let k = 0; k < size; k++) {
      const hz = (Math.min(k, size - k) * rate) / size;
      if (hz < low || hz >= high) continue;
      re[k] = real[k]!;
      im[k] = imaginary[k]!;
    }
    fft(re, im, true);
    return Float32Array.from(re.subarray(0, samples.length));
  });
}

/** The sound without one band between two moments, in seconds. */
export function without(
  samples: Float32Array,
  band: Float32Array,
  rate: number,
  start_s: number,
  end_s: number,
): Float32Array<ArrayBuffer> {
  const fade = FADE_S * rate;
  const [start, end] = [start_s * rate, end_s * rate];
  return Float32Array.from(samples, (sample, i) => {
    // At the ends of the recording nothing is left to fade to.
    const since = start <= 0 ? 1 : (i - start) / fade + 0.5;
    const until = end >= samples.length ? 1 : (end - i) / fade + 0.5;
    const share = Math.max(0, Math.min(1, since, until));
    return sample - share * band[i]!;
  });
}
