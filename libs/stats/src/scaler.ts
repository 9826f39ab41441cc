/**
 * Column scaling: standard, min-max and robust, with scikit-learn's rules.
 *
 * All three come down to `(x - center) / scale + offset` per column, so a fitted scaler is that much plain
 * data: it goes into JSON as it is, and applying one needs no knowledge of how it was fitted.
 */
import { DataError, RequestError, selectRanks } from '@prosodia/core';
import { reusedWorkspace } from './kernels.ts';
import { type Matrix, type MatrixContext, requireFinite, requireShape, zerosLike } from './matrix.ts';
import { ColumnMoments } from './moments.ts';
import { quantileOfSorted, ranksOfQuantiles } from './quantile.ts';
import { RowBlocks, copyRows } from './row-blocks.ts';

export type ScalerKind = 'standard' | 'minmax' | 'robust';

export interface ScalerOptions extends MatrixContext {
  kind: ScalerKind;
  /** For `minmax`: the range that the training rows are mapped to. Default `[0, 1]`. */
  feature_range?: readonly [number, number];
  /** For `robust`: the percentiles whose distance is the scale. Default `[25, 75]`. */
  quantile_range?: readonly [number, number];
}

/** A fitted scaler, plain data: `y = (x - center) / scale + offset` per column. */
export interface FittedScaler {
  kind: ScalerKind;
  /** Rows it was fitted on. */
  rows: number;
  /** Mean, minimum or median of each column. */
  center: number[];
  /**
   * Standard deviation (population), range over the width of `feature_range`, or interquantile distance.
   * It is 1 where the column is constant, so that such a column becomes `offset`.
   */
  scale: number[];
  offset: number;
  /** Column indices that were constant in the training rows. */
  constant: number[];
  /** Column names, where the fit was given them. */
  names?: string[];
}

const EPSILON = Number.EPSILON;
/** Rows scaled at a time, and rows whose moments are summed at a time: they stay in a second-level cache. */
const SLAB_ROWS = 64;

/**
 * Fits a scaler to a stream of row blocks. `standard` and `minmax` hold a few numbers a column;
 * `robust` needs exact quantiles and so holds a copy of every row.
 */
export class ScalerAccumulator {
  readonly #options: ScalerOptions;
  #state: ColumnState | undefined;
  #cols = 0;
  #rows = 0;

  /** @throws RequestError if a range in the options is empty */
  constructor(options: ScalerOptions) {
    requireIncreasing('feature_range', options.feature_range);
    requireIncreasing('quantile_range', options.quantile_range, 0, 100);
    this.#options = options;
  }

