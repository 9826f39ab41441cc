/** Noise to add to a signal: white or pink, at a signal-to-noise ratio or at a share of the peak. */
import { DataError, type Rng } from '@prosodia/core';
import { Fft } from '../fft.ts';

export type NoiseColor = 'white' | 'pink';

/** How loud noise is: against the power of the whole signal in dB, or a deviation as a share of its peak. */
export type NoiseLevel = { snr_db: number } | { amplitude: number };

/** `samples` plus Gaussian noise; silence stays silent. */
export function addNoise(samples: Float32Array, color: NoiseColor, level: NoiseLevel, rng: Rng): Float32Array {
  const noise = color === 'white' ? whiteNoise(samples.length, rng) : pinkNoise(samples.length, rng);
  const deviation =
    'snr_db' in level ? Math.sqrt(power(samples) / 10 ** (level.snr_db / 10)) : level.amplitude * peak(samples);
  return samples.map((sample, i) => sample + deviation * noise[i]!);
}

/** Normal numbers of deviation 1. */
export function whiteNoise(length: number, rng: Rng): Float64Array {
  return Float64Array.from({ length }, () => rng.normal());
}

/** Gaussian noise of power 1 whose density falls by 3 dB an octave: white noise, weighed by 1 / sqrt(f). */
export function pinkNoise(length: number, rng: Rng): Float64Array {
  if (length === 0) return new Float64Array(0);
  const size = 2 ** Math.max(1, Math.ceil(Math.log2(length)));
  const fft = new Fft(size);
  const spectrum = new Float64Array(2 * size);
  // Straight in the frequency domain: the spectrum of white noise is white noise. 0 Hz is left out.
  for (let k = 1; k <= size / 2; k++) {
    const re = rng.normal() / Math.sqrt(k);
    const im = k === size / 2 ? 0 : rng.normal() / Math.sqrt(k);
    spectrum[2 * k] = re;
    spectrum[2 * k + 1] = im;
    spectrum[2 * (size - k)] = re;
    spectrum[2 * (size - k) + 1] = -im;
  }
  fft.transform(spectrum);
  const noise = Float64Array.from({ length }, (_, i) => spectrum[2 * i]!);
  const scale = 1 / Math.sqrt(noise.reduce((sum, x) => sum + x * x, 0) / length);
  return noise.map((x) => x * scale);
}

function power(samples: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!;
  if (Number.isFinite(sum)) return sum / Math.max(1, samples.length);
  throw new DataError({ problem: 'the samples are not finite numbers', got: `a power of ${sum}` });
}

function peak(samples: Float32Array): number {
  let most = 0;
  for (let i = 0; i < samples.length; i++) most = Math.max(most, Math.abs(samples[i]!));
  return most;
}
