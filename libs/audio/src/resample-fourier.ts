/**
 * Resampling in the frequency domain: overlap-save, with an inverse transform shorter or longer than the forward
 * one by the ratio of the rates.
 *
 * With L / M in lowest terms, M inputs and L outputs take the same time: a *group*. A block is k groups. Its
 * transform of k * M inputs, weighed by the filter's response and cut or filled with zeros to k * L bins,
 * transforms back to k * L outputs. Those near the ends of the block are wrong, as the filter there reaches around
 * its corner, and are taken from the neighbouring blocks. A filter of 500 taps costs some 40 operations per
 * input this way. What lies in the stop band is dropped altogether; against the time domain that differs by no
 * more than the stop band lets through.
 *
 * Eight blocks go through at once: two as the real and imaginary parts of a complex signal, as the filter is real,
 * and four of those in the lanes of a vector. The response is folded into the last forward pass, which computes
 * wanted bins only.
 */
import { isSmooth } from './fft.ts';
import type { LowPass } from './resample-filter.ts';
import { LaneFft } from './simd/lane-fft.ts';
import { memory, type Memory } from './simd/runtime.ts';

/** A block has at least this many times the groups that the filter spoils at one of its ends. */
const BLOCK_PER_GUARD = 8;
/** Ratios of larger terms would need blocks longer than most clips. */
const LARGEST_TERM = 2048;
/** Blocks that go through at once. */
const BLOCKS = 8;
const ELEMENT = 32;

/** True if {@link fourierResampler} can run the ratio L / M (in lowest terms). */
export function suitsFourier(L: number, M: number): boolean {
  return [L, M].every((term) => Number.isInteger(term) && term <= LARGEST_TERM && isSmooth(term));
}

/** Where things lie in the kernels' memory. */
interface Places {
  input: number;
  output: number;
  work: readonly [number, number];
  weights: number;
  forward: readonly number[];
  inverse: readonly number[];
}

/** A function that resamples by L / M to a given length; it keeps its tables between calls. */
export function fourierResampler(
  filter: LowPass,
  L: number,
  M: number,
): (samples: Float32Array, length: number) => Float32Array {
  const guard = Math.ceil(filter.halfWidth / M);
  const groups = 2 ** Math.max(4, Math.ceil(Math.log2(BLOCK_PER_GUARD * guard)));
  const [inputs, outputs] = [groups * M, groups * L];
  const bins = Math.ceil(Math.min(inputs, outputs) / 2);
  const last = lastFactor(inputs, M / L);
  const forward = LaneFft.of(inputs, last);
  const inverse = LaneFft.of(outputs);
  const weights = pickingWeights(frequencyResponse(filter, inputs, bins, L / M), inputs, last);
  const kept = groups - 2 * guard;
  const [hopIn, hopOut] = [kept * M, kept * L];
  const staged = (BLOCKS - 1) * hopIn + inputs;
  // Each block's outputs begin at a whole vector.
  const room = 4 * Math.ceil(hopOut / 4) + 4;
  const identity = {};

  const lay = (own: Memory): Places => {
    own.reset(identity);
    const widest = Math.max(inputs, outputs) * ELEMENT;
    const places = { input: own.alloc(staged * 4), output: own.alloc(BLOCKS * room * 4) };
    // Half a page apart, so that a load never seems to touch what was just stored.
    const first = own.alloc(widest);
    const second = own.alloc(widest + 4096);
    const work = [first, second + ((first + 2048 - second) & 4095)] as const;
    const tables = { forward: forward.put(own), inverse: inverse.put(own), weights: own.put(weights) };
    return { ...places, work, ...tables };
  };
  let places: Places | undefined;

  return (samples, length) => {
    const own = memory();
    if (own.owner !== identity || !places) places = lay(own);
    const { input, output, work, weights: numbers } = places;
    const { kernels } = own;
    const staging = own.f32(input, staged);
    const outgoing = own.f32(output, BLOCKS * room);
    const pick = kernels[`pick${last}` as 'pick1'];
    const result = new Float32Array(length);
    for (let out = 0, start = -guard * M; out < length; out += BLOCKS * hopOut, start += BLOCKS * hopIn) {
      stage(staging, samples, start);
      kernels.load(input, 4 * hopIn, work[0], work[0] + inputs * ELEMENT);
      const spectrum = forward.run(own, places.forward, work);
      const other = spectrum === work[0] ? work[1] : work[0];
      // Bins from 0 up, then those below 0, which lie at the end; what is between is zero.
      const perBin = 4 * (2 * last - 1);
      const negative = bins - 1;
      own.f32(other + bins * ELEMENT, ((outputs - bins - negative) * ELEMENT) / 4).fill(0);
      pick(spectrum, other, other + bins * ELEMENT, numbers);
      const below = spectrum + (inputs / last - negative) * last * ELEMENT;
      const end = other + outputs * ELEMENT;
      pick(below, end - negative * ELEMENT, end, numbers + bins * perBin);
      const signal = inverse.run(own, places.inverse, [other, spectrum]);
      kernels.store(signal + guard * L * ELEMENT, output, 4 * room, output + 4 * hopOut);
      for (let block = 0, at = out; block < BLOCKS && at < length; block++, at += hopOut) {
        const count = Math.min(hopOut, length - at);
        result.set(outgoing.subarray(block * room, block * room + count), at);
      }
    }
    return result;
  };
}

