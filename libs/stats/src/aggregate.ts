/**
 * From segments to clips: functionals over the rows of each group, streamed.
 *
 * Mean and variance by Welford's update (1962), one row at a time, so that rows of many groups may come mixed.
 */
import { DataError, RequestError } from '@prosodia/core';
import { type Float64Matrix, type Matrix, type MatrixContext, requireFinite, requireShape, zeros } from './matrix.ts';

/** `std` is the population standard deviation (divisor n), 0 for a single row. */
export type Functional = 'mean' | 'std' | 'min' | 'max';

export interface Aggregated {
  /** Group keys in order of first appearance. */
  groups: string[];
  /** Rows of each group. */
  counts: Int32Array;
  /** Groups x (functionals * columns): all columns of the first functional, then of the second, and so on. */
  matrix: Float64Matrix;
}

interface GroupState {
  count: number;
  mean: Float64Array;
  squares: Float64Array;
  min: Float64Array;
  max: Float64Array;
}

/** Accumulates rows by group. Memory: four numbers a column and group. */
export class GroupAggregator {
  readonly #cols: number;
  readonly #functionals: readonly Functional[];
  readonly #context: MatrixContext;
  readonly #groups = new Map<string, GroupState>();
  #rows = 0;

  /** @throws RequestError if there is no functional, or one twice */
  constructor(cols: number, functionals: readonly Functional[], context: MatrixContext = {}) {
    if (functionals.length === 0 || new Set(functionals).size !== functionals.length) {
      throw new RequestError({
        problem: 'cannot aggregate by these functionals',
        expected: 'one or more of mean, std, min, max, each once',
        got: `[${functionals.join(', ')}]`,
      });
    }
    this.#cols = cols;
    this.#functionals = functionals;
    this.#context = context;
  }

  /**
   * Adds rows.
   *
   * @param groups the group of each row of `matrix`
   * @throws DataError for another number of columns or groups, or a value that is not finite (the column is named)
   */
  add(groups: readonly string[], matrix: Matrix): this {
    requireShape(matrix, this.#cols, this.#context);
    requireFinite(matrix, this.#context, this.#rows);
    if (groups.length !== matrix.rows) {
      throw new DataError({
        problem: 'groups and rows differ in number',
        expected: `${matrix.rows} groups, as there are rows`,
        got: `${groups.length} groups`,
      });
    }
    groups.forEach((group, i) => {
      const state = this.#groups.get(group) ?? newState(this.#cols);
      this.#groups.set(group, state);
      addRow(state, matrix.data, i * this.#cols);
    });
    this.#rows += matrix.rows;
    return this;
  }

  finish(): Aggregated {
    const width = this.#cols * this.#functionals.length;
    const matrix = zeros(this.#groups.size, width);
    [...this.#groups.values()].forEach((state, g) => {
      this.#functionals.forEach((name, f) => matrix.data.set(functional(state, name), g * width + f * this.#cols));
    });
    const states = [...this.#groups.values()];
    return { groups: [...this.#groups.keys()], counts: Int32Array.from(states, ({ count }) => count), matrix };
  }
}

/** Functionals over the rows of each group. Throws as {@link GroupAggregator} does. */
export function aggregateRows(
  groups: readonly string[],
  matrix: Matrix,
  functionals: readonly Functional[],
  context: MatrixContext = {},
): Aggregated {
  return new GroupAggregator(matrix.cols, functionals, context).add(groups, matrix).finish();
}

/** Names of the aggregated columns, in their order: `mfcc_00_mean`, `mfcc_01_mean`, ..., `mfcc_00_std`, ... */
export function functionalNames(columns: readonly string[], functionals: readonly Functional[]): string[] {
  return functionals.flatMap((name) => columns.map((column) => `${column}_${name}`));
}

function newState(cols: number): GroupState {
  return {
    count: 0,
    mean: new Float64Array(cols),
    squares: new Float64Array(cols),
    min: new Float64Array(cols).fill(Infinity),
    max: new Float64Array(cols).fill(-Infinity),
  };
}

function addRow(state: GroupState, data: ArrayLike<number>, at: number): void {
  const { mean, squares, min, max } = state;
  state.count++;
  for (let j = 0; j < mean.length; j++) {
    const value = data[at + j]!;
    const before = value - mean[j]!;
    mean[j]! += before / state.count;
    squares[j]! += before * (value - mean[j]!);
    if (value < min[j]!) min[j] = value;
    if (value > max[j]!) max[j] = value;
  }
}

function functional(state: GroupState, name: Functional): Float64Array {
  if (name === 'std') return state.squares.map((sum) => Math.sqrt(sum / state.count));
  return state[name];
}
