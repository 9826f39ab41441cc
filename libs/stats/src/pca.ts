/**
 * Principal component analysis, fitted on a stream of rows.
 *
 * While no more rows than columns have come, the rows themselves are kept; at the end the smaller side, the
 * rows x rows Gram matrix, is decomposed. As soon as there are more rows than columns, mean and covariance are
 * accumulated instead (merged block by block as in Chan, Golub and LeVeque, 1979). So memory is O(columns^2)
 * however many rows there are, and never larger than the fit needs.
 *
 * Numbers and rules are scikit-learn's PCA (`svd_solver='full'`): n_components as count or share of variance,
 * and signs such that the loading of largest magnitude of each component is positive. Both sides square the
 * data, so singular values below about 1e-8 of the largest are rounding noise; that is the variance share
 * 1e-16, below anything a share of variance can select.
 */
import { DataError, RequestError } from '@prosodia/core';
import { symmetricSpectrum } from './eigen.ts';
import { type Float64Matrix, type Matrix, type MatrixContext, requireFinite, requireShape, zeros } from './matrix.ts';
import { GramSum, multiply, multiplyTransposed, projectCentered } from './products.ts';
import { RowBlocks } from './row-blocks.ts';

export interface PcaOptions extends MatrixContext {
  /**
   * How many components to keep: a whole number from 1 on is a count; a number between 0 and 1 is the share of
   * variance that the kept components must exceed (0.98). Default: all, the smaller of rows and columns.
   */
  n_components?: number;
  /** Scale the components to unit variance. Default false. */
  whiten?: boolean;
}

/** A fitted PCA with k components of d columns, named as in scikit-learn. */
export interface FittedPca {
  /** k x d; each row is a unit vector, by decreasing variance. */
  components: Float64Matrix;
  /** Mean of each column, d values. */
  mean: Float64Array;
  /** Variance (divisor rows - 1) along each component. */
  explained_variance: Float64Array;
  /** Share of the total variance along each component. */
  explained_variance_ratio: Float64Array;
  /** Singular values of the centered rows that belong to the components. */
  singular_values: Float64Array;
  /** Mean variance of the directions that were dropped (Tipping and Bishop, 1999); 0 if none were. */
  noise_variance: number;
  whiten: boolean;
  /** Rows it was fitted on. */
  rows: number;
}

/** Rows per block: a block of a few thousand columns stays within a second-level cache. */
const BLOCK_ROWS = 128;

/** Accumulates rows for a PCA. Memory: three d x d matrices at most. */
export class PcaAccumulator {
  readonly #options: PcaOptions;
  #rows = 0;
  #cols = 0;
  #blocks: RowBlocks | undefined;
  /** Blocks kept as they came, while their rows are no more than the columns. */
  #kept: Matrix[] = [];
  #keptRows = 0;
  #scatter: Scatter | undefined;

  /** @throws RequestError if n_components is neither a count nor a share */
  constructor(options: PcaOptions = {}) {
    requireComponents(options.n_components);
    this.#options = options;
  }

