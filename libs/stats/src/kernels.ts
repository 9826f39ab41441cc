/**
 * The inner loops of matrix products and of the symmetric eigenproblem, in WebAssembly SIMD: half the time of JavaScript or less,
 * and as deterministic (IEEE 754 throughout, no fused multiply-add).
 *
 * Data lives in a {@link Workspace}: one memory, cut into arrays of doubles that JavaScript sees as
 * Float64Arrays and the kernels by byte address.
 */
import { RequestError } from '@prosodia/core';
import {
  assemble,
  f32x4,
  f64,
  f64x2,
  i32,
  v128,
  type Expr,
  type Kernel,
  type KernelSource,
  type Local,
} from '@prosodia/wasm';

/** The kernels; addresses and ends in bytes. */
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
  /** Adds the doubles from `x` to `xEnd`, an even number, to those from `sum` on. */
  addRow(x: number, xEnd: number, sum: number): void;
  /** Adds the squares of the doubles from `x` to `xEnd`, an even number, less those from `mean` on, to those from `sum` on. */
  addSquares(x: number, xEnd: number, mean: number, sum: number): void;
  /** Turns the doubles from `x` to `xEnd`, an even number, into (x - center) / scale + offset. */
  scaleDoubles(x: number, xEnd: number, center: number, scale: number, offset: number): void;
  /** The same for floats, in multiples of four; `center` and `scale` are doubles. */
  scaleFloats(x: number, xEnd: number, center: number, scale: number, offset: number): void;
  /** On a panel: rotations (pairs of cosine and sine) undone from the last to the first, rightwards from column address `z`. */
  unrotate(z: number, rotations: number, rotationsEnd: number): void;
}

/** Rows of a panel: the values of eight rows in one column lie side by side. */
export const PANEL = 8;
const VECTORS = PANEL / 2;
const DOUBLE = 8;
const PAGE = 65_536;
const MAX_PAGES = 65_536;

const VECTOR = 16;

const advance = (kernel: Kernel, address: Local, bytes: number) =>
  kernel.set(address, i32.add(address, i32.const(bytes)));
const plusTimes = (sum: Expr, a: Expr, b: Expr) => f64x2.add(sum, f64x2.mul(a, b));
const minusTimes = (sum: Expr, a: Expr, b: Expr) => f64x2.sub(sum, f64x2.mul(a, b));
/** `count` vectors from `address` on. */
const vectorsAt = (kernel: Kernel, address: Expr, count: number) =>
  Array.from({ length: count }, (_, i) => kernel.let(v128.load(address, VECTOR * i)));

const dotTiles: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [a, bytes, b, c, cEnd]) {
    const aEnd = kernel.let(i32.add(a!, bytes!));
    kernel.loop(c!, cEnd!, i32.const(VECTOR * 8), () => {
      const sums = vectorsAt(kernel, c!, 8);
      const at = kernel.let(a!);
      kernel.loop(at, aEnd, i32.const(2 * VECTOR), () => {
        const halves = vectorsAt(kernel, at, 2);
        sums.forEach((sum, i) => {
          kernel.set(sum, plusTimes(sum, halves[i % 2]!, v128.loadSplat64(b!, DOUBLE * (i >> 1))));
        });
        advance(kernel, b!, 4 * DOUBLE);
      });
      sums.forEach((sum, i) => kernel.store(c!, sum, VECTOR * i));
    });
  },
};

const updateRow: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64', 'f64'],
  build(kernel, [a, aEnd, v, w, x, y, ...scalars]) {
    const [vi, wi, xi] = scalars.map((scalar) => kernel.let(f64x2.splat(scalar)));
    const sum = kernel.variable('v128');
    kernel.loop(a!, aEnd!, i32.const(VECTOR), () => {
      const value = kernel.let(minusTimes(minusTimes(v128.load(a!), vi!, v128.load(w!)), wi!, v128.load(v!)));
      kernel.store(a!, value);
      kernel.set(sum, plusTimes(sum, value, v128.load(x!)));
      kernel.store(y!, plusTimes(v128.load(y!), value, xi!));
      for (const address of [v, w, x, y]) advance(kernel, address!, VECTOR);
    });
    return f64.add(f64x2.lane(sum, 0), f64x2.lane(sum, 1));
  },
};

