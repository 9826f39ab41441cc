/** What the transforms in place need to know of a length, in either precision. */
import { planCache } from '../plans.ts';
import { VALUE } from './in-place.ts';

const SHORTEST = 512;
const LONGEST = 4096;

export interface InPlacePlan {
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
}

/** The plan for real frames of length n, or null if the kernels do not take it. */
export const inPlacePlan = planCache((n: number): InPlacePlan | null => {
  if (n < SHORTEST || n > LONGEST || !Number.isInteger(Math.log2(n))) return null;
  const half = n / 2;
  const leaf = Math.log2(half) % 2 === 0 ? 4 : 8;
  const twiddles: number[] = [];
  for (let length = half; length > leaf; length /= 4) {
    for (let p = 0; p < length / 4; p++) {
      for (let j = 1; j < 4; j++) {
        const angle = (-2 * Math.PI * p * j) / length;
        twiddles.push(Math.cos(angle), Math.sin(angle));
      }
    }
  }
  /** Where a pass after a pass of four leaves bin k. */
  const place = (k: number, length: number): number =>
    length === leaf ? k : (k % 4) * (length / 4) + place(Math.floor(k / 4), length / 4);
  const order: number[] = [];
  const roots: number[] = [];
  for (let k = 0; k <= half / 2; k++) {
    order.push(place(k, half) * VALUE, place((half - k) % half, half) * VALUE);
    roots.push(Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n));
  }
  return {
    twiddles: Float64Array.from(twiddles),
    firstTwiddles: (half / 4) * 6,
    leaf,
    order: Int32Array.from(order),
    places: Int32Array.from({ length: half }, (_, k) => place(k, half) * VALUE),
    roots: Float64Array.from(roots),
  };
});
