/**
 * Eigenvalues and eigenvectors of a real symmetric matrix.
 *
 * Householder reduction to tridiagonal form, then implicit QL with Wilkinson's shift: the classic pair
 * (Martin, Reinsch and Wilkinson 1968; Dubrulle 1970; Golub and Van Loan, "Matrix Computations", 8.3), which
 * is backward stable and always returns orthogonal vectors. What is ours is the order of memory access:
 *
 * - reduction: the rank-two update of one step and the matrix-vector product of the next share one pass over
 *   the lower triangle, so each step reads and writes the matrix once, along rows;
 * - vectors: the scalar QL recurrence never looks at them, so the rotations of many sweeps are kept and
 *   then applied to four rows at a time, which stay in the first-level cache throughout.
 */
import { DataError } from '@prosodia/core';
import { type Float64Matrix, type Matrix, requireFinite, requireShape, zeros } from './matrix.ts';

export interface Eigen {
  /** Eigenvalues in decreasing order. */
  values: Float64Array;
  /** Row i is the unit eigenvector of `values[i]`; its sign is arbitrary. */
  vectors: Float64Matrix;
}

/**
 * All eigenvalues and eigenvectors of a symmetric matrix; only the lower triangle is read.
 *
 * O(n^3) time, two n x n matrices of memory beside the input.
 *
 * @throws DataError if the matrix is not square, not finite, or QL does not converge (never seen)
 */
export function symmetricEigen(matrix: Matrix): Eigen {
  const n = matrix.rows;
  requireShape(matrix, n);
  requireFinite(matrix);
  const work = Float64Array.from(matrix.data);
  const { diagonal, offDiagonal, betas } = tridiagonalize(work, n);
  const q = formOrthogonal(work, betas, n);
  implicitQl(diagonal, offDiagonal, q, n);
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
  const vectors = zeros(n, n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors.data[to * n + i] = q[i * n + from]!;
  });
  return { values: Float64Array.from(order, (index) => diagonal[index]!), vectors };
}

/**
 * Reduces `a` (n x n, lower triangle) to tridiagonal form in place. Row k of the upper triangle receives the
 * Householder vector of step k, `H_k = I - betas[k] v v'`, with v in columns k+1 to n-1.
 */
function tridiagonalize(a: Float64Array, n: number) {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  const x = new Float64Array(n);
  const y = new Float64Array(n);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    // Bring column k up to date with the update left from the step before.
    for (let i = k; i < n; i++) {
      const at = i * n + k;
      a[at]! -= v[i]! * w[k]! + w[i]! * v[k]!;
      x[i] = a[at]!;
    }
    diagonal[k] = x[k]!;
    if (k === n - 1) break;
    const { alpha, beta } = reflector(x, k + 1, n);
    offDiagonal[k] = alpha;
    betas[k] = beta;
    a.set(x.subarray(k + 1), k * n + k + 1);
    updateAndMultiply(a, n, k + 1, v, w, x, y);
    let product = 0;
    for (let i = k + 1; i < n; i++) product += y[i]! * x[i]!;
    const half = (beta * beta * product) / 2;
    for (let i = k + 1; i < n; i++) {
      v[i] = x[i]!;
      w[i] = beta * y[i]! - half * x[i]!;
    }
  }
  return { diagonal, offDiagonal, betas };
}

/**
 * Replaces x[start..] by the Householder vector v that maps it to (alpha, 0, ..., 0), scaled so that its first
 * element is 1. `beta` is 0, and nothing is mapped, where the tail is zero already.
 */
function reflector(x: Float64Array, start: number, n: number): { alpha: number; beta: number } {
  let largest = 0;
  for (let i = start; i < n; i++) largest = Math.max(largest, Math.abs(x[i]!));
  const first = x[start]!;
  let tail = 0;
  for (let i = start + 1; i < n; i++) tail += (x[i]! / largest) ** 2;
  x[start] = 1;
  if (!(tail > 0)) {
    x.fill(0, start + 1, n);
    return { alpha: first, beta: 0 };
  }
  const norm = largest * Math.sqrt((first / largest) ** 2 + tail);
  const alpha = first > 0 ? -norm : norm;
  for (let i = start + 1; i < n; i++) x[i]! /= first - alpha;
  return { alpha, beta: (alpha - first) / alpha };
}

