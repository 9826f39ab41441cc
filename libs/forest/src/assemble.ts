/** Joins trees, in order, into one forest, with its importances and out-of-bag predictions. */
import type { FittedForest, OutOfBag } from './forest.ts';
import type { TrainingData, Tree } from './grow.ts';

export class ForestAssembler {
  readonly #data: TrainingData;
  readonly #trees: Tree[] = [];
  #nodes = 0;
  #mixed = 0;
  readonly #importances: Float64Array;
  readonly #oobSums: Float64Array;
  readonly #oobTrees: Uint32Array;

  constructor(data: TrainingData) {
    this.#data = data;
    const { rows, cols } = data.sorted;
    const oobRows = data.params.oob ? rows : 0;
    this.#importances = new Float64Array(cols);
    this.#oobSums = new Float64Array(oobRows * data.classes);
    this.#oobTrees = new Uint32Array(oobRows);
  }

  /** Trees added so far. */
  get trees(): number {
    return this.#trees.length;
  }

  add(tree: Tree): void {
    this.#addDecrease(tree);
    this.#addOutOfBag(tree);
    this.#trees.push({ ...tree, decrease: new Float64Array(0), outOfBag: new Int32Array(0) });
    this.#nodes += tree.feature.length;
    this.#mixed += tree.mixed.length;
  }

  finish(): FittedForest {
    const { classes, sorted } = this.#data;
    const roots = new Uint32Array(this.#trees.length + 1);
    const feature = new Int32Array(this.#nodes);
    const threshold = new Float32Array(this.#nodes);
    const child = new Uint32Array(this.#nodes);
    const distribution = new Float32Array(classes * classes + this.#mixed);
    for (let k = 0; k < classes; k++) distribution[k * classes + k] = 1;
    let nodes = 0;
    let rows = classes;
    for (const [index, tree] of this.#trees.entries()) {
      feature.set(tree.feature, nodes);
      threshold.set(tree.threshold, nodes);
      for (let i = 0; i < tree.child.length; i++) {
        const link = tree.child[i]!;
        if (tree.feature[i]! >= 0) child[nodes + i] = nodes + link;
        else if (link < classes) child[nodes + i] = link;
        else {
          // Renumbered in the order of nodes, which a model file keeps; trees number them as they grow.
          const from = (link - classes) * classes;
          distribution.set(tree.mixed.subarray(from, from + classes), rows * classes);
          child[nodes + i] = rows++;
        }
      }
      nodes += tree.feature.length;
      roots[index + 1] = nodes;
    }
    return {
      classes,
      cols: sorted.cols,
      roots,
      feature,
      threshold,
      child,
      distribution,
      feature_importances: normalized(this.#importances),
      ...(this.#data.params.oob ? { oob: this.#outOfBag() } : {}),
    };
  }

  /** Each tree with a split counts the same, whatever its total decrease. */
  #addDecrease({ decrease }: Tree): void {
    const ofTree = normalized(decrease);
    for (let col = 0; col < ofTree.length; col++) this.#importances[col]! += ofTree[col]!;
  }

  #addOutOfBag({ outOfBag, mixed }: Tree): void {
    const { classes } = this.#data;
    for (let row = 0; row < outOfBag.length; row++) {
      const leaf = outOfBag[row]!;
      if (leaf < 0) continue;
      this.#oobTrees[row]!++;
      const to = row * classes;
      if (leaf < classes) this.#oobSums[to + leaf]!++;
      else for (let k = 0; k < classes; k++) this.#oobSums[to + k]! += mixed[(leaf - classes) * classes + k]!;
    }
  }

  #outOfBag(): OutOfBag {
    const { classes, y } = this.#data;
    const decision = this.#oobSums;
    let seen = 0;
    let right = 0;
    for (let row = 0; row < y.length; row++) {
      const trees = this.#oobTrees[row]!;
      let best = 0;
      for (let k = 0; k < classes; k++) {
        decision[row * classes + k]! /= trees;
        if (decision[row * classes + k]! > decision[row * classes + best]!) best = k;
      }
      if (trees === 0) continue;
      seen++;
      if (best === y[row]) right++;
    }
    return { score: right / seen, decision_function: decision, trees: this.#oobTrees };
  }
}

/** `values` over their sum; all 0 if the sum is. */
function normalized(values: Float64Array): Float64Array {
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((value) => (sum > 0 ? value / sum : 0));
}
