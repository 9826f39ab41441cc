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
 * With whole weights (bootstrap counts) the sums of the gini criterion are exact integers.
 */

/** What a scan needs to know of the node, all arrays by row except `totals`. */
export interface NodeView {
  /** Class index of each row of the forest's matrix. */
  classOf: Int32Array;
  /** Weight of each row in this tree. */
  weightOf: Float64Array;
  /** `[classes]`: summed weights of the node. */
  totals: Float64Array;
  /** Sum of `totals`. */
  weight: number;
  /** {@link Criterion.basis} of `totals`. */
  basis: number;
}

export interface Criterion {
  /** Purity of both sides of the best split found by the last {@link scan}. */
  score: number;
  /** The score of a split that leaves both sides with one class each, times this node's weight. */
  readonly perfect: number;
  /** What a scan starts from, once per node: the part of its sums that depends on the totals only. */
  basis(totals: Float64Array): number;
  /** Purity of one side from its class weights and their sum. */
  purity(weights: Float64Array, sum: number): number;
  /**
   * Finds the best place to split rows in sorted order.
   *
   * @param sorted the node's rows in ascending order, `n` of them
   * @param allowed nonzero at `i` if a split may come right after `sorted[i]`
   * @param first, last splits come after `sorted[first..last]`, inclusive
   * @returns the index of the last row on the left, or -1 if no split is allowed; see {@link score}
   */
  scan(node: NodeView, sorted: Uint32Array, allowed: Uint8Array, first: number, last: number): number;
}

export class Gini implements Criterion {
  score = -Infinity;
  readonly perfect = 1;
  readonly #left: Float64Array;

  constructor(classes: number) {
    this.#left = new Float64Array(classes);
  }

  basis(totals: Float64Array): number {
    let squares = 0;
    for (let k = 0; k < totals.length; k++) squares += totals[k]! * totals[k]!;
    return squares;
  }

  purity(weights: Float64Array, sum: number): number {
    return sum > 0 ? this.basis(weights) / sum : 0;
  }

  scan(node: NodeView, sorted: Uint32Array, allowed: Uint8Array, first: number, last: number): number {
    const { classOf, weightOf, totals, weight, basis } = node;
    const left = this.#left;
    for (let k = 0; k < left.length; k++) left[k] = 0;
    let leftWeight = 0;
    let leftSquares = 0;
    let cross = 0; // sum of left * total: (total - left)^2 sums to basis - 2 cross + leftSquares
    let best = -1;
    let bestScore = -Infinity;
    for (let i = 0; i <= last; i++) {
      const row = sorted[i]!;
      const k = classOf[row]!;
      const w = weightOf[row]!;
      const before = left[k]!;
      left[k] = before + w;
      leftSquares += w * (before + before + w);
      cross += w * totals[k]!;
      leftWeight += w;
      if (i < first || allowed[i] === 0) continue;
      const rightWeight = weight - leftWeight;
      const rightSquares = basis - cross - cross + leftSquares;
      const product = leftWeight * rightWeight;
      const scaled = leftSquares * rightWeight + rightSquares * leftWeight;
      // Dividing only where it counts: most places are not the best so far.
      if (scaled > bestScore * product) {
        bestScore = scaled / product;
        best = i;
      }
    }
    this.score = bestScore;
    return best;
  }
}

/** Up to this sum of whole weights, x log2 x comes from a table. */
const TABLE_LIMIT = 1 << 20;

export class Entropy implements Criterion {
  score = -Infinity;
  readonly perfect = 0;
  readonly #left: Float64Array;
  readonly #table: Float64Array | undefined;

  /** @param greatest the greatest sum of weights, if all weights are whole numbers; else undefined */
  constructor(classes: number, greatest: number | undefined) {
    this.#left = new Float64Array(classes);
    if (greatest !== undefined && greatest <= TABLE_LIMIT) {
      this.#table = Float64Array.from({ length: greatest + 1 }, (_, x) => xlogx(x));
    }
  }

  basis(totals: Float64Array): number {
    let sum = 0;
    for (let k = 0; k < totals.length; k++) sum += xlogx(totals[k]!);
    return sum;
  }

  purity(weights: Float64Array, sum: number): number {
    return this.basis(weights) - xlogx(sum);
  }

  scan(node: NodeView, sorted: Uint32Array, allowed: Uint8Array, first: number, last: number): number {
    const { classOf, weightOf, totals, weight, basis } = node;
    const table = this.#table;
    const left = this.#left;
    for (let k = 0; k < left.length; k++) left[k] = 0;
    let leftWeight = 0;
    let both = basis; // sum over classes of f(left) + f(right), f(x) = x log2 x
    let best = -1;
    let bestScore = -Infinity;
    for (let i = 0; i <= last; i++) {
      const row = sorted[i]!;
      const k = classOf[row]!;
      const w = weightOf[row]!;
      const before = left[k]!;
      const after = before + w;
      const total = totals[k]!;
      left[k] = after;
      leftWeight += w;
      if (table === undefined) {
        both += xlogx(after) - xlogx(before) + xlogx(total - after) - xlogx(total - before);
      } else {
        both += table[after]! - table[before]! + table[total - after]! - table[total - before]!;
      }
      if (i < first || allowed[i] === 0) continue;
      const rightWeight = weight - leftWeight;
      const score =
        table === undefined
          ? both - xlogx(leftWeight) - xlogx(rightWeight)
          : both - table[leftWeight]! - table[rightWeight]!;
      if (score > bestScore) {
        bestScore = score;
        best = i;
      }
    }
    this.score = bestScore;
    return best;
  }
}

/** x log2 x, and 0 where rounding left nothing. */
function xlogx(x: number): number {
  return x > 0 ? x * Math.log2(x) : 0;
}