/** On the trailing lower triangle from `start`: A -= v w' + w v', then y = A x with the new A, in one pass. */
function updateAndMultiply(
  a: Float64Array,
  n: number,
  start: number,
  v: Float64Array,
  w: Float64Array,
  x: Float64Array,
  y: Float64Array,
): void {
  y.fill(0, start, n);
  for (let i = start; i < n; i++) {
    const row = i * n;
    const vi = v[i]!;
    const wi = w[i]!;
    const xi = x[i]!;
    let sum = 0;
    for (let j = start; j < i; j++) {
      const value = a[row + j]! - vi * w[j]! - wi * v[j]!;
      a[row + j] = value;
      sum += value * x[j]!;
      y[j]! += value * xi;
    }
    const value = a[row + i]! - 2 * vi * wi;
    a[row + i] = value;
    y[i]! += sum + value * xi;
  }
}

/** The product H_0 H_1 ... of the reflectors kept in the upper triangle of `a`. */
function formOrthogonal(a: Float64Array, betas: Float64Array, n: number): Float64Array {
  const q = new Float64Array(n * n);
  const row = new Float64Array(n);
  // Row r of the transpose is e_r' ... H_1 H_0; reflectors from r on leave e_r alone.
  for (let r = 0; r < n; r++) {
    row.fill(0);
    row[r] = 1;
    for (let k = r - 1; k >= 0; k--) {
      const beta = betas[k]!;
      if (beta === 0) continue;
      const at = k * n;
      let dot = 0;
      for (let j = k + 1; j < n; j++) dot += row[j]! * a[at + j]!;
      dot *= beta;
      for (let j = k + 1; j < n; j++) row[j]! -= dot * a[at + j]!;
    }
    for (let j = 0; j < n; j++) q[j * n + r] = row[j]!;
  }
  return q;
}

/** Sweeps for one eigenvalue before giving up; two is usual. */
const MAX_SWEEPS = 60;
/** Rotations kept before they are applied: 1 MiB of cosines and sines. */
const BATCH = 65_536;

/**
 * Diagonalizes the tridiagonal matrix in place: `d` becomes the eigenvalues (unordered), the columns of the
 * row-major n x n matrix `z` are rotated along.
 */
function implicitQl(d: Float64Array, e: Float64Array, z: Float64Array, n: number): void {
  const rotations = new RotationBatch(z, n);
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++;
      if (m === l) break;
      if (sweep === MAX_SWEEPS) {
        throw new DataError({
          problem: 'the eigenvalues of a symmetric matrix did not converge',
          expected: `at most ${MAX_SWEEPS} QL sweeps for one eigenvalue`,
          got: `more, for eigenvalue ${l} of ${n}`,
        });
      }
      qlSweep(d, e, l, m, rotations);
    }
  }
  rotations.flush();
}

function qlSweep(d: Float64Array, e: Float64Array, l: number, m: number, rotations: RotationBatch): void {
  const slope = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  const length = Math.hypot(slope, 1);
  // d[m] minus the eigenvalue of the leading 2 x 2 block that lies nearer to d[l].
  let g = d[m]! - d[l]! + e[l]! / (slope + (slope < 0 ? -length : length));
  let sine = 1;
  let cosine = 1;
  let shift = 0;
  rotations.begin(m);
  for (let i = m - 1; i >= l; i--) {
    const bulge = sine * e[i]!;
    const b = cosine * e[i]!;
    const r = Math.sqrt(bulge * bulge + g * g);
    e[i + 1] = r;
    if (r === 0) {
      // The bulge vanished: the matrix has split above i + 1, and the sweep ends here.
      d[i + 1]! -= shift;
      e[m] = 0;
      return;
    }
    sine = bulge / r;
    cosine = g / r;
    g = d[i + 1]! - shift;
    const t = (d[i]! - g) * sine + 2 * cosine * b;
    shift = sine * t;
    d[i + 1] = g + shift;
    g = cosine * t - b;
    rotations.push(cosine, sine);
  }
  d[l]! -= shift;
  e[l] = g;
  e[m] = 0;
}

