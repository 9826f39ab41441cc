/**
 * A room without walls to measure: Gaussian noise that decays exponentially, the statistical model of late
 * reverberation (J. A. Moorer, "About this reverberation business", 1979; J.-D. Polack, 1988).
 */
import { RequestError, type Rng } from '@prosodia/core';
import { Fft } from '../fft.ts';

export interface RoomOptions {
  /** Seconds in which the reverberation falls by 60 dB. */
  rt60: number;
  /** Energy of the direct sound over that of the reverberation, in dB. */
  drr_db: number;
}

/**
 * The response of a room: 1 at the first sample, then noise that falls by 60 dB in `rt60` seconds, where it ends.
 * @throws RequestError if rt60 is not above 0
 */
export function roomResponse(sr: number, { rt60, drr_db }: RoomOptions, rng: Rng): Float64Array {
  if (!(rt60 > 0 && Number.isFinite(rt60))) {
    throw new RequestError({ problem: 'rt60 is no length of time', expected: 'seconds above 0', got: String(rt60) });
  }
  const length = Math.max(2, Math.ceil(rt60 * sr));
  const response = new Float64Array(length);
  let energy = 0;
  for (let i = 1; i < length; i++) {
    response[i] = rng.normal() * 10 ** ((-3 * i) / (rt60 * sr));
    energy += response[i]! * response[i]!;
  }
  const scale = Math.sqrt(10 ** (-drr_db / 10) / energy);
  for (let i = 1; i < length; i++) response[i]! *= scale;
  response[0] = 1;
  return response;
}

/** `samples` as heard in a room; the reverberation after the last sample is cut. */
export function reverb(samples: Float32Array, sr: number, room: RoomOptions, rng: Rng): Float32Array {
  return convolved(samples, roomResponse(sr, room, rng));
}

/** The first `samples.length` samples of the convolution with `response`. */
export function convolved(samples: Float32Array, response: Float64Array): Float32Array {
  const { length } = samples;
  if (length === 0) return new Float32Array(0);
  const taps = Math.min(length, response.length);
  const fft = new Fft(2 ** Math.ceil(Math.log2(length + taps)));
  // Signal and response go through one transform, as its real and imaginary part.
  const packed = new Float64Array(2 * fft.length);
  for (let i = 0; i < length; i++) packed[2 * i] = samples[i]!;
  for (let i = 0; i < taps; i++) packed[2 * i + 1] = response[i]!;
  fft.transform(packed);
  const product = new Float64Array(packed.length);
  for (let k = 0; k < fft.length; k++) {
    const mirror = (fft.length - k) % fft.length;
    const [ar, ai] = [packed[2 * k]!, packed[2 * k + 1]!];
    const [br, bi] = [packed[2 * mirror]!, packed[2 * mirror + 1]!];
    // X = (Z[k] + conj Z[-k]) / 2 and H = (Z[k] - conj Z[-k]) / 2i; their product, parts swapped for the inverse.
    const [xr, xi] = [(ar + br) / 2, (ai - bi) / 2];
    const [hr, hi] = [(ai + bi) / 2, (br - ar) / 2];
    product[2 * k] = xr * hi + xi * hr;
    product[2 * k + 1] = xr * hr - xi * hi;
  }
  fft.transform(product);
  return Float32Array.from({ length }, (_, i) => product[2 * i + 1]! / fft.length);
}
