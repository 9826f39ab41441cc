/** What overlapping windows add up to, which the inverse transform divides by. */

/** Smallest normal float32: librosa does not divide by a sum of windows below it. */
const TINY = 2 ** -126;

/**
 * Sums of squared windows `hop` apart, and 1 where nothing is summed up. Between the first and the last n samples they
 * repeat every hop, so a few frames tell all.
 *
 * @param out filled; n + hop * (frames - 1) values
 */
export function overlapDivisors<Numbers extends Float32Array | Float64Array>(
  window: Float64Array,
  hop: number,
  frames: number,
  out: Numbers,
): Numbers {
  const n = window.length;
  const enough = Math.min(frames, Math.ceil(n / hop) + 1);
  const few = new Float64Array(n + hop * (enough - 1));
  for (let row = 0; row < enough; row++) {
    for (let t = 0; t < n; t++) few[row * hop + t]! += window[t]! * window[t]!;
  }
  for (let t = 0; t < few.length; t++) if (few[t]! <= TINY) few[t] = 1;
  if (enough === frames) {
    out.set(few);
    return out;
  }
  const tail = out.length - n;
  out.set(few.subarray(0, Math.max(n, hop)));
  for (let t = Math.max(n, hop); t < tail; t += hop) out.copyWithin(t, t - hop, Math.min(t, tail - hop));
  out.set(few.subarray(few.length - n), tail);
  return out;
}
