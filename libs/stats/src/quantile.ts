/** Quantiles with linear interpolation between order statistics (numpy's default, type 7 of Hyndman and Fan, 1996). */

/** The ranks among `count` values, in increasing order, that {@link quantileOfSorted} reads for these quantiles. */
export function ranksOfQuantiles(quantiles: readonly number[], count: number): number[] {
  const ranks = quantiles.flatMap((q) => {
    const below = Math.floor(q * (count - 1));
    return [below, Math.min(below + 1, count - 1)];
  });
  return [...new Set(ranks)].sort((a, b) => a - b);
}

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
