/** The mel spectrogram that the page draws. For the eye only: models compute features of their own. */
import { fft, powerOfTwo } from './fft.ts';

export interface MelSpectrogram {
  /** Decibels below the loudest, -80 to 0: `[frames, bands]`, the bands of a frame side by side, lowest first. */
  values: Float32Array;
  frames: number;
  bands: number;
  /** Highest frequency in Hz. */
  top_hz: number;
}

const BANDS = 64;
const FRAMES = 600;
const TOP_HZ = 8000;
const FLOOR_DB = -80;

/** Mels of a frequency in Hz, by O'Shaughnessy's formula. */
export function mels(hz: number): number {
  return 2595 * Math.log10(1 + hz / 700);
}

/** Hz of mels. */
export function hertz(mel: number): number {
  return 700 * (10 ** (mel / 2595) - 1);
}

/** Windows of about 32 ms under Hann's window, as many as a screen shows. */
export function melSpectrogram(samples: Float32Array, rate: number): MelSpectrogram {
  const size = powerOfTwo(0.032 * rate);
  const top_hz = Math.min(TOP_HZ, rate / 2);
  const hop = Math.max(size / 4, samples.length / FRAMES);
  const frames = Math.max(1, Math.ceil(samples.length / hop));
  const hann = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const edges = Float64Array.from(
    { length: BANDS + 2 },
    (_, b) => (hertz((mels(top_hz) * b) / (BANDS + 1)) * size) / rate,
  );
  const values = new Float32Array(frames * BANDS);
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  let loudest = 1e-10;
  for (let f = 0; f < frames; f++) {
    const start = Math.round(f * hop) - size / 2;
    for (let i = 0; i < size; i++) real[i] = (samples[start + i] ?? 0) * hann[i]!;
    imaginary.fill(0);
    fft(real, imaginary);
    for (let b = 0; b < BANDS; b++) {
      const power = triangle(edges, b, real, imaginary);
      loudest = Math.max(loudest, power);
      values[f * BANDS + b] = power;
    }
  }
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.max(FLOOR_DB, 10 * Math.log10(values[i]! / loudest));
  }
  return { values, frames, bands: BANDS, top_hz };
}

/** Mean power under one triangular band; of a band between two bins, the power of the nearest bin. */
function triangle(edges: Float64Array, band: number, real: Float64Array, imaginary: Float64Array): number {
  const [low, peak, high] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
  let sum = 0;
  let weights = 0;
  for (let k = Math.ceil(low); k <= high; k++) {
    const weight = k <= peak ? (k - low) / (peak - low) : (high - k) / (high - peak);
    sum += weight * (real[k]! ** 2 + imaginary[k]! ** 2);
    weights += weight;
  }
  if (weights > 0) return sum / weights;
  const nearest = Math.round(peak);
  return real[nearest]! ** 2 + imaginary[nearest]! ** 2;
}
