/** What the transforms in place need to know of a length, in either precision. */
import { planCache } from '../plans.ts';
import { LENGTHS, VALUE, type Length } from './in-place.ts';

export interface InPlacePlan {
  readonly length: Length;
  /** Cosine and sine of three angles per butterfly, pass after pass but the last. */
  readonly twiddles: Float64Array;
  /** How many numbers of them are the first pass's. */
  readonly firstTwiddles: number;
  /** How many values the last pass takes at once. */
  readonly leaf: 4 | 8;
  /** Byte offsets of bins k and n / 2 - k in turn, for k from 0 to n / 4. */
  readonly order: Int32Array;
  /** Byte offsets of all bins. */
  readonly places: Int32Array;
  /** Cosine and sine of 2 pi k / n, for k from 0 to n / 4. */
  readonly roots: Float64Array;
  /**
   * For the powers: byte offsets of values k and n / 2 - k and of bin k, for k from 1 to n / 4, and the roots in the same
   * order. One in which values that share a line of the cache come soon after each other, and so do bins.
   */
  readonly tiles: Int32Array;
  readonly tileRoots: Float64Array;
}

/** The plan for real frames of length n, or null if the kernels do not take it. */
export const inPlacePlan = planCache((n: number): InPlacePlan | null => {
  const length = LENGTHS.find((known) => known === n);
  if (!length) return null;
  const half = n / 2;
  const leaf = Math.log2(half) % 2 === 0 ? 4 : 8;
  const twiddles: number[] = [];
  for (let size = half; size > leaf; size /= 4) {
    for (let p = 0; p < size / 4; p++) {
      for (let j = 1; j < 4; j++) {
        const angle = (-2 * Math.PI * p * j) / size;
        twiddles.push(Math.cos(angle), Math.sin(angle));
      }
    }
  }
  /** Where a pass after a pass of four leaves bin k. */
  const place = (k: number, size: number): number =>
    size === leaf ? k : (k % 4) * (size / 4) + place(Math.floor(k / 4), size / 4);
  const root = (k: number) => [Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n)];
  const ks = Array.from({ length: half / 2 + 1 }, (_, k) => k);
  // Values that differ in the last digit alone lie side by side, bins that differ in the first.
  const tile = (k: number) => Math.floor((k % (half / leaf)) / 4);
  const tiled = ks.slice(1).sort((a, b) => tile(a) - tile(b) || a - b);
  return {
    length,
    twiddles: Float64Array.from(twiddles),
    firstTwiddles: (half / 4) * 6,
    leaf,
    order: Int32Array.from(ks.flatMap((k) => [place(k, half) * VALUE, place((half - k) % half, half) * VALUE])),
    places: Int32Array.from({ length: half }, (_, k) => place(k, half) * VALUE),
    roots: Float64Array.from(ks.flatMap(root)),
    tiles: Int32Array.from(tiled.flatMap((k) => [place(k, half) * VALUE, place(half - k, half) * VALUE, k * 16])),
    tileRoots: Float64Array.from(tiled.flatMap(root)),
  };
});
