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
}

export interface Criterion {
  /** Purity of both sides of the best split found by the last {@link scan}. */
  score: number;
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
  readonly #left: Float64Array;

  constructor(classes: number) {
    this.#left = new Float64Array(classes);
  }

  purity(weights: Float64Array, sum: number): number {
    let squares = 0;
    for (const weight of weights) squares += weight * weight;
    return sum > 0 ? squares / sum : 0;
  }

  scan(node: NodeView, sorted: Uint32Array, allowed: Uint8Array, first: number, last: number): number {
    const { classOf, weightOf, totals, weight } = node;
    const left = this.#left.fill(0);
    let allSquares = 0;
    for (const total of totals) allSquares += total * total;
    let leftWeight = 0;
    let leftSquares = 0;
    let cross = 0; // sum of left * total: (total - left)^2 sums to allSquares - 2 cross + leftSquares
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
      const rightSquares = allSquares - cross - cross + leftSquares;
      const score = (leftSquares * rightWeight + rightSquares * leftWeight) / (leftWeight * rightWeight);
      if (score > bestScore) {
        bestScore = score;
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
  readonly #left: Float64Array;
  readonly #table: Float64Array | undefined;

  /** @param greatest the greatest sum of weights, if all weights are whole numbers; else undefined */
  constructor(classes: number, greatest: number | undefined) {
    this.#left = new Float64Array(classes);
    if (greatest !== undefined && greatest <= TABLE_LIMIT) {
      this.#table = Float64Array.from({ length: greatest + 1 }, (_, x) => xlogx(x));
    }
  }

  purity(weights: Float64Array, sum: number): number {
    let result = -xlogx(sum);
    for (const weight of weights) result += xlogx(weight);
    return result;
  }

  scan(node: NodeView, sorted: Uint32Array, allowed: Uint8Array, first: number, last: number): number {
    const { classOf, weightOf, totals, weight } = node;
    const table = this.#table;
    const left = this.#left.fill(0);
    let leftWeight = 0;
    let both = 0; // sum over classes of f(left) + f(right), f(x) = x log2 x
    for (const total of totals) both += xlogx(total);
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
