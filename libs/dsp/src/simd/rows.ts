/** The row kernels with matrices for arguments: chunks of rows go in, numbers per row come out. */
import type { Matrix } from '../matrix.ts';
import { columnsBytes, columnsOf } from './resident.ts';
import { scratch, type Scratch } from './runtime.ts';

/** Bounds the scratch memory whatever the number of frames; small enough for a second-level cache. */
const CHUNK_BYTES = 1 << 19;

/**
 * Visits the rows of S in chunks that lie in the kernels' memory.
 *
 * @param prepare lays out what all chunks share, and gives the visitor of one chunk: the address of its rows,
 *   the index of the first and their number
 */
export function eachChunk(
  S: Matrix,
  prepare: (memory: Scratch, chunk: number) => (at: number, first: number, count: number) => void,
): void {
  const { rows, cols } = S;
  const columnsAt = columnsOf(S);
  const memory = scratch();
  const fours = Math.max(1, Math.floor(CHUNK_BYTES / (cols * 16)));
  const chunk = Math.min(rows, 4 * fours);
  const at = memory.alloc(Math.ceil(chunk / 4) * cols * 16);
  const visit = prepare(memory, chunk);
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    if (columnsAt === undefined) {
      memory.f32(at, count * cols).set(S.data.subarray(first * cols, (first + count) * cols));
    } else {
      const from = columnsAt + columnsBytes(first, cols);
      memory.kernels.rowsOfColumns(from, columnsBytes(count, cols), cols * 16, at);
    }
    visit(at, first, count);
  }
}

/** Rows that are visited as columns at a time. A multiple of four. */
const ROWS = 64;

/**
 * Visits the rows of S as columns in the kernels' memory: for every four rows, a vector of four values per bin.
 *
 * @param prepare lays out what all visits need, of at most so many rows, and gives the visitor: the address of the columns,
 *   the index of the first row and their number; where it is no multiple of four, the last columns hold other values too
 */
export function eachColumns(
  S: Matrix,
  prepare: (memory: Scratch, most: number) => (at: number, first: number, count: number) => void,
): void {
  const { rows, cols } = S;
  const residentAt = columnsOf(S);
  const memory = scratch();
  const pitch = cols * 4;
  const rowsAt = residentAt === undefined ? memory.alloc(4 * pitch) : 0;
  const columnsAt = residentAt === undefined ? memory.alloc(columnsBytes(Math.min(ROWS, rows), cols)) : 0;
  const visit = prepare(memory, Math.min(ROWS, Math.ceil(rows / 4) * 4));
  const transposed = (first: number, count: number) => {
    for (let row = 0; row < count; row += 4) {
      const from = (first + row) * cols;
      const size = Math.min(4, count - row) * cols;
      const four = memory.f32(rowsAt, 4 * cols);
      four.set(S.data.subarray(from, from + size));
      four.fill(0, size);
      memory.kernels.columns(rowsAt, pitch, pitch, columnsAt + columnsBytes(row, cols));
    }
    return columnsAt;
  };
  for (let first = 0; first < rows; first += ROWS) {
    const count = Math.min(ROWS, rows - first);
    visit(residentAt === undefined ? transposed(first, count) : residentAt + columnsBytes(first, cols), first, count);
  }
}

/**
 * What a kernel makes of every four rows, as a matrix.
 *
 * @param prepare gives what leaves `width` columns of results at `to` of the columns at `from`
 */
function mapColumns(
  S: Matrix,
  width: number,
  prepare: (memory: Scratch) => (from: number, to: number) => void,
): Matrix {
  const data = new Float32Array(S.rows * width);
  eachColumns(S, (memory, most) => {
    const results = memory.alloc(columnsBytes(most, width));
    const out = memory.alloc(columnsBytes(most, width));
    const run = prepare(memory);
    return (at, first, count) => {
      for (let row = 0; row < count; row += 4) run(at + columnsBytes(row, S.cols), results + columnsBytes(row, width));
      memory.kernels.rowsOfColumns(results, columnsBytes(count, width), width * 16, out);
      data.set(memory.f32(out, count * width), first * width);
    };
  });
  return { data, rows: S.rows, cols: width };
}

/** The square root of every value. */
export function squareRoots(S: Matrix): Matrix {
  const out = new Float32Array(S.rows * S.cols);
  eachChunk(S, (memory) => (at, first, count) => {
    const values = count * S.cols;
    memory.kernels.sqrt(at, at, Math.ceil(values / 4) * 16);
    out.set(memory.f32(at, values), first * S.cols);
  });
  return { data: out, rows: S.rows, cols: S.cols };
}

/** Filters as long as a spectrogram's frame, in the form that {@link projectRows} takes. */
export interface FilterBank {
  readonly filters: number;
  readonly cols: number;
  /** For four filters after the other, the weights of the four bin by bin; zeros for an even number of bins. */
  readonly weights: Float32Array;
}