/** Plane rotations of neighbouring columns, kept until there are enough to be worth a pass over the matrix. */
class RotationBatch {
  readonly #z: Float64Array;
  readonly #n: number;
  readonly #cosSin = new Float64Array(2 * BATCH);
  #count = 0;
  /** For each sweep: the column it starts from and where its rotations begin. */
  readonly #columns: number[] = [];
  readonly #starts: number[] = [];

  constructor(z: Float64Array, n: number) {
    this.#z = z;
    this.#n = n;
  }

  /** Starts a sweep whose first rotation turns columns `column - 1` and `column`. */
  begin(column: number): void {
    if (this.#count + column > BATCH) this.flush();
    this.#columns.push(column);
    this.#starts.push(this.#count);
  }

  push(cosine: number, sine: number): void {
    this.#cosSin[2 * this.#count] = cosine;
    this.#cosSin[2 * this.#count + 1] = sine;
    this.#count++;
  }

  flush(): void {
    const n = this.#n;
    const starts = [...this.#starts, this.#count];
    for (let row = 0; row < n; row += 4) {
      const lanes = Math.min(4, n - row);
      for (let s = 0; s < this.#columns.length; s++) {
        const column = this.#columns[s]!;
        if (lanes === 4) rotateFour(this.#z, row * n + column, n, this.#cosSin, starts[s]!, starts[s + 1]!);
        else {
          for (let lane = 0; lane < lanes; lane++) {
            rotateOne(this.#z, (row + lane) * n + column, this.#cosSin, starts[s]!, starts[s + 1]!);
          }
        }
      }
    }
    this.#columns.length = 0;
    this.#starts.length = 0;
    this.#count = 0;
  }
}

/** Applies rotations `from` to `to` to one row, leftwards from element `at`. */
function rotateOne(z: Float64Array, at: number, cosSin: Float64Array, from: number, to: number): void {
  let carry = z[at]!;
  for (let r = from; r < to; r++) {
    const c = cosSin[2 * r]!;
    const s = cosSin[2 * r + 1]!;
    const low = z[--at]!;
    z[at + 1] = s * low + c * carry;
    carry = c * low - s * carry;
  }
  z[at] = carry;
}

/** {@link rotateOne} on four rows, `n` elements apart. */
function rotateFour(z: Float64Array, at: number, n: number, cosSin: Float64Array, from: number, to: number): void {
  let p0 = at;
  let p1 = p0 + n;
  let p2 = p1 + n;
  let p3 = p2 + n;
  let c0 = z[p0]!;
  let c1 = z[p1]!;
  let c2 = z[p2]!;
  let c3 = z[p3]!;
  for (let r = 2 * from; r < 2 * to; r += 2) {
    const c = cosSin[r]!;
    const s = cosSin[r + 1]!;
    const l0 = z[p0 - 1]!;
    const l1 = z[p1 - 1]!;
    const l2 = z[p2 - 1]!;
    const l3 = z[p3 - 1]!;
    z[p0--] = s * l0 + c * c0;
    z[p1--] = s * l1 + c * c1;
    z[p2--] = s * l2 + c * c2;
    z[p3--] = s * l3 + c * c3;
    c0 = c * l0 - s * c0;
    c1 = c * l1 - s * c1;
    c2 = c * l2 - s * c2;
    c3 = c * l3 - s * c3;
  }
  z[p0] = c0;
  z[p1] = c1;
  z[p2] = c2;
  z[p3] = c3;
}
