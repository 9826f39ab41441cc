/** What overlapping windows add up to, which the inverse transform divides by. */

/** Smallest normal float32: librosa does not divide by a sum of windows below it. */
const TINY = 2 ** -126;

/** Of the last window and hop asked for: a corpus is thousands of signals with one of each. */
let last: { window: Float64Array; hop: number; sums: Float64Array } | undefined;

/** Sums of squared windows `hop` apart, and 1 where nothing is summed up: n + hop * (frames - 1) values. */
function sumsOf(window: Float64Array, hop: number, frames: number): Float64Array {
  const n = window.length;
  const sums = new Float64Array(n + hop * (frames - 1));
  for (let row = 0; row < frames; row++) {
    for (let t = 0; t < n; t++) sums[row * hop + t]! += window[t]! * window[t]!;
  }
  for (let t = 0; t < sums.length; t++) if (sums[t]! <= TINY) sums[t] = 1;
  return sums;
}

export interface OverlapDivisors {
  /** Between this sample and {@link repeatsUntil} they repeat every hop. */
  readonly repeatsFrom: number;
  readonly repeatsUntil: number;
  /** Fills `out` with those from sample `start` on. */
  fill(out: Float32Array | Float64Array, start: number): void;
}

/**
 * Sums of squared windows `hop` apart, and 1 where nothing is summed up. Between the first and the last n samples they
 * repeat every hop, so a few frames tell all.
 *
 * @param window the same object at every call is summed up once
 */
export function overlapDivisors(window: Float64Array, hop: number, frames: number): OverlapDivisors {
  const n = window.length;
  const enough = Math.ceil(n / hop) + 1;
  const few = frames < enough;
  if (!few && (last?.window !== window || last.hop !== hop)) last = { window, hop, sums: sumsOf(window, hop, enough) };
  const sums = few ? sumsOf(window, hop, frames) : last!.sums;
  const repeatsFrom = few ? sums.length : Math.max(n, hop) - hop;
  const skipped = hop * (frames - (few ? frames : enough));
  const repeatsUntil = repeatsFrom + hop + skipped;
  return {
    repeatsFrom,
    repeatsUntil,
    fill(out, start) {
      const end = start + out.length;
      let t = start;
      for (; t < Math.min(end, repeatsFrom); t++) out[t - start] = sums[t]!;
      for (let phase = (t - repeatsFrom) % hop; t < Math.min(end, repeatsUntil); t++) {
        out[t - start] = sums[repeatsFrom + phase]!;
        if (++phase === hop) phase = 0;
      }
      for (; t < end; t++) out[t - start] = sums[t - skipped]!;
    },
  };
}