const reflect: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'f64'],
  build(kernel, [z, v, vEnd, beta]) {
    const dots = Array.from({ length: VECTORS }, () => kernel.variable('v128'));
    const walk = (body: (at: Local, element: Local) => void) => {
      const at = kernel.let(z!);
      const vAt = kernel.let(v!);
      kernel.loop(vAt, vEnd!, i32.const(DOUBLE), () => {
        body(at, kernel.let(v128.loadSplat64(vAt)));
        advance(kernel, at, PANEL * DOUBLE);
      });
    };
    walk((at, element) => {
      dots.forEach((dot, i) => kernel.set(dot, plusTimes(dot, element, v128.load(at, VECTOR * i))));
    });
    for (const dot of dots) kernel.set(dot, f64x2.mul(dot, f64x2.splat(beta!)));
    walk((at, element) => {
      dots.forEach((dot, i) => kernel.store(at, minusTimes(v128.load(at, VECTOR * i), dot, element), VECTOR * i));
    });
  },
};

const addRow: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [x, xEnd, sum]) {
    kernel.loop(x!, xEnd!, i32.const(VECTOR), () => {
      kernel.store(sum!, f64x2.add(v128.load(sum!), v128.load(x!)));
      advance(kernel, sum!, VECTOR);
    });
  },
};

const addSquares: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [x, xEnd, mean, sum]) {
    kernel.loop(x!, xEnd!, i32.const(VECTOR), () => {
      const deviation = kernel.let(f64x2.sub(v128.load(x!), v128.load(mean!)));
      kernel.store(sum!, plusTimes(v128.load(sum!), deviation, deviation));
      for (const address of [mean, sum]) advance(kernel, address!, VECTOR);
    });
  },
};

const scaleDoubles: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'f64'],
  build(kernel, [x, xEnd, center, scale, offset]) {
    const shift = kernel.let(f64x2.splat(offset!));
    kernel.loop(x!, xEnd!, i32.const(VECTOR), () => {
      const centered = f64x2.sub(v128.load(x!), v128.load(center!));
      kernel.store(x!, f64x2.add(f64x2.div(centered, v128.load(scale!)), shift));
      for (const address of [center, scale]) advance(kernel, address!, VECTOR);
    });
  },
};

const scaleFloats: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'f64'],
  build(kernel, [x, xEnd, center, scale, offset]) {
    const shift = kernel.let(f64x2.splat(offset!));
    kernel.loop(x!, xEnd!, i32.const(VECTOR), () => {
      const [low, high] = [0, 1].map((half) => {
        const centered = f64x2.sub(f64x2.promote(v128.loadLow64(x!, 8 * half)), v128.load(center!, VECTOR * half));
        return kernel.let(f32x4.demote(f64x2.add(f64x2.div(centered, v128.load(scale!, VECTOR * half)), shift)));
      });
      kernel.store(x!, v128.halves(low!, high!, 0, 0));
      for (const address of [center, scale]) advance(kernel, address!, 2 * VECTOR);
    });
  },
};

const unrotate: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [z, start, at]) {
    const column = PANEL * DOUBLE;
    const carries = vectorsAt(kernel, z!, VECTORS);
    kernel.whilst(i32.lt(start!, at!), () => {
      advance(kernel, at!, -2 * DOUBLE);
      const cosine = kernel.let(v128.loadSplat64(at!));
      const sine = kernel.let(v128.loadSplat64(at!, DOUBLE));
      carries.forEach((carry, i) => {
        const high = kernel.let(v128.load(z!, column + VECTOR * i));
        kernel.store(z!, plusTimes(f64x2.mul(cosine, carry), sine, high), VECTOR * i);
        kernel.set(carry, minusTimes(f64x2.mul(cosine, high), sine, carry));
      });
      advance(kernel, z!, column);
    });
    carries.forEach((carry, i) => kernel.store(z!, carry, VECTOR * i));
  },
};

/** What is used of WebAssembly: Node's types leave it out, and those that have it bring a whole browser. */
interface WebAssemblyApi {
  Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
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
    compiled ??= new Module(
      assemble(
        { dotTiles, updateRow, reflect, addRow, addSquares, scaleDoubles, scaleFloats, unrotate },
        { memory: 'imported' },
      ),
    );
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
