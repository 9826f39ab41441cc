/**
 * The kernels, compiled once per thread, and the memory they work in.
 *
 * Nothing stays in that memory between calls but one spectrogram (resident.ts): a caller lays its inputs out from where
 * that ends, runs kernels, and copies the results away. Copying costs a few per cent of a kernel's time and spares all
 * bookkeeping.
 */
import { assemble } from '@prosodia/wasm';
import { columnKernels } from './column-kernels.ts';
import { correlationKernels } from './correlation-kernels.ts';
import { energyKernels } from './energy-kernels.ts';
import { fftKernels } from './fft-kernels.ts';
import { pairKernels } from './pair-kernels.ts';
import { quadKernels } from './quad-kernels.ts';
import { rowKernels } from './row-kernels.ts';
import { stretchKernels } from './stretch-kernels.ts';
import { vocoderKernels } from './vocoder-kernels.ts';
import { voiceKernels } from './voice-kernels.ts';

/** The part of the JavaScript interface that is used; its types come with a browser's, not with Node's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const sources = {
  ...fftKernels,
  ...pairKernels,
  ...quadKernels,
  ...columnKernels,
  ...correlationKernels,
  ...energyKernels,
  ...rowKernels,
  ...stretchKernels,
  ...vocoderKernels,
  ...voiceKernels,
};

type KernelName = keyof typeof sources;

/** Kernels by name; parameters are byte addresses and byte counts unless the kernel says otherwise. */
export type Kernels = Readonly<Record<KernelName, (...parameters: number[]) => void>>;

const ALIGNMENT = 16;
const PAGE = 65536;

/** What a vector load may read beyond the last row; as much is free below the first, for ends less a vector. */
const SLACK = 64;

/** The kernels' memory during one call. Addresses are handed out in order; nothing is freed before the end. */
export class Scratch {
  readonly kernels: Kernels;
  readonly #memory: LinearMemory;
  #floor = SLACK;
  #top = SLACK;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(sources)));
    this.kernels = exports as Kernels;
    this.#memory = exports['memory'] as LinearMemory;
  }

  /** Starts anew: all addresses given before are void, but those below the floor. */
  reset(): void {
    this.#top = this.#floor;
  }

  /** What has been given out since the start stays when others start anew; or, with false, stays no longer. */
  settle(stays: boolean): void {
    this.#floor = stays ? this.#top : SLACK;
  }

  /** The address of `bytes` fresh bytes, of any content, with zeros after them for loads that run over. */
  alloc(bytes: number): number {
    const at = this.#top;
    this.#top = at + Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    new Uint8Array(this.#memory.buffer, at + bytes, SLACK).fill(0);
    return at;
  }

  /** The address of a copy of the values. */
  put(values: Float32Array | Float64Array | Int32Array): number {
    const at = this.alloc(values.byteLength);
    if (values instanceof Float32Array) this.f32(at, values.length).set(values);
    else if (values instanceof Float64Array) this.f64(at, values.length).set(values);
    else this.i32(at, values.length).set(values);
    return at;
  }

  /** Views of the memory, void after the next `alloc`. */
  f32(at: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, at, length);
  }

  f64(at: number, length: number): Float64Array {
    return new Float64Array(this.#memory.buffer, at, length);
  }

  i32(at: number, length: number): Int32Array {
    return new Int32Array(this.#memory.buffer, at, length);
  }
}

let shared: Scratch | undefined;

/** The thread's scratch memory, emptied. Calls do not nest: a caller is done before another begins. */
export function scratch(): Scratch {
  shared ??= new Scratch();
  shared.reset();
  return shared;
}
