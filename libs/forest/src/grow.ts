/**
 * Grows one tree: depth first, exact splits, no allocation while nodes are split.
 *
 * A node is a range of `members`; splitting it partitions that range in place. Candidate columns come
 * from a partial Fisher-Yates shuffle, in which columns constant within a node count as drawn but do not
 * end the search, and stay known as constant below it: the sampling scheme of scikit-learn, so that the
 * trees have the same distribution.
 *
 * Memory per thread: about 90 bytes per row.
 */
import { Rng } from '@prosodia/core';
import { nodeView, type ColumnScan, type NodeView } from './column-scan.ts';
import { entropy, gini, type Criterion } from './criterion.ts';
import { EntropyScan } from './entropy-scan.ts';
import { GiniScan, giniScanBytes } from './gini-scan.ts';
import type { ResolvedParams } from './params.ts';
import type { Presorted } from './presort.ts';
import { bytesFor, claimPart, type Parts } from './shared-memory.ts';
import { floatBelow, midpoint } from './threshold.ts';
import { balancedWeights, below, uniformBootstrap, weightedBootstrap, type Bootstrap } from './weights.ts';

/** What all trees of a forest share. Structured-cloneable; the large arrays are shared, not copied. */
export interface TrainingData {
  sorted: Presorted;
  /** Memory to work in, one part per thread. */
  scratch: Parts;
  classes: number;
  /** `[rows]` class indices. */
  y: Int32Array<SharedArrayBuffer>;
  /** `[rows]`, or undefined if every row weighs 1. */
  weights: Float64Array<SharedArrayBuffer> | undefined;
  params: ResolvedParams;
}

/** Bytes of shared memory that a thread works in. */
export function scratchBytes(rows: number, classes: number): number {
  return bytesFor(4 * rows, 8 * classes, giniScanBytes(rows, classes));
}

/** One tree; node 0 is the root. See {@link Forest} for the meaning of the first four. */
export interface Tree {
  feature: Int32Array;
  threshold: Float32Array;
  /** Relative to this tree's root; for leaves, rows of the distribution table. */
  child: Uint32Array;
  /** Rows `classes`, `classes + 1`, ... of the distribution table. */
  mixed: Float32Array;
  /** `[cols]`: summed decrease of weighted impurity; not normalized. */
  decrease: Float64Array;
  /** `[rows]`: for rows the tree did not see, their leaf's row of the distribution table; else -1. Or empty. */
  outOfBag: Int32Array;
}

/** Fields of a node that waits to be split. */
const NODE = 0;
const START = 1;
const END = 2;
const DEPTH = 3;
const CONSTANTS = 4;
const PENDING_FIELDS = 5;

export class TreeGrower {
  readonly #data: TrainingData;
  readonly #bootstrap: Bootstrap | undefined;
  readonly #criterion: Criterion;
  readonly #scan: ColumnScan;
  readonly #node: NodeView;
  readonly #counts: Float64Array;
  readonly #pending: Int32Array;
  readonly #columns: Uint32Array;
  readonly #leftTotals: Float64Array;
  readonly #rightTotals: Float64Array;
  readonly #decrease: Float64Array;
  #mixed: number[] = [];

  // The tree being grown.
  readonly #feature: Int32Array;
  readonly #threshold: Float32Array;
  readonly #child: Uint32Array;

  // The best split of the node at hand.
  #bestColumn = -1;
  #bestLastLeft = 0;
  #bestThreshold = 0;
  #bestScore = 0;
  #constants = 0;

  constructor(data: TrainingData) {
    const { sorted, classes, params, weights } = data;
    const { rows, cols } = sorted;
    this.#data = data;
    if (params.draws > 0) {
      this.#bootstrap =
        params.drawByWeight && weights ? weightedBootstrap(params.draws, weights) : uniformBootstrap(params.draws);
    }
    const arena = claimPart(data.scratch);
    this.#node = nodeView(arena, data.y, classes);
    if (params.criterion === 'gini') {
      this.#criterion = gini;
      this.#scan = new GiniScan(sorted, this.#node, arena);
    } else {
      const whole = weights === undefined || params.drawByWeight;
      const perTree = params.draws > 0 && params.classWeight === 'balanced_subsample';
      const greatest = whole && !perTree ? Math.max(params.draws, rows) : undefined;
      this.#criterion = entropy;
      this.#scan = new EntropyScan(sorted, this.#node, greatest);
    }
    this.#counts = new Float64Array(rows);
    this.#pending = new Int32Array(PENDING_FIELDS * (rows + 1));
    this.#columns = new Uint32Array(cols);
    this.#leftTotals = new Float64Array(classes);
    this.#rightTotals = new Float64Array(classes);
    this.#decrease = new Float64Array(cols);
    const nodes = 2 * rows - 1;
    this.#feature = new Int32Array(nodes);
    this.#threshold = new Float32Array(nodes);
    this.#child = new Uint32Array(nodes);
  }