const GROUP = 4;
const evenly = (cols: number) => cols + (cols % 2);

export function filterBank(filters: number, cols: number, weight: (filter: number, bin: number) => number): FilterBank {
  const weights = new Float32Array(Math.ceil(filters / GROUP) * GROUP * evenly(cols));
  const bank = { filters, cols, weights };
  for (let f = 0; f < filters; f++)
    for (let bin = 0; bin < cols; bin++) weights[placeOf(bank, f, bin)] = weight(f, bin);
  return bank;
}

const placeOf = ({ cols }: FilterBank, filter: number, bin: number) =>
  (Math.floor(filter / GROUP) * evenly(cols) + bin) * GROUP + (filter % GROUP);

/** The weights as a matrix, filters x bins. */
export function bankMatrix(bank: FilterBank): Matrix {
  const { filters: rows, cols, weights } = bank;
  const place = (i: number) => placeOf(bank, Math.floor(i / cols), i % cols);
  return { data: Float32Array.from({ length: rows * cols }, (_, i) => weights[place(i)]!), rows, cols };
}

/** out[frame, filter] = sum over bins of S[frame, bin] * bank[filter, bin]. */
export function projectRows(S: Matrix, { filters, cols, weights }: FilterBank): Matrix {
  return mapColumns(S, filters, (memory) => {
    const { quadProject } = memory.kernels;
    const weightsAt = memory.put(weights);
    const groupBytes = GROUP * evenly(cols) * 4;
    return (from, to) => quadProject(from, weightsAt, weights.byteLength, groupBytes, to);
  });
}

/** One band: its first bin, and the weights from there on; none if it lies between two bins. */
export interface Run {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Bands that each cover a short run of bins, in the form that {@link bandRows} takes. */
export interface BandBank {
  readonly bands: number;
  /** First byte in the columns and bytes of the weights of each run, in turn. */
  readonly table: Int32Array;
  /** The runs' weights, each padded to a multiple of four. */
  readonly weights: Float32Array;
}

export function bandBank(runs: readonly Run[]): BandBank {
  const table = new Int32Array(2 * runs.length);
  const weights: number[] = [];
  runs.forEach((run, band) => {
    const padding = -run.weights.length & 3;
    table[2 * band] = run.first * 16;
    table[2 * band + 1] = (run.weights.length + padding) * 4;
    weights.push(...run.weights, ...new Array<number>(padding).fill(0));
  });
  return { bands: runs.length, table, weights: Float32Array.from(weights) };
}

/** out[frame, band] = sum over the band's bins of S[frame, bin] * weight. */
export function bandRows(S: Matrix, { bands, table, weights }: BandBank): Matrix {
  return mapColumns(S, bands, (memory) => {
    const { quadBands } = memory.kernels;
    const [tableAt, weightsAt] = [memory.put(table), memory.put(weights)];
    return (from, to) => quadBands(from, tableAt, table.byteLength, weightsAt, to);
  });
}

/**
 * Per frame: the least value (0 may count as one), the sum of the values, and their sum weighted by `freq`, or,
 * given a centre per frame, by (freq - centre)^2.
 */
export function momentRows(S: Matrix, freq: Float64Array, centres?: Float64Array): Float64Array {
  const out = new Float64Array(3 * S.rows);
  const pitch = S.cols * 4;
  eachChunk(S, (memory, chunk) => {
    const freqAt = memory.put(freq);
    const last = S.cols % 2;
    const width = (S.cols - last) * 4;
    const centresAt = memory.alloc(chunk * 8);
    const outAt = memory.alloc(chunk * 24);
    return (at, first, count) => {
      const bytes = count * pitch;
      if (centres) {
        memory.f64(centresAt, count).set(centres.subarray(first, first + count));
        memory.kernels.spread(at, bytes, pitch, width, freqAt, last, centresAt, outAt);
      } else memory.kernels.moments(at, bytes, pitch, width, freqAt, last, outAt);
      out.set(memory.f64(outAt, 3 * count), 3 * first);
    };
  });
  return out;
}

/** Numbers of {@link decibelsOf}; gain * value and amin are normal float32. */
export interface LevelNumbers {
  readonly gain: number;
  readonly amin: number;
  readonly scale: number;
  readonly floor: number;
  readonly zero: number;
}

/** max(floor, scale * ln(max(amin, gain * value))) - zero of every value, in float32. */
export function decibelsOf(S: Matrix, { gain, amin, scale, floor, zero }: LevelNumbers): Matrix {
  const out = new Float32Array(S.data.length);
  eachChunk(S, (memory) => (at, first, count) => {
    const values = count * S.cols;
    memory.kernels.decibels(at, at, Math.ceil(values / 4) * 16, gain, amin, scale, floor, zero);
    out.set(memory.f32(at, values), first * S.cols);
  });
  return { data: out, rows: S.rows, cols: S.cols };
}
