/**
 * Eigenvalues and eigenvectors of a real symmetric matrix.
 *
 * Householder reduction to tridiagonal form, then implicit QL with Wilkinson's shift: the classic pair
 * (Martin, Reinsch and Wilkinson 1968; Dubrulle 1970; Golub and Van Loan, "Matrix Computations", 8.3), which
 * is backward stable and always returns orthogonal vectors. What is ours is the order of memory access:
 *
 * - reduction: the rank-two update of one step and the matrix-vector product of the next share one pass over
 *   the lower triangle, so each step reads and writes the matrix once, along rows;
 * - vectors: the scalar QL recurrence never looks at them, so its rotations are kept. Undone in reverse on unit
 *   vectors, eight at a time, they give the eigenvectors that are asked for and no others: few of many, for a PCA.
 *
 * The loops over rows are WebAssembly kernels (`kernels.ts`).
 */
import { DataError } from '@prosodia/core';
import { PANEL, Workspace } from './kernels.ts';
import { type Float64Matrix, type Matrix, requireFinite, requireShape, zeros } from './matrix.ts';

export interface Eigen {
  /** Eigenvalues in decreasing order. */
  values: Float64Array;
  /** Row i is the unit eigenvector of `values[i]`; its sign is arbitrary. */
  vectors: Float64Matrix;
}

/** Eigenvalues, and as many of their vectors as are wanted. */
export interface Spectrum {
  /** Eigenvalues in decreasing order. */
  values: Float64Array;
  /** Unit eigenvectors of the first `count` values, as rows: count x n. */
  leading(count: number): Float64Matrix;
}

/**
 * All eigenvalues and eigenvectors of a symmetric matrix; only the lower triangle is read.
 *
 * O(n^3) time, four n x n matrices of memory beside the input.
 *
 * @throws DataError if the matrix is not square, not finite, or QL does not converge (never seen)
 */
export function symmetricEigen(matrix: Matrix): Eigen {
  const { values, leading } = symmetricSpectrum(matrix);
  return { values, vectors: leading(matrix.rows) };
}

/** As {@link symmetricEigen}, for those who want to see the values before they ask for vectors. */
export function symmetricSpectrum(matrix: Matrix): Spectrum {
  const n = matrix.rows;
  requireShape(matrix, n);
  requireFinite(matrix);
  const workspace = new Workspace([n * n, n, n, n, n]);
  const a = workspace.array(n * n);
  const scale = powerOfTwoNear(matrix.data);
  for (let i = 0; i < a.length; i++) a[i] = matrix.data[i]! / scale;
  const { diagonal, offDiagonal, betas } = tridiagonalize(a, n, workspace);
  const rotations = new Rotations();
  implicitQl(diagonal, offDiagonal, rotations);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  return {
    values: Float64Array.from(order, (index) => diagonal[index]! * scale),
    leading: (count) => vectorsOf(order.slice(0, count), { reflectors: a, betas, rotations }),
  };
}

/**
 * Columns `wanted` of the product of all reflectors and rotations, as rows: each is a unit vector, on which they act
 * in reverse order.
 */
function vectorsOf(
  wanted: readonly number[],
  { reflectors, betas, rotations }: { reflectors: Float64Array; betas: Float64Array; rotations: Rotations },
): Float64Matrix {
  const n = betas.length;
  const panels = Math.ceil(wanted.length / PANEL);
  const workspace = new Workspace([n * n, panels * PANEL * n, 2 * BATCH]);
  const a = workspace.array(n * n);
  a.set(reflectors);
  const z = workspace.array(panels * PANEL * n);
  const batch = workspace.array(2 * BATCH);
  wanted.forEach((column, k) => (z[inPanel(k, column, n)] = 1));
  rotations.undo(z, n, batch, workspace);
  for (let panel = 0; panel < panels; panel++) {
    const start = z.byteOffset + panel * PANEL * n * 8;
    for (let k = n - 2; k >= 0; k--) {
      if (betas[k] === 0) continue;
      const row = a.byteOffset + k * n * 8;
      workspace.kernels.reflect(start + (k + 1) * PANEL * 8, row + (k + 1) * 8, row + n * 8, betas[k]!);
    }
  }
  const vectors = zeros(wanted.length, n);
  for (let k = 0; k < wanted.length; k++) {
    for (let i = 0; i < n; i++) vectors.data[k * n + i] = z[inPanel(k, i, n)]!;
  }
  return vectors;
}

/**
 * A power of two near the largest magnitude: dividing by it is exact, and keeps the squares that the algorithm
 * forms from overflow and underflow.
 */
function powerOfTwoNear(data: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i]!));
  return largest > 0 ? 2 ** Math.min(Math.max(Math.floor(Math.log2(largest)), -1022), 1023) : 1;
}

/** Where element (row, column) of a matrix of n columns lies among its panels of eight interleaved rows. */
function inPanel(row: number, column: number, n: number): number {
  return (Math.floor(row / PANEL) * n + column) * PANEL + (row % PANEL);
}

/**
 * Reduces `a` (n x n, lower triangle) to tridiagonal form in place. Row k of the upper triangle receives the
 * Householder vector of step k, `H_k = I - betas[k] v v'`, with v in columns k+1 to n-1.
 */