  /**
   * Adds rows.
   *
   * @throws DataError for another number of columns than before, or a value that is not finite (the column is named)
   */
  add(matrix: Matrix): this {
    requireShape(matrix, this.#state ? this.#cols : this.#options.names?.length, this.#options);
    requireFinite(matrix, this.#options, this.#rows);
    this.#cols = matrix.cols;
    this.#state ??= columnState(this.#options, matrix.cols);
    this.#state.add(matrix);
    this.#rows += matrix.rows;
    return this;
  }

  /** @throws DataError if no row was added */
  finish(): FittedScaler {
    if (!this.#state || this.#rows === 0) {
      throw new DataError({
        problem: 'a scaler cannot be fitted on nothing',
        expected: 'at least one row',
        got: '0 rows',
        ...(this.#options.where === undefined ? {} : { where: this.#options.where }),
      });
    }
    const { center, spread, isConstant, offset } = this.#state.finish();
    const constant: number[] = [];
    const scale = Array.from(spread, (value, j) => {
      if (!isConstant(j)) return value;
      constant.push(j);
      return 1;
    });
    const { kind, names } = this.#options;
    return {
      kind,
      rows: this.#rows,
      center: Array.from(center),
      scale,
      offset,
      constant,
      ...(names ? { names: [...names] } : {}),
    };
  }
}

/**
 * Fits a scaler to a matrix or to a sequence of row blocks.
 *
 * The same numbers as scikit-learn's StandardScaler, MinMaxScaler and RobustScaler; unlike them it refuses
 * NaN instead of passing over it.
 *
 * @throws DataError if there is no row or a value is not finite (the column is named)
 */
export function fitScaler(input: Matrix | Iterable<Matrix>, options: ScalerOptions): FittedScaler {
  const accumulator = new ScalerAccumulator(options);
  for (const block of 'data' in input ? [input] : input) accumulator.add(block);
  return accumulator.finish();
}

/**
 * Scales rows; the result has the precision of `matrix` and never shares its memory.
 *
 * @throws DataError for another number of columns than fitted, or a value that is not finite
 */
export function applyScaler(scaler: FittedScaler, matrix: Matrix, context: MatrixContext = {}): Matrix {
  check(scaler, matrix, context);
  const { data, rows, cols } = matrix;
  const scaled = zerosLike(matrix);
  if (data.length === 0) return scaled;
  // The kernels take four columns at a time; what is missing of the last four is joined by zeros.
  const width = Math.ceil(cols / 4) * 4;
  const height = Math.min(rows, SLAB_ROWS);
  const workspace = reusedWorkspace([width, width, height * width]);
  const [center, scale] = [workspace.array(width), workspace.array(width)];
  center.set(scaler.center);
  scale.fill(1).set(scaler.scale);
  const doubles = workspace.array(height * width);
  const single = data instanceof Float32Array;
  const slab = single ? new Float32Array(doubles.buffer, doubles.byteOffset, doubles.length) : doubles;
  const kernel = single ? workspace.kernels.scaleFloats : workspace.kernels.scaleDoubles;
  const bytes = width * slab.BYTES_PER_ELEMENT;
  for (let from = 0; from < rows; from += SLAB_ROWS) {
    const count = Math.min(SLAB_ROWS, rows - from);
    copyRows({ data: data.subarray(from * cols, (from + count) * cols), rows: count, cols }, cols, slab, width);
    const end = slab.byteOffset + count * bytes;
    for (let row = slab.byteOffset; row < end; row += bytes) {
      kernel(row, row + bytes, center.byteOffset, scale.byteOffset, scaler.offset);
    }
    copyRows({ data: slab, rows: count, cols: width }, cols, scaled.data.subarray(from * cols), cols);
  }
  return scaled;
}

/** Undoes {@link applyScaler}. Throws a DataError as it does. */
export function invertScaler(scaler: FittedScaler, matrix: Matrix, context: MatrixContext = {}): Matrix {
  check(scaler, matrix, context);
  const { center, scale, offset } = scaler;
  const { data, rows, cols } = matrix;
  const restored = zerosLike(matrix);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++, at++) restored.data[at] = (data[at]! - offset) * scale[j]! + center[j]!;
  }
  return restored;
}

function check(scaler: FittedScaler, matrix: Matrix, context: MatrixContext): void {
  const named = scaler.names && !context.names ? { ...context, names: scaler.names } : context;
  requireShape(matrix, scaler.center.length, named);
  requireFinite(matrix, named);
}

interface ColumnFit {
  center: Float64Array;
  spread: Float64Array;
  isConstant(column: number): boolean;
  offset: number;
}

interface ColumnState {
  add(matrix: Matrix): void;
  finish(): ColumnFit;
}

function columnState(options: ScalerOptions, cols: number): ColumnState {
  switch (options.kind) {
    case 'standard':
      return standardState(cols);
    case 'minmax':
      return rangeState(cols, options.feature_range ?? [0, 1]);
    case 'robust':
      return quantileState(cols, options.quantile_range ?? [25, 75]);
  }
}

function standardState(cols: number): ColumnState {
  const moments = new ColumnMoments(cols);
  const blocks = new RowBlocks(cols, SLAB_ROWS, (block) => moments.add(block));
  return {
    add: (matrix) => blocks.add(matrix),
    finish() {
      blocks.flush();
      const { rows, mean, squares } = moments;
      const variance = squares.map((sum) => sum / rows);
      return {
        center: mean,
        spread: variance.map(Math.sqrt),
        // Below the rounding error that a two-pass variance of n values around this mean can have.
        isConstant: (j) => variance[j]! <= rows * EPSILON * variance[j]! + (rows * mean[j]! * EPSILON) ** 2,
        offset: 0,
      };
    },
  };
}

function rangeState(cols: number, [low, high]: readonly [number, number]): ColumnState {
  const minimum = new Float64Array(cols).fill(Infinity);
  const maximum = new Float64Array(cols).fill(-Infinity);
  return {
    add({ data, rows }) {
      for (let i = 0, at = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          const value = data[at++]!;
          if (value < minimum[j]!) minimum[j] = value;
          if (value > maximum[j]!) maximum[j] = value;
        }
      }
    },
    finish() {
      const range = maximum.map((value, j) => value - minimum[j]!);
      return {
        center: minimum,
        spread: range.map((value) => value / (high - low)),
        isConstant: (j) => range[j]! < 10 * EPSILON,
        offset: low,
      };
    },
  };
}

function quantileState(cols: number, [low, high]: readonly [number, number]): ColumnState {
  const blocks: Matrix[] = [];
  let total = 0;
  return {
    add(matrix) {
      blocks.push({ ...matrix, data: matrix.data.slice() });
      total += matrix.rows;
    },
    finish() {
      const center = new Float64Array(cols);
      const spread = new Float64Array(cols);
      const shares = [low / 100, 0.5, high / 100] as const;
      const ranks = ranksOfQuantiles(shares, total);
      const stretch = new Float64Array(total * COLUMNS_AT_ONCE);
      for (let from = 0; from < cols; from += COLUMNS_AT_ONCE) {
        const to = Math.min(from + COLUMNS_AT_ONCE, cols);
        gatherColumns(blocks, from, to, total, stretch);
        for (let j = from; j < to; j++) {
          const column = stretch.subarray((j - from) * total, (j - from + 1) * total);
          selectRanks(column, ranks);
          const [below, median, above] = shares.map((share) => quantileOfSorted(column, share));
          center[j] = median!;
          spread[j] = above! - below!;
        }
      }
      return { center, spread, isConstant: (j) => spread[j]! < 10 * EPSILON, offset: 0 };
    },
  };
}

/** Columns read together: a line of cache holds as many numbers of a row. */
const COLUMNS_AT_ONCE = 16;

/** Writes columns `from` to `to` of all blocks one behind the other. */
function gatherColumns(blocks: readonly Matrix[], from: number, to: number, total: number, into: Float64Array): void {
  let row = 0;
  for (const { data, rows, cols } of blocks) {
    for (let i = 0; i < rows; i++, row++) {
      for (let j = from; j < to; j++) into[(j - from) * total + row] = data[i * cols + j]!;
    }
  }
}

function requireIncreasing(
  name: string,
  range: readonly [number, number] | undefined,
  lowest = -Infinity,
  highest = Infinity,
): void {
  if (!range || (range[0] < range[1] && range[0] >= lowest && range[1] <= highest)) return;
  throw new RequestError({
    problem: `${name} is not a range`,
    expected: `[low, high] with ${lowest === -Infinity ? '' : `${lowest} <= `}low < high${highest === Infinity ? '' : ` <= ${highest}`}`,
    got: JSON.stringify(range),
  });
}
