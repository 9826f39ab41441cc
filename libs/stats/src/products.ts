/**
 * Matrix products in double precision, in 4 x 4 tiles, so that each value loaded is used four times.
 *
 * Operands are packed first: four vectors interleaved (a quad), so that the kernel of a tile reads two contiguous
 * streams. See `kernels.ts`.
 */
import { Workspace, reusedWorkspace } from './kernels.ts';
import { type Float64Matrix, type Matrix, zeros } from './matrix.ts';

/** Vectors interleaved by fours: element r of vector 4 q + c is `data[(q * length + r) * 4 + c]`. What the last quad
 * lacks of four is anything: nobody reads the tiles it makes. */
interface Quads {
  data: Float64Array;
  /** Number of quads. */
  count: number;
  /** Elements of a vector. */
  length: number;
}

const DOUBLE = 8;
const TILE = 16;
/** Rows of the left operand that are packed at a time: working memory does not grow with their number. */
const SLAB_ROWS = 64;
/** Quads of the right operand that are used together: a quarter of a MiB of 128 rows. */
const STRETCH = 64;
const quadCount = (vectors: number) => Math.ceil(vectors / 4);
const quadSize = (vectors: number, length: number) => quadCount(vectors) * length * 4;

/** A B' for row-major A (m x r) and B (n x r). */
export function multiplyTransposed(a: Matrix, b: Matrix): Float64Matrix {
  return product(a, b, b.rows, packRows);
}

/** (A - mean) B' for row-major A (m x r), B (n x r) and the row `mean` (r). */
export function projectCentered(a: Matrix, mean: Float64Array, b: Matrix): Float64Matrix {
  return product(a, b, b.rows, packRows, mean);
}

/** A B for row-major A (m x r) and B (r x n). */
export function multiply(a: Matrix, b: Matrix): Float64Matrix {
  return product(a, b, b.cols, packColumns);
}

function product(
  a: Matrix,
  b: Matrix,
  cols: number,
  packB: (matrix: Matrix, into: Float64Array) => Quads,
  mean?: Float64Array,
): Float64Matrix {
  const result = zeros(a.rows, cols);
  if (result.data.length === 0 || a.cols === 0) return result;
  const height = Math.min(a.rows, SLAB_ROWS);
  const sizes = [quadSize(height, a.cols), quadSize(cols, a.cols), quadCount(height) * quadCount(cols) * TILE] as const;
  const workspace = reusedWorkspace(sizes);
  const [packed, packedB, tiles] = sizes.map((size) => workspace.array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const right = packB(b, packedB);
  for (let from = 0; from < a.rows; from += SLAB_ROWS) {
    const rows = Math.min(SLAB_ROWS, a.rows - from);
    const slab = { data: a.data.subarray(from * a.cols, (from + rows) * a.cols), rows, cols: a.cols };
    const left = packRows(slab, packed, mean);
    tiles.fill(0);
    for (let i = 0; i < left.count; i++) addTiles(workspace, left, i, right, 0, tiles);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) result.data[(from + i) * cols + j] = tiles[inTile(i, j, right.count)]!;
    }
  }
  return result;
}

/** The sum of X' X over blocks of rows X. */
export class GramSum {
  readonly #cols: number;
  readonly #workspace: Workspace;
  readonly #packed: Float64Array;
  readonly #tiles: Float64Array;

  /** @param maxRows the most rows that a block will have */
  constructor(cols: number, maxRows: number) {
    const sizes = [quadSize(cols, maxRows), quadCount(cols) ** 2 * TILE] as const;
    this.#cols = cols;
    this.#workspace = new Workspace(sizes);
    this.#packed = this.#workspace.array(sizes[0]);
    this.#tiles = this.#workspace.array(sizes[1]);
  }

  add(block: Matrix): void {
    const quads = packColumns(block, this.#packed);
    // A stretch of quads at a time, so that it stays in the second-level cache for every quad on the left.
    for (let from = 0; from < quads.count; from += STRETCH) {
      const to = Math.min(from + STRETCH, quads.count);
      for (let i = 0; i < to; i++) addTiles(this.#workspace, quads, i, quads, Math.max(i, from), this.#tiles, to);
    }
  }

  /** The whole symmetric matrix, cols x cols. */
  finish(): Float64Matrix {
    const n = this.#cols;
    const result = zeros(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = i; j < n; j++) {
        const value = this.#tiles[inTile(i, j, quadCount(n))]!;
        result.data[i * n + j] = value;
        result.data[j * n + i] = value;
      }
    }
    return result;
  }
}

/** Adds the dot products of quad `i` of `left` with the quads `j` to `end` of `right` to row `i` of the tiles. */
function addTiles(
  { kernels }: Workspace,
  left: Quads,
  i: number,
  right: Quads,
  j: number,
  tiles: Float64Array,
  end = right.count,
): void {
  const bytes = left.length * 4 * DOUBLE;
  const row = tiles.byteOffset + i * right.count * TILE * DOUBLE;
  kernels.dotTiles(
    left.data.byteOffset + i * bytes,
    bytes,
    right.data.byteOffset + j * bytes,
    row + j * TILE * DOUBLE,
    row + end * TILE * DOUBLE,
  );
}

/** Where element (i, j) of a product lies, with `across` tiles in a row of tiles. */
function inTile(i: number, j: number, across: number): number {
  return ((i >> 2) * across + (j >> 2)) * TILE + (j & 3) * 4 + (i & 3);
}

function packRows({ data, rows, cols }: Matrix, into: Float64Array, mean?: Float64Array): Quads {
  const count = quadCount(rows);
  for (let quad = 0; quad < count; quad++) {
    const [a, b, c, d] = [0, 1, 2, 3].map((row) => Math.min(4 * quad + row, rows - 1) * cols) as [
      number,
      number,
      number,
      number,
    ];
    const to = quad * cols * 4;
    for (let r = 0; r < cols; r++) {
      const shift = mean ? mean[r]! : 0;
      const at = to + 4 * r;
      into[at] = data[a + r]! - shift;
      into[at + 1] = data[b + r]! - shift;
      into[at + 2] = data[c + r]! - shift;
      into[at + 3] = data[d + r]! - shift;
    }
  }
  return { data: into, count, length: cols };
}

function packColumns({ data, rows, cols }: Matrix, into: Float64Array): Quads {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < cols; j++) into[((j >> 2) * rows + r) * 4 + (j & 3)] = data[r * cols + j]!;
  }
  return { data: into, count: quadCount(cols), length: rows };
}