  /** @throws DataError for another number of columns than before, or a value that is not finite (the column is named) */
  add(matrix: Matrix): this {
    requireShape(matrix, this.#blocks ? this.#cols : this.#options.names?.length, this.#options);
    requireFinite(matrix, this.#options, this.#rows);
    this.#cols = matrix.cols;
    this.#blocks ??= new RowBlocks(matrix.cols, BLOCK_ROWS, (block) => this.#addBlock(block));
    this.#rows += matrix.rows;
    this.#blocks.add(matrix);
    return this;
  }

  /** @throws DataError for fewer than two rows, no variance at all, or more components than rows or columns */
  finish(): FittedPca {
    const limit = Math.min(this.#rows, this.#cols);
    const { n_components: wanted = limit, whiten = false } = this.#options;
    if (this.#rows < 2) {
      throw this.#error('PCA needs at least two rows', 'two rows or more', `${this.#rows} rows`);
    }
    if (wanted > limit) {
      const got = `n_components ${wanted} for ${this.#rows} rows of ${this.#cols} columns`;
      throw this.#error('more components than the rows can span', `at most ${limit} components`, got);
    }
    this.#blocks!.flush();
    const spectrum = this.#scatter ? this.#scatter.spectrum() : spectrumOfRows(joined(this.#kept, this.#cols));
    const variance = spectrum.values.map((value) => Math.max(value, 0) / (this.#rows - 1));
    const total = variance.reduce((sum, value) => sum + value, 0);
    if (!(total > 0)) throw this.#error('all rows are equal', 'columns that vary', 'a total variance of 0');
    const ratio = variance.map((value) => value / total);
    const count = wanted < 1 ? Math.min(componentsForShare(ratio, wanted), limit) : wanted;
    const dropped = variance.subarray(count, limit);
    return {
      components: withPositivePeaks(spectrum.directions(count)),
      mean: spectrum.mean,
      explained_variance: variance.slice(0, count),
      explained_variance_ratio: ratio.slice(0, count),
      singular_values: spectrum.values.slice(0, count).map((value) => Math.sqrt(Math.max(value, 0))),
      noise_variance: dropped.length > 0 ? dropped.reduce((sum, value) => sum + value, 0) / dropped.length : 0,
      whiten,
      rows: this.#rows,
    };
  }

  #addBlock(block: Matrix): void {
    if (!this.#scatter && this.#keptRows + block.rows <= this.#cols) {
      this.#kept.push({ ...block, data: block.data.slice() });
      this.#keptRows += block.rows;
      return;
    }
    if (!this.#scatter) {
      this.#scatter = new Scatter(this.#cols);
      for (const kept of this.#kept) this.#scatter.add(kept);
      this.#kept = [];
    }
    this.#scatter.add(block);
  }

  #error(problem: string, expected: string, got: string): DataError {
    const { where } = this.#options;
    return new DataError({ problem, expected, got, ...(where === undefined ? {} : { where }) });
  }
}

/**
 * Fits a PCA to a matrix or to a sequence of row blocks; the same bytes however the rows are cut into blocks.
 *
 * @throws RequestError, DataError as {@link PcaAccumulator} does
 */
export function fitPca(input: Matrix | Iterable<Matrix>, options: PcaOptions = {}): FittedPca {
  const accumulator = new PcaAccumulator(options);
  for (const block of 'data' in input ? [input] : input) accumulator.add(block);
  return accumulator.finish();
}

/**
 * Projects rows (n x d) onto the components (n x k), whitened if the fit was told to.
 *
 * @throws DataError for another number of columns than fitted, or a value that is not finite
 */
export function transformPca(pca: FittedPca, matrix: Matrix, context: MatrixContext = {}): Float64Matrix {
  const { components, mean } = pca;
  requireShape(matrix, components.cols, context);
  requireFinite(matrix, context);
  const projected = projectCentered(matrix, mean, components);
  if (pca.whiten) {
    const factors = whiteningScale(pca).map((scale) => 1 / scale);
    scaleColumns(projected, factors);
  }
  return projected;
}

/**
 * Rows (n x d) from their projections (n x k); the part along dropped components is lost.
 *
 * @throws DataError for another number of columns than components, or a value that is not finite
 */
export function inverseTransformPca(pca: FittedPca, projected: Matrix, context: MatrixContext = {}): Float64Matrix {
  const { components, mean } = pca;
  requireShape(projected, components.rows, context);
  requireFinite(projected, context);
  const coordinates = { ...projected, data: Float64Array.from(projected.data) };
  if (pca.whiten) scaleColumns(coordinates, whiteningScale(pca));
  const restored = multiply(coordinates, components);
  const { data, rows, cols } = restored;
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[at++]! += mean[j]!;
  return restored;
}

/** Eigenvalues of the scatter matrix (sums of squares), by decreasing size, and their directions. */
interface Spectrum {
  /** As many as the smaller of rows and columns. */
  values: Float64Array;
  mean: Float64Array;
  /** The first `count` directions as rows. */
  directions(count: number): Float64Matrix;
}

/** Mean and sum of outer products of the deviations from it. */
class Scatter {
  #rows = 0;
  readonly #mean: Float64Array;
  readonly #cols: number;
  readonly #sum: GramSum;

  constructor(cols: number) {
    this.#mean = new Float64Array(cols);
    this.#cols = cols;
    this.#sum = new GramSum(cols, BLOCK_ROWS + 1);
  }

  add(block: Matrix): void {
    const { rows, cols } = block;
    const mean = columnMeans(block);
    const total = this.#rows + rows;
    // The shift of the mean enters as one more row of deviations.
    const deviations = centered(block, mean, rows + 1);
    const weight = Math.sqrt((this.#rows * rows) / total);
    for (let j = 0; j < cols; j++) {
      const shift = mean[j]! - this.#mean[j]!;
      deviations.data[rows * cols + j] = shift * weight;
      this.#mean[j]! += (shift * rows) / total;
    }
    this.#sum.add(deviations);
    this.#rows = total;
  }

  spectrum(): Spectrum {
    const { values, leading } = symmetricSpectrum(this.#sum.finish());
    return {
      values: values.subarray(0, Math.min(this.#cols, this.#rows)),
      mean: this.#mean,
      directions: leading,
    };
  }
}

/** The spectrum of no more rows than columns, by way of their Gram matrix. */
function spectrumOfRows(rows: Matrix): Spectrum {
  const mean = columnMeans(rows);
  const deviations = centered(rows, mean);
  const { values, leading } = symmetricSpectrum(multiplyTransposed(deviations, deviations));
  return {
    values,
    mean,
    directions(count) {
      const directions = multiply(leading(count), deviations);
      orthonormalize(directions);
      return directions;
    },
  };
}

/**
 * Gram and Schmidt, twice over, from the first row on. The directions found through the Gram matrix are
 * orthogonal already except where the variance is rounding noise; a row that vanishes (centered rows span one
 * direction less than there are rows) is replaced by an axis that is orthogonal to the rest.
 */
function orthonormalize({ data, rows, cols }: Float64Matrix): void {
  let largest = 0;
  for (let k = 0; k < rows; k++) {
    const row = data.subarray(k * cols, (k + 1) * cols);
    const before = norm(row);
    largest = Math.max(largest, before);
    let length = removeEarlier(data, k, row);
    // A direction is lost if it is noise against the largest, or was mostly made of earlier ones.
    let lost = before <= 1e-12 * largest || length <= 1e-6 * before;
    for (let axis = 0; lost && axis < cols; axis++) {
      row.fill(0);
      row[axis] = 1;
      length = removeEarlier(data, k, row);
      lost = length < 0.5 / Math.sqrt(cols);
    }
    for (let j = 0; j < cols; j++) row[j]! /= length;
  }
}

function removeEarlier(data: Float64Array, k: number, row: Float64Array): number {
  const cols = row.length;
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < k; i++) {
      let dot = 0;
      for (let j = 0; j < cols; j++) dot += data[i * cols + j]! * row[j]!;
      for (let j = 0; j < cols; j++) row[j]! -= dot * data[i * cols + j]!;
    }
  }
  return norm(row);
}

function norm(row: Float64Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return Math.sqrt(sum);
}

/** The smallest count whose cumulative ratio exceeds `share`. */
function componentsForShare(ratio: Float64Array, share: number): number {
  let sum = 0;
  let count = 0;
  while (count < ratio.length && sum <= share) sum += ratio[count++]!;
  return count;
}

/** Turns each row so that its element of largest magnitude, the first of equals, is positive. */
function withPositivePeaks(matrix: Float64Matrix): Float64Matrix {
  const { data, rows, cols } = matrix;
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    let peak = 0;
    for (const value of row) if (Math.abs(value) > Math.abs(peak)) peak = value;
    if (peak < 0) for (let j = 0; j < cols; j++) row[j] = -row[j]!;
  }
  return matrix;
}

/** What whitening divides each component by. */
export function whiteningScale({ explained_variance }: FittedPca): Float64Array {
  return explained_variance.map((variance) => Math.max(Math.sqrt(variance), Number.EPSILON));
}

function scaleColumns({ data, rows, cols }: Float64Matrix, factors: Float64Array): void {
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[at++]! *= factors[j]!;
}

function columnMeans({ data, rows, cols }: Matrix): Float64Array {
  const mean = new Float64Array(cols);
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++) mean[j]! += data[at++]!;
  return mean.map((sum) => sum / rows);
}

/** A copy minus `mean`, with room for more rows (zeros). */
function centered({ data, rows, cols }: Matrix, mean: Float64Array, room = rows): Float64Matrix {
  const result = zeros(room, cols);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++, at++) result.data[at] = data[at]! - mean[j]!;
  }
  return result;
}

function joined(blocks: readonly Matrix[], cols: number): Matrix {
  const matrix = zeros(
    blocks.reduce((sum, { rows }) => sum + rows, 0),
    cols,
  );
  let row = 0;
  for (const block of blocks) {
    matrix.data.set(block.data, row * cols);
    row += block.rows;
  }
  return matrix;
}

function requireComponents(wanted: number | undefined): void {
  if (wanted === undefined || (wanted > 0 && (wanted < 1 || Number.isInteger(wanted)))) return;
  throw new RequestError({
    problem: 'n_components is neither a count nor a share of variance',
    expected: 'a whole number from 1 on, or a number between 0 and 1',
    got: String(wanted),
  });
}
