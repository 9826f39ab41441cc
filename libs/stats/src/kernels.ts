/**
 * The inner loops of matrix products and of the symmetric eigenproblem, in WebAssembly SIMD (see `wasm.ts`).
 *
 * Data lives in a {@link Workspace}: one memory, cut into arrays of doubles that JavaScript sees as
 * Float64Arrays and the kernels by byte address.
 */
import { RequestError } from '@prosodia/core';
import {
  FunctionBuilder,
  advance,
  assemble,
  get,
  load,
  loadSplat,
  loopUntil,
  minus,
  plus,
  set,
  splat,
  store,
  sumAddresses,
  sumLanes,
  times,
  zero,
} from './wasm.ts';

/** The kernels; addresses and ends in bytes, loops run at least once. */
interface Kernels {
  /**
   * Adds to each of the 4 x 4 tiles from `c` to `cEnd` the dot products of quad `a` with the next quad from `b` on.
   * A quad interleaves four vectors, `bytes` bytes in all; element 4 q + p of a tile belongs to vector p of `a`, q of `b`.
   */
  dotTiles(a: number, bytes: number, b: number, c: number, cEnd: number): void;
  /**
   * On a row of doubles from `a` to `aEnd`, an even number: a -= vi * w + wi * v, y += a * xi; returns the dot product a x.
   */
  updateRow(
    a: number,
    aEnd: number,
    v: number,
    w: number,
    x: number,
    y: number,
    vi: number,
    wi: number,
    xi: number,
  ): number;
  /** On a panel of eight interleaved rows: z -= beta (z v) v', for the doubles of v from `v` to `vEnd`. */
  reflect(z: number, v: number, vEnd: number, beta: number): void;
  /** On a panel: rotations (pairs of cosine and sine) of neighbouring columns, leftwards from column address `z`. */
  rotate(z: number, rotations: number, rotationsEnd: number): void;
}

/** Rows of a panel: the values of eight rows in one column lie side by side. */
export const PANEL = 8;
const VECTORS = PANEL / 2;
const DOUBLE = 8;
const PAGE = 65_536;
const MAX_PAGES = 65_536;

function dotTiles(): FunctionBuilder {
  const f = new FunctionBuilder('dotTiles');
  const a = f.parameter('i32');
  const bytes = f.parameter('i32');
  const b = f.parameter('i32');
  const c = f.parameter('i32');
  const cEnd = f.parameter('i32');
  const at = f.local('i32');
  const aEnd = f.local('i32');
  const low = f.local('v128');
  const high = f.local('v128');
  const sums = f.vectors(8);
  return f.body(
    set(aEnd, sumAddresses(a, bytes)),
    loopUntil(
      c,
      cEnd,
      ...sums.map((sum, i) => set(sum, load(c, 16 * i))),
      set(at, get(a)),
      loopUntil(
        at,
        aEnd,
        set(low, load(at, 0)),
        set(high, load(at, 16)),
        ...sums.map((sum, i) =>
          set(sum, plus(get(sum), times(get(i % 2 ? high : low), loadSplat(b, DOUBLE * (i >> 1))))),
        ),
        advance(at, 32),
        advance(b, 32),
      ),
      ...sums.map((sum, i) => store(c, 16 * i, get(sum))),
      advance(c, 16 * DOUBLE),
    ),
  );
}

function updateRow(): FunctionBuilder {
  const f = new FunctionBuilder('updateRow', 'f64');
  const a = f.parameter('i32');
  const aEnd = f.parameter('i32');
  const v = f.parameter('i32');
  const w = f.parameter('i32');
  const x = f.parameter('i32');
  const y = f.parameter('i32');
  const scalars = [0, 1, 2].map(() => f.parameter('f64'));
  const vi = f.local('v128');
  const wi = f.local('v128');
  const xi = f.local('v128');
  const value = f.local('v128');
  const sum = f.local('v128');
  return f.body(
    ...[vi, wi, xi].map((vector, i) => set(vector, splat(get(scalars[i]!)))),
    loopUntil(
      a,
      aEnd,
      set(value, minus(minus(load(a), times(get(vi), load(w))), times(get(wi), load(v)))),
      store(a, 0, get(value)),
      set(sum, plus(get(sum), times(get(value), load(x)))),
      store(y, 0, plus(load(y), times(get(value), get(xi)))),
      ...[a, v, w, x, y].map((address) => advance(address, 16)),
    ),
    sumLanes(sum),
  );
}

