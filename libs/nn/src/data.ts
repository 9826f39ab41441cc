/** Rows for training: what they look like, and the checks that they fit the network. */
import { DataError, RequestError, Type } from '@prosodia/core';
import { describeShape, sizeOf, type Shape } from './graph.ts';
import { readOptions } from './options.ts';

export interface TrainingData {
  /** Features, row after row; a row is `inputShape` flattened, channels varying fastest. */
  readonly x: Float32Array;
  /** Class of each row, from 0. */
  readonly y: Int32Array;
  readonly rows: number;
  /** Weight of each row in the loss; default 1. */
  readonly sample_weight?: Float32Array | undefined;
}

/**
 * Rows that are too many to be held in memory: their labels are, their features are read block by block,
 * in another order each epoch.
 */
export interface RowStream {
  /** Class of each row, from 0, in the order of the blocks. */
  readonly y: Int32Array;
  readonly rows: number;
  /** Weight of each row in the loss; default 1. */
  readonly sample_weight?: Float32Array | undefined;
  /** Number of rows of each block. */
  readonly blocks: readonly number[];
  /** Rows held in memory to draw from at random; a block that is being read comes on top. */
  readonly shuffle_rows: number;
  /** Features of all rows of a block, as in {@link TrainingData.x}; the same whenever it is called. */
  read(block: number): Promise<Float32Array>;
}

export type TrainingRows = TrainingData | RowStream;

export function isStream(data: TrainingRows): data is RowStream {
  return 'read' in data;
}

/**
 * Features of a block.
 * @param what for messages: `training`
 * Throws a DataError if they are not as many as announced, or not finite.
 */
export async function readBlock(data: RowStream, block: number, width: number, what: string): Promise<Float32Array> {
  const x = await data.read(block);
  const rows = data.blocks[block]!;
  if (x.length !== rows * width) {
    throw new DataError({
      problem: `block ${block} of the ${what} rows has another size than announced`,
      expected: `${rows} rows of ${width} values`,
      got: `${x.length} values`,
    });
  }
  checkFinite(x, width, what);
  return x;
}

/** Throws a DataError that says which rows or labels do not fit. @param what for messages: `training` */
export function checkData(data: TrainingRows, inputShape: Shape, classes: number, what: string): void {
  const { y, rows, sample_weight: weights } = data;
  const width = sizeOf(inputShape);
  if (isStream(data)) checkStream(data, what);
  else if (data.x.length !== rows * width || y.length !== rows) {
    const { x } = data;
    throw new DataError({
      problem: `the ${what} rows do not fit the input shape`,
      expected: `${rows} rows of ${describeShape(inputShape)} = ${width} values, and ${rows} labels`,
      got: `${x.length} values (${(x.length / Math.max(rows, 1)).toFixed(2)} a row), and ${y.length} labels`,
    });
  }
  if (weights && weights.length !== rows) {
    throw new DataError({
      problem: `the ${what} rows and their weights differ in number`,
      expected: `${rows} weights`,
      got: String(weights.length),
    });
  }
  const strange = y.findIndex((label) => label < 0 || label >= classes);
  if (strange >= 0) {
    throw new DataError({
      problem: `a ${what} label is no class`,
      expected: `0 to ${classes - 1}`,
      got: `${y[strange]} in row ${strange}`,
    });
  }
  if (!isStream(data)) checkFinite(data.x, width, what);
}

function checkStream({ y, rows, blocks, shuffle_rows: held }: RowStream, what: string): void {
  const counted = blocks.reduce((sum, count) => sum + count, 0);
  if (counted !== rows || y.length !== rows) {
    throw new DataError({
      problem: `the ${what} rows do not fit their blocks`,
      expected: `${rows} rows in the blocks, and ${rows} labels`,
      got: `${counted} rows, and ${y.length} labels`,
    });
  }
  if (Number.isInteger(held) && held >= 1) return;
  throw new RequestError({
    problem: 'shuffle_rows does not fit',
    expected: 'a whole number, at least 1',
    got: String(held),
  });
}

function checkFinite(x: Float32Array, width: number, what: string): void {
  const broken = x.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    throw new DataError({
      problem: `a ${what} feature is not a finite number`,
      got: `${x[broken]} in row ${Math.floor(broken / width)}, value ${broken % width}`,
      fix: 'find the stage that made it; a logarithm of 0 and a division by a deviation of 0 are the usual causes',
    });
  }
}

/** The weight of each class. Throws a RequestError if their number is wrong. */
export function readClassWeight(
  given: readonly number[] | 'balanced' | undefined,
  { y }: TrainingRows,
  classes: number,
): Float32Array {
  if (given === 'balanced') return balancedWeights(y, classes);
  if (given === undefined) return new Float32Array(classes).fill(1);
  const schema = Type.Array(Type.Number({ minimum: 0 }), { minItems: classes, maxItems: classes });
  return Float32Array.from(readOptions(schema, given, 'class_weight') as readonly number[]);
}

/** rows / (classes x rows of the class), as scikit-learn's `balanced`; a class without rows weighs 0. */
function balancedWeights(y: Int32Array, classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (const label of y) counts[label]!++;
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : y.length / (classes * count)));
}

/** Rows chosen from `data`, one after another. */
export function gatherRows(data: TrainingData, width: number, rows: ArrayLike<number>, target: Float32Array): void {
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    target.set(data.x.subarray(from, from + width), i * width);
  }
}

/** Target probabilities: (1 - s) on the class of each row, plus s / classes everywhere. */
export function fillTargets(
  target: Float32Array,
  y: Int32Array,
  rows: ArrayLike<number>,
  classes: number,
  smoothing: number,
): void {
  target.fill(smoothing / classes);
  for (let i = 0; i < rows.length; i++) target[i * classes + y[rows[i]!]!]! += 1 - smoothing;
}

/** How many rows of `logits` have their largest value at the row's class. */
export function countCorrect(logits: Float32Array, y: Int32Array, rows: ArrayLike<number>, classes: number): number {
  let correct = 0;
  for (let i = 0; i < rows.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[i * classes + c]! > logits[i * classes + best]!) best = c;
    if (best === y[rows[i]!]) correct++;
  }
  return correct;
}