function tridiagonalize(a: Float64Array, n: number, workspace: Workspace) {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  const v = workspace.array(n);
  const w = workspace.array(n);
  const x = workspace.array(n);
  const y = workspace.array(n);
  const updateRow = rowUpdater(workspace, a, v, w, x, y);
  for (let k = 0; k < n; k++) {
    // Bring column k up to date with the update left from the step before.
    for (let i = k; i < n; i++) x[i] = a[i * n + k]! - v[i]! * w[k]! - w[i]! * v[k]!;
    diagonal[k] = x[k]!;
    if (k === n - 1) break;
    const { alpha, beta } = reflector(x, k + 1, n);
    offDiagonal[k] = alpha;
    betas[k] = beta;
    a.set(x.subarray(k + 1), k * n + k + 1);
    // A -= v w' + w v' and y = A x in one pass over the lower triangle.
    y.fill(0, k + 1);
    for (let i = k + 1; i < n; i++) {
      const at = i * n + i;
      const sum = updateRow(i, k + 1);
      a[at]! -= 2 * v[i]! * w[i]!;
      y[i]! += sum + a[at]! * x[i]!;
    }
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
 * The work on row i from column `start` up to the diagonal: a -= v[i] w + w[i] v, y += a x[i]; returns the dot
 * product of the new row with x.
 */
function rowUpdater(
  { kernels }: Workspace,
  a: Float64Array,
  v: Float64Array,
  w: Float64Array,
  x: Float64Array,
  y: Float64Array,
): (i: number, start: number) => number {
  const n = v.length;
  return (i, start) => {
    const vi = v[i]!;
    const wi = w[i]!;
    const xi = x[i]!;
    const row = i * n;
    const even = start + Math.floor((i - start) / 2) * 2;
    let sum = 0;
    if (even > start) {
      const skip = start * 8;
      const [from, to] = [a.byteOffset + (row + start) * 8, a.byteOffset + (row + even) * 8];
      sum = kernels.updateRow(
        from,
        to,
        v.byteOffset + skip,
        w.byteOffset + skip,
        x.byteOffset + skip,
        y.byteOffset + skip,
        vi,
        wi,
        xi,
      );
    }
    if (even < i) {
      const value = a[row + even]! - vi * w[even]! - wi * v[even]!;
      a[row + even] = value;
      sum += value * x[even]!;
      y[even]! += value * xi;
    }
    return sum;
  };
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

/** Sweeps for one eigenvalue before giving up; two is usual. */
const MAX_SWEEPS = 60;
/** Rotations that are kept, and undone, together: half a MiB, which shares a second-level cache with a panel. */
const BATCH = 32_768;

/** Diagonalizes the tridiagonal matrix: `d` becomes the eigenvalues, unordered; the rotations are handed on. */
function implicitQl(d: Float64Array, e: Float64Array, rotations: Rotations): void {
  const n = d.length;
  // The tridiagonal form itself is exact only to the rounding of its largest entries. Measured against its
  // neighbours alone, an entry between two eigenvalues that are 0 but for rounding would never be small.
  const negligible =
    Number.EPSILON * d.reduce((norm, value, i) => Math.max(norm, Math.abs(value) + Math.abs(e[i]!)), 0);
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > negligible) m++;
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
}

function qlSweep(d: Float64Array, e: Float64Array, l: number, m: number, rotations: Rotations): void {
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

/** Sweeps of plane rotations of neighbouring columns, in the order they were found. */
class Rotations {
  readonly #batches: Batch[] = [];

  /** Starts a sweep of at most `column` rotations, the first of columns `column - 1` and `column`. */
  begin(column: number): void {
    const last = this.#batches.at(-1);
    const batch = last && last.count + column <= BATCH ? last : this.#add(column);
    batch.columns.push(column);
    batch.starts.push(batch.count);
  }

  push(cosine: number, sine: number): void {
    const batch = this.#batches.at(-1)!;
    batch.cosSin[2 * batch.count] = cosine;
    batch.cosSin[2 * batch.count + 1] = sine;
    batch.count++;
  }

  /** Undoes all of them, the last first, on the panels `z`; `room` holds one batch at a time. */
  undo(z: Float64Array, n: number, room: Float64Array, { kernels }: Workspace): void {
    for (const { cosSin, count, columns, starts } of this.#batches.toReversed()) {
      room.set(cosSin.subarray(0, 2 * count));
      for (let panel = z.byteOffset; panel < z.byteOffset + z.byteLength; panel += PANEL * n * 8) {
        for (let s = columns.length - 1; s >= 0; s--) {
          const [from, to] = [starts[s]!, starts[s + 1] ?? count];
          const low = panel + (columns[s]! - (to - from)) * PANEL * 8;
          if (to > from) kernels.unrotate(low, room.byteOffset + from * 16, room.byteOffset + to * 16);
        }
      }
    }
  }

  #add(least: number): Batch {
    const batch = { cosSin: new Float64Array(2 * Math.max(least, BATCH)), count: 0, columns: [], starts: [] };
    this.#batches.push(batch);
    return batch;
  }
}

interface Batch {
  /** Pairs. */
  readonly cosSin: Float64Array;
  count: number;
  /** For each sweep: the column it starts from and where its rotations begin. */
  readonly columns: number[];
  readonly starts: number[];
}
