/** Quantiles with linear interpolation between order statistics (numpy's default, type 7 of Hyndman and Fan, 1996). */

/**
 * The `q` quantile of values sorted in increasing order; NaN if there are none.
 *
 * @param q in [0, 1]
 */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return NaN;
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}
