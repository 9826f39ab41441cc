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

/**
 * Visits the rows of S four at a time as columns, a vector of four values per bin, in the kernels' memory.
 *
 * @param prepare lays out what all need, and gives the visitor: the address of the columns, the index of the first row
 *   and how many of the four are rows of S
 */
export function eachFour(
  S: Matrix,
  prepare: (memory: Scratch) => (at: number, first: number, count: number) => void,
): void {
  const { rows, cols } = S;
  const residentAt = columnsOf(S);
  const memory = scratch();
  const pitch = cols * 4;
  const rowsAt = residentAt === undefined ? memory.alloc(4 * pitch) : 0;
  const columnsAt = residentAt === undefined ? memory.alloc(4 * pitch) : 0;
  const visit = prepare(memory);
  for (let first = 0; first < rows; first += 4) {
    const count = Math.min(4, rows - first);
    if (residentAt !== undefined) visit(residentAt + columnsBytes(first, cols), first, count);
    else {
      const four = memory.f32(rowsAt, 4 * cols);
      four.set(S.data.subarray(first * cols, (first + count) * cols));
      four.fill(0, count * cols);
      memory.kernels.columns(rowsAt, pitch, pitch, columnsAt);
      visit(columnsAt, first, count);
    }
  }
}

/** The square root of every value. */
export function squareRoots(S: Matrix): Matrix {
  const out = new Float32Array(S.rows * S.cols);
  eachChunk(S, (memory) => (at, first, count) => {
    const values = count * S.cols;
    memory.kernels.sqrt(at, at, Math.ceil(values / 4) * 16);
    out.set(memory.f32(at, values), first * S.cols);
  });
  return { ...S, data: out };
}

/** Filters as long as a spectrogram's frame, in the form that {@link projectRows} takes. */
export interface FilterBank {
  readonly filters: number;
  /** Filters, a multiple of four, of `width` values each, a multiple of four. */
  readonly padded: Float32Array;
  readonly width: number;
}

export function filterBank(filters: number, cols: number, weight: (filter: number, bin: number) => number): FilterBank {
  const width = Math.ceil(cols / 4) * 4;
  const padded = new Float32Array(Math.ceil(filters / 4) * 4 * width);
  for (let f = 0; f < filters; f++) for (let bin = 0; bin < cols; bin++) padded[f * width + bin] = weight(f, bin);
  return { filters, padded, width };
}

/** out[frame, filter] = sum over bins of S[frame, bin] * bank[filter, bin]. */
export function projectRows(S: Matrix, { filters, padded, width }: FilterBank): Matrix {
  const data = new Float32Array(S.rows * filters);
  const stored = padded.length / width;
  eachChunk(S, (memory, chunk) => {
    const bank = memory.put(padded);
    const pitch = stored * 4;
    const out = memory.alloc((chunk + 1) * pitch);
    return (at, first, count) => {
      memory.kernels.project(at, count * S.cols * 4, S.cols * 4, bank, padded.byteLength, width * 4, out, pitch);
      const values = memory.f32(out, count * stored);
      if (stored === filters) data.set(values, first * filters);
      else {
        for (let row = 0; row < count; row++) {
          data.set(values.subarray(row * stored, row * stored + filters), (first + row) * filters);
        }
      }
    };
  });
  return { data, rows: S.rows, cols: filters };
}

/** Bands that each cover a short run of bins, in the form that {@link bandRows} takes. */
export interface BandBank {
  /** First byte and bytes of each run, in turn. */
  readonly table: Int32Array;
  /** The runs' weights, each padded to a multiple of four. */
  readonly weights: Float32Array;
}

export function bandBank(runs: readonly { first: number; weights: readonly number[] }[]): BandBank {
  const table = new Int32Array(2 * runs.length);
  const weights: number[] = [];
  runs.forEach((run, band) => {
    const padding = -run.weights.length & 3;
    table[2 * band] = run.first * 4;
    table[2 * band + 1] = (run.weights.length + padding) * 4;
    weights.push(...run.weights, ...new Array<number>(padding).fill(0));
  });
  return { table, weights: Float32Array.from(weights) };
}

/** out[frame, band] = sum over the band's bins of S[frame, bin] * weight. */
export function bandRows(S: Matrix, { table, weights }: BandBank): Matrix {
  const bands = table.length / 2;
  // The last four rows may be fewer, but four are written.
  const data = new Float32Array(S.rows * bands);
  eachFour(S, (memory) => {
    const tableAt = memory.put(table);
    const weightsAt = memory.put(weights);
    const out = memory.alloc(4 * bands * 4);
    return (at, first, count) => {
      memory.kernels.quadBands(at, tableAt, table.byteLength, weightsAt, out, bands * 4);
      data.set(memory.f32(out, count * bands), first * bands);
    };
  });
  return { data, rows: S.rows, cols: bands };
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
  return { ...S, data: out };
}