function reflect(): FunctionBuilder {
  const f = new FunctionBuilder('reflect');
  const z = f.parameter('i32');
  const v = f.parameter('i32');
  const vEnd = f.parameter('i32');
  const beta = f.parameter('f64');
  const zAt = f.local('i32');
  const vAt = f.local('i32');
  const element = f.local('v128');
  const dots = f.vectors(VECTORS);
  const walk = (...body: (readonly number[])[]) => [
    ...set(zAt, get(z)),
    ...set(vAt, get(v)),
    ...loopUntil(vAt, vEnd, set(element, loadSplat(vAt)), ...body, advance(zAt, PANEL * DOUBLE), advance(vAt, DOUBLE)),
  ];
  return f.body(
    ...dots.map((dot) => set(dot, zero)),
    walk(...dots.map((dot, i) => set(dot, plus(get(dot), times(get(element), load(zAt, 16 * i)))))),
    ...dots.map((dot) => set(dot, times(get(dot), splat(get(beta))))),
    walk(...dots.map((dot, i) => store(zAt, 16 * i, minus(load(zAt, 16 * i), times(get(dot), get(element)))))),
  );
}

function rotate(): FunctionBuilder {
  const f = new FunctionBuilder('rotate');
  const z = f.parameter('i32');
  const at = f.parameter('i32');
  const end = f.parameter('i32');
  const cosine = f.local('v128');
  const sine = f.local('v128');
  const low = f.local('v128');
  const carries = f.vectors(VECTORS);
  const column = PANEL * DOUBLE;
  return f.body(
    ...carries.map((carry, i) => set(carry, load(z, 16 * i))),
    loopUntil(
      at,
      end,
      set(cosine, loadSplat(at, 0)),
      set(sine, loadSplat(at, DOUBLE)),
      advance(z, -column),
      ...carries.flatMap((carry, i) => [
        set(low, load(z, 16 * i)),
        store(z, column + 16 * i, plus(times(get(sine), get(low)), times(get(cosine), get(carry)))),
        set(carry, minus(times(get(cosine), get(low)), times(get(sine), get(carry)))),
      ]),
      advance(at, 16),
    ),
    ...carries.map((carry, i) => store(z, 16 * i, get(carry))),
  );
}

/** What is used of WebAssembly: Node's types leave it out, and those that have it bring a whole browser. */
interface WebAssemblyApi {
  Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

let compiled: object | undefined;

/** Memory for the kernels, and the kernels on it. */
export class Workspace {
  readonly kernels: Kernels;
  readonly #buffer: ArrayBuffer;
  #used = 0;

  /**
   * @param lengths of the arrays that will be taken with {@link array}
   * @throws RequestError if they need more than the 4 GiB that WebAssembly can address
   */
  constructor(lengths: readonly number[]) {
    const bytes = bytesOf(lengths);
    const pages = Math.max(1, Math.ceil(bytes / PAGE));
    if (pages > MAX_PAGES) {
      throw new RequestError({
        problem: 'the matrix is too large to decompose',
        expected: 'at most 4 GiB of working memory',
        got: `${(bytes / 2 ** 30).toFixed(1)} GiB`,
      });
    }
    const memory = new Memory({ initial: pages });
    compiled ??= new Module(assemble([dotTiles(), updateRow(), reflect(), rotate()]));
    this.kernels = new Instance(compiled, { env: { memory } }).exports as Kernels;
    this.#buffer = memory.buffer;
  }

  /** The next array of zeros; its `byteOffset` is its address in the kernels. */
  array(length: number): Float64Array {
    const array = new Float64Array(this.#buffer, this.#used, length).fill(0);
    this.#used += roundUp(length) * DOUBLE;
    return array;
  }

  /** Gives all arrays back and says whether others of these lengths would fit. */
  reset(lengths: readonly number[]): boolean {
    this.#used = 0;
    return bytesOf(lengths) <= this.#buffer.byteLength;
  }
}

let reused: Workspace | undefined;

/**
 * A workspace that lasts until the next call. The last one is taken again where it is large enough: every memory of
 * WebAssembly reserves gigabytes of address space until it is collected, too much for one a prediction.
 */
export function reusedWorkspace(lengths: readonly number[]): Workspace {
  if (!reused?.reset(lengths)) reused = new Workspace(lengths);
  return reused;
}

function bytesOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + roundUp(length) * DOUBLE, 0);
}

/** Arrays start at multiples of a cache line. */
function roundUp(length: number): number {
  return Math.ceil(length / 8) * 8;
}
