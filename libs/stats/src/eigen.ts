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
 *   then applied to eight rows at a time, which stay in the cache throughout.
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
  const panels = Math.ceil(n / PANEL) * PANEL * n;
  const workspace = new Workspace([n * n, panels, PANEL * n, 2 * BATCH, n, n, n, n]);
  const a = workspace.array(n * n);
  const scale = powerOfTwoNear(matrix.data);
  for (let i = 0; i < a.length; i++) a[i] = matrix.data[i]! / scale;
  const z = workspace.array(panels);
  const { diagonal, offDiagonal, betas } = tridiagonalize(a, n, workspace);
  formOrthogonal(a, betas, z, n, workspace);
  implicitQl(diagonal, offDiagonal, new RotationBatch(z, n, workspace));
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  const vectors = zeros(n, n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors.data[to * n + i] = z[inPanel(i, from, n)]!;
  });
  return { values: Float64Array.from(order, (index) => diagonal[index]! * scale), vectors };
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

/** Where element (row, column) of an n x n matrix lies among its panels of eight interleaved rows. */
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

/** Writes the product H_0 H_1 ... of the reflectors kept in the upper triangle of `a` to the panels `q`. */
function formOrthogonal(a: Float64Array, betas: Float64Array, q: Float64Array, n: number, workspace: Workspace): void {
  const panel = workspace.array(PANEL * n);
  for (let first = 0; first < n; first += PANEL) {
    // Row r of the transpose is e_r' ... H_1 H_0; reflectors from r on leave e_r alone.
    const rows = Math.min(PANEL, n - first);
    panel.fill(0);
    for (let lane = 0; lane < rows; lane++) panel[(first + lane) * PANEL + lane] = 1;
    for (let k = first + rows - 2; k >= 0; k--) {
      const row = a.byteOffset + k * n * 8;
      const z = panel.byteOffset + (k + 1) * PANEL * 8;
      if (betas[k] !== 0) workspace.kernels.reflect(z, row + (k + 1) * 8, row + n * 8, betas[k]!);
    }
    for (let j = 0; j < n; j++) {
      for (let lane = 0; lane < rows; lane++) q[inPanel(j, first + lane, n)] = panel[j * PANEL + lane]!;
    }
  }
}

/** Sweeps for one eigenvalue before giving up; two is usual. */
const MAX_SWEEPS = 60;
/** Rotations kept before they are applied: half a MiB, which shares a second-level cache with a panel. */
const BATCH = 32_768;

/** Diagonalizes the tridiagonal matrix: `d` becomes the eigenvalues, unordered; the rotations are handed on. */
function implicitQl(d: Float64Array, e: Float64Array, rotations: RotationBatch): void {
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
  readonly #cosSin: Float64Array;
  readonly #workspace: Workspace;
  #count = 0;
  /** For each sweep: the column it starts from and where its rotations begin. */
  readonly #columns: number[] = [];
  readonly #starts: number[] = [];

  /** @param z panels of the n x n matrix whose columns are turned */
  constructor(z: Float64Array, n: number, workspace: Workspace) {
    this.#z = z;
    this.#n = n;
    this.#workspace = workspace;
    this.#cosSin = workspace.array(2 * BATCH);
  }

  /** Starts a sweep of at most `column` rotations, the first of columns `column - 1` and `column`. */
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
    const starts = [...this.#starts, this.#count];
    const base = this.#cosSin.byteOffset;
    for (let row = 0; row < this.#n; row += PANEL) {
      const panel = this.#z.byteOffset + row * this.#n * 8;
      this.#columns.forEach((column, s) => {
        const [from, to] = [starts[s]!, starts[s + 1]!];
        if (to > from) this.#workspace.kernels.rotate(panel + column * PANEL * 8, base + from * 16, base + to * 16);
      });
    }
    this.#columns.length = 0;
    this.#starts.length = 0;
    this.#count = 0;
  }
}
