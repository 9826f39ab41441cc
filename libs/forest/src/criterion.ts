/**
 * Split criteria, as running sums: moving one row from right to left costs a few operations, whatever
 * the number of classes.
 *
 * A side with class weights `c_k` and sum `w` has a *purity*, chosen so that the decrease of weighted
 * impurity of a split is `purity(left) + purity(right) - purity(node)`:
 *
 * - gini:    w * (1 - sum (c_k / w)^2)        = w - (sum c_k^2) / w                  -> (sum c_k^2) / w
 * - entropy: -w * sum (c_k / w) log2(c_k / w) = w log2 w - sum c_k log2 c_k   -> sum c_k log2 c_k - w log2 w
 *
 * With whole weights (bootstrap counts) the sums of the gini criterion are exact integers. The scans over the places
 * of a split are in `gini-kernel.ts` and `entropy-scan.ts`.
 */

export interface Criterion {
  /** The score of a split that leaves both sides with one class each, times this node's weight. */
  readonly perfect: number;
  /** What a scan starts from, once per node: the part of its sums that depends on the totals only. */
  basis(totals: Float64Array): number;
  /** Purity of one side from its class weights and their sum. */
  purity(weights: Float64Array, sum: number): number;
}

export const gini: Criterion = {
  perfect: 1,
  basis(totals) {
    let squares = 0;
    for (let k = 0; k < totals.length; k++) squares += totals[k]! * totals[k]!;
    return squares;
  },
  purity: (weights, sum) => (sum > 0 ? gini.basis(weights) / sum : 0),
};

export const entropy: Criterion = {
  perfect: 0,
  basis(totals) {
    let sum = 0;
    for (let k = 0; k < totals.length; k++) sum += xlogx(totals[k]!);
    return sum;
  },
  purity: (weights, sum) => entropy.basis(weights) - xlogx(sum),
};

/** x log2 x, and 0 where rounding left nothing. */
export function xlogx(x: number): number {
  return x > 0 ? x * Math.log2(x) : 0;
}
