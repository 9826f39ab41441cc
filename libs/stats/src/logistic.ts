/**
 * Multinomial logistic regression with an L2 penalty, fitted by Newton's method.
 *
 * For the few columns that a combination of models has, the whole Hessian is cheap, and a handful of steps reach the
 * optimum to the last digits: there is no learning rate, no tolerance to choose and nothing random.
 */
import { DataError, RequestError } from '@prosodia/core';
import { requireClassIndices } from './labels.ts';
import { type Float64Matrix, type Matrix, requireFinite, requireShape, zeros } from './matrix.ts';

export interface LogisticOptions {
  /** Weight of the data against the penalty: the sum of log-losses is multiplied by it. Above 0. Default 1. */
  C?: number;
}

/** A fitted model; names are scikit-learn's. */
export interface FittedLogistic {
  classes: number;
  /** One row per class, one column per feature; for two classes one row, the log-odds of class 1. */
  coef: Float64Matrix;
  /** One per row of `coef`. */
  intercept: Float64Array;
  /** Newton steps taken. */
  steps: number;
}

/** Steps stop when the largest element of the gradient, per row, is below this. */
const GRADIENT = 1e-10;
const MAX_STEPS = 100;

/**
 * Minimizes `C * sum of log-losses + |coef|^2 / 2`; intercepts are free. It is the model of scikit-learn's
 * `LogisticRegression(C)`: softmax over the classes, and for two of them the logistic function of one value.
 *
 * Time grows with rows x (classes x columns)^2.
 *
 * @param truth `[rows]` class indices below `classes`; classes without rows are allowed
 * @throws DataError for no rows, labels that are no classes, values that are not finite, or no convergence (never seen)
 * @throws RequestError for a C that is not positive
 */
export function fitLogistic(
  x: Matrix,
  truth: ArrayLike<number>,
  classes: number,
  { C = 1 }: LogisticOptions = {},
): FittedLogistic {
  requireShape(x);
  requireFinite(x);
  requireClassIndices(truth, classes, 'a true label');
  if (x.rows === 0 || truth.length !== x.rows || classes < 2) {
    throw new DataError({
      problem: 'there is nothing to fit a logistic regression on',
      expected: 'one label per row, at least one row, and two classes or more',
      got: `${x.rows} rows, ${truth.length} labels, ${classes} classes`,
    });
  }
  if (!(C > 0 && Number.isFinite(C))) {
    throw new RequestError({ problem: 'C is no weight', expected: 'a finite number above 0', got: String(C) });
  }
  const problem = new Problem(x, truth, classes, C);
  let at: Float64Array = new Float64Array(problem.size);
  let value = problem.evaluate(at);
  for (let steps = 0; steps <= MAX_STEPS; steps++) {
    if (value.gradient.every((g) => Math.abs(g) <= GRADIENT * C * x.rows)) return problem.unpack(at, steps);
    const lower = alongStep(problem, at, value);
    if (!lower) return problem.unpack(at, steps);
    ({ at, value } = lower);
  }
  throw new DataError({ problem: 'the logistic regression did not converge', expected: `at most ${MAX_STEPS} steps` });
}

/**
 * A Newton step, halved until it lowers the loss, which is convex; undefined where rounding is all that is left of it.
 */
function alongStep(problem: Problem, at: Float64Array, { loss, gradient, hessian }: Evaluation) {
  const step = solveSymmetric(hessian, gradient);
  for (let share = 1; share > 1e-6; share /= 2) {
    const next = at.map((parameter, i) => parameter - share * step[i]!);
    const value = problem.evaluate(next);
    if (value.loss <= loss * (1 + 1e-12)) return { at: next, value };
  }
  return undefined;
}

/**
 * Class probabilities, rows x classes.
 *
 * @throws DataError for another number of columns than fitted, or a value that is not finite
 */
export function predictLogistic({ classes, coef, intercept }: FittedLogistic, x: Matrix): Float64Matrix {
  requireShape(x, coef.cols);
  requireFinite(x);
  const result = zeros(x.rows, classes);
  const free = coef.rows;
  const logits = new Float64Array(classes);
  for (let i = 0; i < x.rows; i++) {
    for (let k = 0; k < free; k++) {
      let sum = intercept[k]!;
      for (let j = 0; j < x.cols; j++) sum += coef.data[k * x.cols + j]! * x.data[i * x.cols + j]!;
      logits[classes - free + k] = sum;
    }
    softmaxInto(result.data, i * classes, logits);
  }
  return result;
}

interface Evaluation {
  loss: number;
  gradient: Float64Array;
  /** size x size. */
  hessian: Float64Matrix;
}