  /** Grows tree `index`; the same tree whatever was grown before it and on whichever thread. */
  grow(index: number): Tree {
    const { params } = this.#data;
    const rng = new Rng(params.seed, 'tree', index);
    const memberCount = this.#drawMembers(rng.fork('bootstrap'));
    const columnRng = rng.fork('columns');
    for (let col = 0; col < this.#columns.length; col++) this.#columns[col] = col;
    this.#decrease.fill(0);
    this.#mixed = [];
    const pending = this.#pending;
    pending.set([0, 0, memberCount, 0, 0]);
    let waiting = 1;
    let nodes = 1;
    let rootWeight = 0;
    while (waiting > 0) {
      const top = --waiting * PENDING_FIELDS;
      const node = pending[top + NODE]!;
      const start = pending[top + START]!;
      const end = pending[top + END]!;
      const depth = pending[top + DEPTH]!;
      const pure = this.#weighNode(start, end);
      if (node === 0) rootWeight = this.#node.weight;
      const splittable = !pure && depth < params.maxDepth && end - start >= params.minSplit;
      if (!splittable || !this.#split(start, end, pending[top + CONSTANTS]!, columnRng, rootWeight)) {
        this.#feature[node] = -1;
        this.#threshold[node] = 0;
        this.#child[node] = this.#leafDistribution();
        continue;
      }
      const middle = this.#partition(start, end);
      this.#feature[node] = this.#bestColumn;
      this.#threshold[node] = this.#bestThreshold;
      this.#child[node] = nodes;
      this.#pend(waiting++, nodes + 1, middle, end, depth + 1);
      this.#pend(waiting++, nodes, start, middle, depth + 1);
      nodes += 2;
    }
    return {
      feature: this.#feature.slice(0, nodes),
      threshold: this.#threshold.slice(0, nodes),
      child: this.#child.slice(0, nodes),
      mixed: Float32Array.from(this.#mixed),
      decrease: this.#decrease.slice(),
      outOfBag: params.oob ? this.#outOfBag() : new Int32Array(0),
    };
  }

  /** Fills `counts`, `weightOf` and `members`; returns the number of members. */
  #drawMembers(rng: Rng): number {
    const { y, classes, weights, params } = this.#data;
    const { weightOf, members } = this.#node;
    const counts = this.#counts;
    let n = 0;
    do {
      // Another draw only if all rows drawn weigh nothing.
      if (this.#bootstrap) this.#bootstrap(rng, counts.fill(0));
      else counts.fill(1);
      const ofClass =
        this.#bootstrap && params.classWeight === 'balanced_subsample'
          ? balancedWeights(y, classes, counts)
          : undefined;
      for (let row = 0; row < counts.length; row++) {
        let weight = counts[row]!;
        if (weights !== undefined && !params.drawByWeight) weight *= weights[row]!;
        if (ofClass !== undefined) weight *= ofClass[y[row]!]!;
        weightOf[row] = weight;
        if (weight > 0) members[n++] = row;
      }
    } while (n === 0);
    this.#scan.beginTree();
    return n;
  }

  #pend(slot: number, node: number, start: number, end: number, depth: number): void {
    const at = slot * PENDING_FIELDS;
    this.#pending[at + NODE] = node;
    this.#pending[at + START] = start;
    this.#pending[at + END] = end;
    this.#pending[at + DEPTH] = depth;
    this.#pending[at + CONSTANTS] = this.#constants;
  }

  /** Sums the node's class weights; true if it holds one class only. */
  #weighNode(start: number, end: number): boolean {
    const { members, classOf, weightOf, totals } = this.#node;
    totals.fill(0);
    for (let i = start; i < end; i++) {
      const row = members[i]!;
      totals[classOf[row]!]! += weightOf[row]!;
    }
    let sum = 0;
    let present = 0;
    for (let k = 0; k < totals.length; k++) {
      sum += totals[k]!;
      if (totals[k]! > 0) present++;
    }
    this.#node.weight = sum;
    this.#node.basis = this.#criterion.basis(totals);
    this.#scan.beginNode();
    return present <= 1;
  }

