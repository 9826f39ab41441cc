/** What both ways of resampling in the frequency domain share: blocks, the memory they are worked on in, the filter's gains. */
import type { LowPass } from './resample-filter.ts';
import type { Memory } from './simd/runtime.ts';

/** A block is at least this many times as long as what the filter spoils at one of its ends. */
export const BLOCK_PER_GUARD = 8;
/** Blocks that go through at once. */
export const BLOCKS = 8;
/** Bytes of one complex number of four signals. */
export const ELEMENT = 32;

/** Two places of so many bytes for the passes of a transform. */
export function workPlaces(own: Memory, bytes: number): readonly [number, number] {
  // Half a page apart, so that a load never seems to touch what was just stored.
  const first = own.alloc(bytes);
  const second = own.alloc(bytes + 4096);
  return [first, second + ((first + 2048 - second) & 4095)];
}

/** `staging` := the samples from `start`, zeros where there are none. */
export function stage(staging: Float32Array, samples: Float32Array, start: number): void {
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

/** The filter's gain at bins 0 to below `bins`, of `n` per sample rate, over `n`: 1 (times that) at 0 Hz. */
export function binGains(filter: LowPass, n: number, bins: number): Float64Array {
  const scale = 1 / (filter.gain(0) * n);
  return Float64Array.from({ length: bins }, (_, k) => filter.gain(k / n) * scale);
}