/** Parameters: for each free class its coefficients, then its intercept. With two classes only the second is free. */
class Problem {
  readonly size: number;
  readonly #x: Matrix;
  readonly #truth: ArrayLike<number>;
  readonly #classes: number;
  readonly #free: number;
  readonly #weight: number;

  constructor(x: Matrix, truth: ArrayLike<number>, classes: number, weight: number) {
    this.#x = x;
    this.#truth = truth;
    this.#classes = classes;
    this.#free = classes === 2 ? 1 : classes;
    this.#weight = weight;
    this.size = this.#free * (x.cols + 1);
  }

  evaluate(at: Float64Array): Evaluation {
    const { rows, cols, data } = this.#x;
    const width = cols + 1;
    const first = this.#classes - this.#free;
    const gradient = new Float64Array(this.size);
    const hessian = zeros(this.size, this.size);
    const row = new Float64Array(width).fill(1);
    const logits = new Float64Array(this.#classes);
    const p = new Float64Array(this.#classes);
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) row[j] = data[i * cols + j]!;
      for (let k = 0; k < this.#free; k++) {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += at[k * width + j]! * row[j]!;
        logits[first + k] = sum;
      }
      const truth = this.#truth[i]!;
      loss += this.#weight * (softmaxInto(p, 0, logits) - logits[truth]!);
      for (let k = 0; k < this.#free; k++) {
        const own = p[first + k]!;
        const slope = this.#weight * (own - (truth === first + k ? 1 : 0));
        for (let j = 0; j < width; j++) gradient[k * width + j]! += slope * row[j]!;
        for (let l = 0; l <= k; l++) {
          const curve = this.#weight * own * ((k === l ? 1 : 0) - p[first + l]!);
          addOuter(hessian, k * width, l * width, curve, row);
        }
      }
    }
    loss += this.#penalize(at, gradient, hessian);
    return { loss, gradient, hessian };
  }

  unpack(at: Float64Array, steps: number): FittedLogistic {
    const { cols } = this.#x;
    const coef = zeros(this.#free, cols);
    const intercept = new Float64Array(this.#free);
    for (let k = 0; k < this.#free; k++) {
      coef.data.set(at.subarray(k * (cols + 1), k * (cols + 1) + cols), k * cols);
      intercept[k] = at[k * (cols + 1) + cols]!;
    }
    return { classes: this.#classes, coef, intercept, steps };
  }

  #penalize(at: Float64Array, gradient: Float64Array, hessian: Float64Matrix): number {
    const width = this.#x.cols + 1;
    let penalty = 0;
    for (let i = 0; i < this.size; i++) {
      if ((i + 1) % width === 0) continue;
      penalty += at[i]! ** 2 / 2;
      gradient[i]! += at[i]!;
      hessian.data[i * this.size + i]!++;
    }
    // One number added to all intercepts changes nothing: curvature in that direction, where the gradient is 0,
    // makes the Hessian regular and keeps their sum at 0, as scikit-learn has it.
    if (this.#free > 1) {
      for (let k = 0; k < this.#free; k++) {
        for (let l = 0; l <= k; l++) hessian.data[(k * width + width - 1) * this.size + l * width + width - 1]!++;
      }
    }
    return penalty;
  }
}

/** Adds `factor * v v'` to the block of `matrix` at (row, col). */
function addOuter(matrix: Float64Matrix, row: number, col: number, factor: number, v: Float64Array): void {
  const { data, cols } = matrix;
  for (let i = 0; i < v.length; i++) {
    const scaled = factor * v[i]!;
    const at = (row + i) * cols + col;
    for (let j = 0; j < v.length; j++) data[at + j]! += scaled * v[j]!;
  }
}

/** Writes the softmax of `logits`; returns the logarithm of the sum of their exponentials. */
function softmaxInto(into: Float64Array, at: number, logits: Float64Array): number {
  let largest = -Infinity;
  for (const logit of logits) largest = Math.max(largest, logit);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += into[at + k] = Math.exp(logits[k]! - largest);
  for (let k = 0; k < logits.length; k++) into[at + k]! /= sum;
  return largest + Math.log(sum);
}

/** The solution of a symmetric positive definite system by Cholesky; only the lower triangle is read, and overwritten. */
function solveSymmetric({ data, cols: n }: Float64Matrix, right: Float64Array): Float64Array {
  const x = right.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = data[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= data[i * n + k]! * data[j * n + k]!;
      // Nothing but rounding can bring a pivot to 0: the penalty alone is 1.
      data[i * n + j] = i === j ? Math.sqrt(Math.max(sum, Number.EPSILON)) : sum / data[j * n + j]!;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= data[i * n + k]! * x[k]!;
    x[i]! /= data[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= data[k * n + i]! * x[k]!;
    x[i]! /= data[i * n + i]!;
  }
  return x;
}
