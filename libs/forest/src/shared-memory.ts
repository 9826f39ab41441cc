/**
 * The memory of a forest that is being fitted: one WebAssembly memory that all threads see, so that kernels can
 * read the sorted columns without a copy per thread.
 *
 * It holds what all trees read, then as many equal parts as there are threads, each of which claims one to
 * work in.
 */
import { ProsodiaError, RequestError } from '@prosodia/core';

/** A shared WebAssembly memory. Node's types leave WebAssembly out, and those that have it bring a whole browser. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WebAssemblyApi {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
}

const PAGE = 65_536;
const MAX_PAGES = 65_536;
/** Arrays start at multiples of a cache line. */
const ALIGNMENT = 64;

/** Plain data that threads are given; structured-cloneable. */
export interface Parts {
  readonly memory: SharedMemory;
  /** Address of the first part. */
  readonly from: number;
  /** Bytes of a part. */
  readonly bytes: number;
  readonly count: number;
}

/** Hands out arrays of a stretch of memory, one after another. */
export class Arena {
  readonly memory: SharedMemory;
  #top: number;
  readonly #end: number;

  constructor(memory: SharedMemory, from: number, bytes: number) {
    this.memory = memory;
    this.#top = from;
    this.#end = from + bytes;
  }

  u16(length: number): Uint16Array<SharedArrayBuffer> {
    return new Uint16Array(this.memory.buffer, this.#take(2 * length), length);
  }

  u32(length: number): Uint32Array<SharedArrayBuffer> {
    return new Uint32Array(this.memory.buffer, this.#take(4 * length), length);
  }

  f32(length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.memory.buffer, this.#take(4 * length), length);
  }

  f64(length: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.memory.buffer, this.#take(8 * length), length);
  }

  #take(bytes: number): number {
    const at = this.#top;
    this.#top += aligned(bytes);
    if (this.#top > this.#end) throw new ProsodiaError({ problem: 'the memory of a forest was reckoned too small' });
    return at;
  }
}

/** Bytes that an arena needs for arrays of these sizes in bytes. */
export function bytesFor(...sizes: number[]): number {
  return sizes.reduce((sum, size) => sum + aligned(size), 0);
}

/**
 * A memory of `common` bytes for all threads, and `parts` parts of `bytes` each.
 *
 * @throws RequestError beyond the 4 GiB that WebAssembly can address
 */
export function shareMemory(common: number, bytes: number, parts: number): { common: Arena; parts: Parts } {
  const from = ALIGNMENT + aligned(common);
  const pages = Math.ceil((from + aligned(bytes) * parts) / PAGE);
  if (pages > MAX_PAGES) {
    throw new RequestError({
      problem: 'the matrix is too large for a forest',
      expected: 'at most 4 GiB of working memory, which is 6 bytes per element and some per row',
      got: `${((pages * PAGE) / 2 ** 30).toFixed(1)} GiB`,
      fix: 'take fewer columns (pca, for example) or fewer rows',
    });
  }
  const { Memory } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const memory = new Memory({ initial: pages, maximum: pages, shared: true });
  return {
    common: new Arena(memory, ALIGNMENT, aligned(common)),
    parts: { memory, from, bytes: aligned(bytes), count: parts },
  };
}

/** The next part that no thread has yet. The first word of the memory counts them. */
export function claimPart({ memory, from, bytes, count }: Parts): Arena {
  const claimed = Atomics.add(new Int32Array(memory.buffer, 0, 1), 0, 1);
  if (claimed >= count) throw new ProsodiaError({ problem: 'more threads grow a forest than were planned for' });
  return new Arena(memory, from + claimed * bytes, bytes);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
