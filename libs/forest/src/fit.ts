/**
 * Fits a random forest (Breiman, "Random forests", 2001) or extremely randomized trees (Geurts, Ernst and
 * Wehenkel, 2006) for classification.
 *
 * Every split is exact, the best of all midpoints between neighbouring values, on large nodes too: sorting
 * whole-number positions (see `node-order.ts`) costs less than a histogram would save.
 *
 * Memory while fitting, shared by all threads: 6 bytes per matrix element (8 beyond 65,536 rows) besides
 * the caller's matrix; per thread about 90 bytes per row; plus the forest itself.
 */
import { DataError, mapSharded, RequestError } from '@prosodia/core';
import { ForestAssembler } from './assemble.ts';
import { checkLabels, checkMatrix, checkWeights } from './check.ts';
import type { FittedForest } from './forest.ts';
import { scratchBytes, type TrainingData, type Tree } from './grow.ts';
import { resolveParams, type ForestParams, type ResolvedParams } from './params.ts';
import { presort, presortBytes } from './presort.ts';
import { shareMemory } from './shared-memory.ts';
import type { TreeRange } from './trees-worker.ts';
import { withTurns } from './turns.ts';
import { rowWeights } from './weights.ts';

/** Labelled rows, the forest's parameters, and how to run. */
export interface FitOptions extends ForestParams {
  /** `[rows, cols]`, row-major, all finite. */
  x: Float32Array;
  rows: number;
  cols: number;
  /** `[rows]`: class indices in `[0, classes)`. */
  y: Int32Array;
  classes: number;
  /** `[rows]`: finite, >= 0, not all 0; rows of weight 0 are not seen. Default: all 1. */
  sample_weight?: ArrayLike<number>;
  /** Worker threads at most; the forest does not depend on it. Default 1: this thread. */
  threads?: number;
  signal?: AbortSignal;
  /** Called now and then with the number of trees grown so far, in ascending order, last with all. */
  onProgress?: (treesDone: number) => void;
}

/** Trees a thread grows between two messages: few enough to cancel promptly, many enough to be cheap. */
const TREES_PER_MESSAGE = 5;

/**
 * Fits a forest. The same data, parameters and seed give the same bytes for any number of threads.
 *
 * Two differences from scikit-learn: missing values are refused instead of being sent to a side, and
 * values that differ at all are different (scikit-learn takes values within 1e-7 of each other as equal).
 *
 * @throws RequestError on a bad parameter; DataError on bad data: wrong shapes, values that are not
 *   finite, labels out of range, no rows, or rows of one class only; CancelledError on `signal`
 */
export async function fitForest(options: FitOptions): Promise<FittedForest> {
  const { x, rows, cols, y, classes, sample_weight, threads = 1, signal, onProgress } = options;
  if (!(Number.isInteger(threads) && threads >= 1)) {
    throw new RequestError({ problem: 'threads is wrong', expected: 'a whole number >= 1', got: String(threads) });
  }
  checkTraining(x, rows, cols, y, classes, sample_weight);
  const params = resolveParams(options, rows, cols, classes);
  const used = Math.min(threads, Math.ceil(params.trees / TREES_PER_MESSAGE));
  const data = trainingData(options, params, used);
  const assembler = new ForestAssembler(data);
  const batches = mapSharded<TrainingData, TreeRange, Tree[]>(withTurns(ranges(params.trees)), {
    worker: new URL('./trees-worker.ts', import.meta.url),
    setup: data,
    threads: used,
    ...(signal ? { signal } : {}),
  });
  for await (const trees of batches) {
    for (const tree of trees) assembler.add(tree);
    onProgress?.(assembler.trees);
  }
  return assembler.finish();
}

function trainingData(options: FitOptions, params: ResolvedParams, threads: number): TrainingData {
  const { x, rows, cols, y, classes, sample_weight } = options;
  const sharedY = new Int32Array(new SharedArrayBuffer(4 * rows));
  sharedY.set(y);
  const weights = rowWeights(y, classes, sample_weight, params.classWeight, params.draws > 0);
  if (weights?.every((weight) => weight === 0)) {
    throw new DataError({
      problem: 'every row has weight 0',
      expected: 'a positive product of sample_weight and class_weight for some row',
    });
  }
  const { common, parts } = shareMemory(presortBytes(rows, cols), scratchBytes(rows, classes), threads);
  return { sorted: presort(x, rows, cols, common), scratch: parts, classes, y: sharedY, weights, params };
}

function* ranges(trees: number): Generator<TreeRange> {
  for (let from = 0; from < trees; from += TREES_PER_MESSAGE) {
    yield { from, to: Math.min(from + TREES_PER_MESSAGE, trees) };
  }
}

function checkTraining(
  x: Float32Array,
  rows: number,
  cols: number,
  y: Int32Array,
  classes: number,
  sampleWeight: ArrayLike<number> | undefined,
): void {
  if (!(Number.isInteger(classes) && classes >= 2)) {
    throw new DataError({ problem: 'a classifier needs at least two classes', got: `classes = ${classes}` });
  }
  checkMatrix(x, rows, cols);
  if (rows === 0) throw new DataError({ problem: 'there are no rows to fit a forest on' });
  checkLabels(y, rows, classes);
  if (y.every((label) => label === y[0])) {
    throw new DataError({
      problem: 'all rows have the same class',
      expected: 'rows of at least two classes',
      got: `${rows} ${rows === 1 ? 'row' : 'rows'} of class ${y[0]}`,
    });
  }
  if (sampleWeight !== undefined) checkWeights(sampleWeight, rows);
}