/** `staging` := the samples from `start`, zeros where there are none. */
function stage(staging: Float32Array, samples: Float32Array, start: number): void {
  const from = Math.max(0, start);
  const to = Math.min(samples.length, start + staging.length);
  if (to <= from) {
    staging.fill(0);
    return;
  }
  staging.fill(0, 0, from - start);
  staging.set(samples.subarray(from, to), from - start);
  staging.fill(0, to - start);
}

/**
 * The factor of the pass that picks bins: as large as the rate falls, so that no bin it computes is dropped; 1 for
 * a pass that only weighs.
 */
function lastFactor(length: number, fall: number): number {
  return [5, 4, 3, 2].find((factor) => factor <= fall && length % factor === 0) ?? 1;
}

/**
 * For each wanted bin k, from 0 up and then from below 0 up to -1: its response, then its response times
 * exp(-2 pi i k p / n) for p from 1 to below `last`.
 */
function pickingWeights(response: Float64Array, n: number, last: number): Float32Array {
  const bins = response.length;
  const weights = new Float32Array((2 * bins - 1) * (2 * last - 1));
  let at = 0;
  for (const k of [...Array(bins).keys(), ...Array.from({ length: bins - 1 }, (_, i) => i + 1 - bins)]) {
    const weight = response[Math.abs(k)]!;
    weights[at++] = weight;
    for (let p = 1; p < last; p++) {
      const angle = (-2 * Math.PI * ((k * p) % n)) / n;
      weights[at++] = weight * Math.cos(angle);
      weights[at++] = weight * Math.sin(angle);
    }
  }
  return weights;
}

/**
 * The filter's response at bins 0 to below half of `bins`, of `n` bins per sample rate, over `n` for the inverse
 * transform that does not divide. It is 1 (times that) at 0 Hz.
 */
function frequencyResponse(filter: LowPass, n: number, bins: number, ratio: number): Float64Array {
  // The integral over the impulse response, as a sum at twice the rate that the response's bandwidth asks for.
  const step = 0.5 / Math.min(1, ratio);
  const terms = Math.ceil(filter.halfWidth / step);
  const weights = Float64Array.from({ length: terms }, (_, j) => filter.at(j * step));
  const response = Float64Array.from({ length: bins }, (_, k) => {
    // cos(j a) by the recurrence of Chebyshev.
    const cosine = Math.cos((2 * Math.PI * k * step) / n);
    let previous = cosine;
    let current = 1;
    let sum = -weights[0]! / 2;
    for (let j = 0; j < terms; j++) {
      sum += weights[j]! * current;
      const next = 2 * cosine * current - previous;
      previous = current;
      current = next;
    }
    return sum;
  });
  const scale = 1 / (response[0]! * n);
  return response.map((value) => value * scale);
}
