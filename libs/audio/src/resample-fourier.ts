/**
 * Resampling in the frequency domain: overlap-save, with an inverse transform shorter or longer than the forward
 * one by the ratio of the rates.
 *
 * With L / M in lowest terms, M inputs and L outputs take the same time: a *group*. A block is k groups. Its
 * transform of k * M inputs, weighed by the gains of the filter and cut or filled with zeros to k * L bins,
 * transforms back to k * L outputs. Those near the ends of the block are wrong, as the filter there reaches around
 * its corner, and are taken from the neighbouring blocks. A filter of 500 taps costs some 40 operations per
 * input this way. What lies in the stop band is dropped altogether; against the time domain that differs by no
 * more than the stop band lets through.
 *
 * Eight blocks go through at once: two as the real and imaginary parts of a complex signal, as the filter is real,
 * and four of those in the lanes of a vector. The gains are folded into the last forward pass, which computes
 * wanted bins only.
 */
import { isSmooth } from './fft.ts';
import { binGains, BLOCK_PER_GUARD, BLOCKS, ELEMENT, stage, workPlaces } from './resample-blocks.ts';
import type { LowPass } from './resample-filter.ts';
import { LaneFft } from './simd/lane-fft.ts';
import { memory, type Memory } from './simd/runtime.ts';

/** Ratios of larger terms would need blocks longer than most clips. */
const LARGEST_TERM = 2048;

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
  const weights = pickingWeights(binGains(filter, inputs, bins), inputs, last);
  const kept = groups - 2 * guard;
  const [hopIn, hopOut] = [kept * M, kept * L];
  const staged = (BLOCKS - 1) * hopIn + inputs;
  // Each block's outputs begin at a whole vector.
  const room = 4 * Math.ceil(hopOut / 4) + 4;
  const identity = {};

  const lay = (own: Memory): Places => {
    own.reset(identity);
    const places = { input: own.alloc(staged * 4), output: own.alloc(BLOCKS * room * 4) };
    const work = workPlaces(own, Math.max(inputs, outputs) * ELEMENT);
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

/**
 * The factor of the pass that picks bins: as large as the rate falls, so that no bin it computes is dropped; 1 for
 * a pass that only weighs.
 */
function lastFactor(length: number, fall: number): number {
  return [5, 4, 3, 2].find((factor) => factor <= fall && length % factor === 0) ?? 1;
}

/**
 * For each wanted bin k, from 0 up and then from below 0 up to -1: its gain, then its gain times
 * exp(-2 pi i k p / n) for p from 1 to below `last`.
 */
function pickingWeights(gains: Float64Array, n: number, last: number): Float32Array {
  const bins = gains.length;
  const weights = new Float32Array((2 * bins - 1) * (2 * last - 1));
  let at = 0;
  for (const k of [...Array(bins).keys(), ...Array.from({ length: bins - 1 }, (_, i) => i + 1 - bins)]) {
    const weight = gains[Math.abs(k)]!;
    weights[at++] = weight;
    for (let p = 1; p < last; p++) {
      const angle = (-2 * Math.PI * ((k * p) % n)) / n;
      weights[at++] = weight * Math.cos(angle);
      weights[at++] = weight * Math.sin(angle);
    }
  }
  return weights;
}