  /** Row of the distribution table for a leaf with the current totals; mixed leaves get a row of their own. */
  #leafDistribution(): number {
    const { totals, weight } = this.#node;
    const pure = totals.findIndex((total) => Math.fround(total / weight) === 1);
    if (pure >= 0) return pure;
    const row = totals.length + this.#mixed.length / totals.length;
    for (const total of totals) this.#mixed.push(total / weight);
    return row;
  }

  /** Finds the best split of a node over randomly drawn columns; false if there is none worth making. */
  #split(start: number, end: number, known: number, rng: Rng, rootWeight: number): boolean {
    const columns = this.#columns;
    const { candidates, extraTrees, minDecrease } = this.#data.params;
    this.#bestColumn = -1;
    this.#bestScore = -Infinity;
    const { weight } = this.#node;
    const perfect = weight * this.#criterion.perfect - 1e-12 * weight; // Within rounding.
    // columns: [0, known) constant since an ancestor; [known, known + found) found constant here;
    // then those not drawn yet, up to `undrawn`; then those tried.
    let undrawn = columns.length;
    let found = 0;
    let drawnKnown = 0;
    let drawn = 0;
    while (undrawn > known + found && (drawn < candidates || drawn === found + drawnKnown)) {
      drawn++;
      const draw = drawnKnown + below(rng, undrawn - found - drawnKnown);
      if (draw < known) {
        drawnKnown++; // Which of them does not matter.
        continue;
      }
      const at = draw + found;
      const column = columns[at]!;
      const constant = extraTrees ? !this.#tryRandom(column, start, end, rng) : !this.#tryBest(column, start, end);
      if (constant) {
        columns[at] = columns[known + found]!;
        columns[known + found] = column;
        found++;
      } else {
        undrawn--;
        columns[at] = columns[undrawn]!;
        columns[undrawn] = column;
        // Nothing beats a perfect split, and the columns not drawn would matter to no node below: all are leaves.
        if (this.#bestScore >= perfect) break;
      }
    }
    this.#constants = known + found;
    if (this.#bestColumn < 0) return false;
    const decrease = this.#bestScore - this.#criterion.purity(this.#node.totals, this.#node.weight);
    if (decrease / rootWeight + Number.EPSILON < minDecrease) return false;
    this.#decrease[this.#bestColumn]! += decrease;
    return true;
  }

  /** Tries every split of a column; false if the column is constant in the node. */
  #tryBest(column: number, start: number, end: number): boolean {
    const { sorted, params } = this.#data;
    const scan = this.#scan;
    const found = scan.scan(column, start, end, params.minLeaf);
    if (found === 'found' && scan.score > this.#bestScore) {
      const base = column * sorted.rows;
      this.#bestScore = scan.score;
      this.#bestColumn = column;
      this.#bestLastLeft = scan.lastLeft;
      this.#bestThreshold = midpoint(sorted.values[base + scan.lastLeft]!, sorted.values[base + scan.firstRight]!);
    }
    return found !== 'constant';
  }

  /** Tries one threshold, drawn between a column's extremes in the node; false if it is constant there. */
  #tryRandom(column: number, start: number, end: number, rng: Rng): boolean {
    const { sorted, params, y } = this.#data;
    const { positions, values, rows } = sorted;
    const base = column * rows;
    const { members } = this.#node;
    let lowest = rows;
    let highest = 0;
    for (let i = start; i < end; i++) {
      const position = positions[base + members[i]!]!;
      if (position < lowest) lowest = position;
      if (position > highest) highest = position;
    }
    const low = values[base + lowest]!;
    const high = values[base + highest]!;
    if (low === high) return false;
    const drawn = floatBelow(rng.uniform(low, high));
    const threshold = drawn < high ? Math.max(drawn, low) : low;
    while (lowest < highest) {
      const middle = (lowest + highest + 1) >>> 1;
      if (values[base + middle]! <= threshold) lowest = middle;
      else highest = middle - 1;
    }
    const lastLeft = lowest;
    const { totals, weightOf, weight } = this.#node;
    const left = this.#leftTotals.fill(0);
    let leftRows = 0;
    let leftWeight = 0;
    for (let i = start; i < end; i++) {
      const row = members[i]!;
      if (positions[base + row]! > lastLeft) continue;
      left[y[row]!]! += weightOf[row]!;
      leftWeight += weightOf[row]!;
      leftRows++;
    }
    if (leftRows < params.minLeaf || end - start - leftRows < params.minLeaf) return true;
    const right = this.#rightTotals;
    for (let k = 0; k < right.length; k++) right[k] = totals[k]! - left[k]!;
    const score = this.#criterion.purity(left, leftWeight) + this.#criterion.purity(right, weight - leftWeight);
    if (score > this.#bestScore) {
      this.#bestScore = score;
      this.#bestColumn = column;
      this.#bestLastLeft = lastLeft;
      this.#bestThreshold = threshold;
    }
    return true;
  }

  /** Moves the node's rows that go left to the front; returns where the right ones begin. */
  #partition(start: number, end: number): number {
    const { positions, rows } = this.#data.sorted;
    const base = this.#bestColumn * rows;
    const lastLeft = this.#bestLastLeft;
    const { members } = this.#node;
    let left = start;
    let right = end;
    while (left < right) {
      const row = members[left]!;
      if (positions[base + row]! <= lastLeft) left++;
      else {
        right--;
        members[left] = members[right]!;
        members[right] = row;
      }
    }
    return left;
  }

  /** Sends the rows that were not drawn down the tree just grown. */
  #outOfBag(): Int32Array {
    const { positions, values, rows } = this.#data.sorted;
    const leaves = new Int32Array(rows).fill(-1);
    for (let row = 0; row < rows; row++) {
      if (this.#counts[row]! > 0) continue;
      let node = 0;
      for (let column = this.#feature[0]!; column >= 0; column = this.#feature[node]!) {
        // By value: the row may lie between the two rows that the threshold was put in the middle of.
        const base = column * rows;
        const value = values[base + positions[base + row]!]!;
        node = this.#child[node]! + (value <= this.#threshold[node]! ? 0 : 1);
      }
      leaves[row] = this.#child[node]!;
    }
    return leaves;
  }
}
