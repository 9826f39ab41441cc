/**
 * The resampler's WebAssembly module and its memory.
 *
 * One instance per thread, assembled when first used. Whoever uses it lays out the memory anew, or finds it as it
 * left it (`owner`).
 */
import { assemble } from '@prosodia/wasm';
import { fourierKernels } from './fourier-kernels.ts';
import { interpolationKernels } from './interpolation-kernels.ts';

/** The part of the WebAssembly interface used here; Node has it, but the types of Node 20 do not say so. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

const sources = { ...fourierKernels, ...interpolationKernels };

/** Kernels by name; parameters are byte addresses and counts. */
type Kernels = Readonly<Record<keyof typeof sources, (...parameters: number[]) => void>>;

interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const PAGE = 65536;
const ALIGNMENT = 32;

export class Memory {
  readonly kernels: Kernels;
  /** What the memory was laid out for last. */
  owner: object | undefined;
  readonly #memory: LinearMemory;
  #top = 0;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(sources)));
    this.kernels = exports as Kernels;
    this.#memory = exports['memory'] as LinearMemory;
  }

  /** Forgets all addresses given before. */
  reset(owner: object): void {
    this.owner = owner;
    this.#top = 0;
  }

  /** Runs what allocates for itself only, behind what lies there: the addresses given before stay, its own do not. */
  borrow<Result>(use: () => Result): Result {
    const top = this.#top;
    try {
      return use();
    } finally {
      this.#top = top;
    }
  }

  /** The address of fresh bytes, of any content; 64 more may be read behind them. */
  alloc(bytes: number): number {
    const at = this.#top;
    this.#top = at + Math.ceil((bytes + 64) / ALIGNMENT) * ALIGNMENT;
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return at;
  }

  /** The address of a copy of `values`. */
  put(values: Float32Array): number {
    const at = this.alloc(values.byteLength);
    this.f32(at, values.length).set(values);
    return at;
  }

  /** A view that the next `alloc` may make void. */
  f32(at: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, at, length);
  }

  i32(at: number, length: number): Int32Array {
    return new Int32Array(this.#memory.buffer, at, length);
  }
}

let shared: Memory | undefined;

export function memory(): Memory {
  return (shared ??= new Memory());
}
