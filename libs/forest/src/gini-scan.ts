/**
 * The best split by gini impurity, found by the kernel.
 *
 * Rows of one class and one weight are alike to it; a tree of bootstrap counts has a few dozen such pairs, so
 * what the scan reads of a row is one small number and two entries of tables that stay in the first-level cache.
 */
import { assemble } from '@prosodia/wasm';
import type { ColumnScan, NodeView } from './column-scan.ts';
import { FRAME, INSERTION_LIMIT, giniScan } from './gini-kernel.ts';
import type { Presorted } from './presort.ts';
import { bytesFor, type Arena, type SharedMemory } from './shared-memory.ts';

type Kernel = (frame: number, members: number, end: number, positions: number, values: number) => number;

interface WebAssemblyApi {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (
    module: object,
    imports: { env: { memory: SharedMemory } },
  ) => {
    readonly exports: Readonly<Record<string, Kernel>>;
  };
}

let compiled: object | undefined;

function kernels(memory: SharedMemory): Readonly<Record<string, Kernel>> {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const sources = {
    narrow: giniScan(false, false),
    narrowTied: giniScan(false, true),
    wide: giniScan(true, false),
    wideTied: giniScan(true, true),
  };
  compiled ??= new Module(assemble(sources, { memory: 'shared' }));
  return new Instance(compiled, { env: { memory } }).exports;
}

const wordsFor = (bits: number) => Math.ceil(bits / 64);

/** Bytes of an arena that a scan takes. */
export function giniScanBytes(rows: number, classes: number): number {
  const words = wordsFor(rows);
  const bitmaps = [8 * words, 8 * wordsFor(words)];
  return bytesFor(
    FRAME.size,
    4 * rows,
    4 * rows,
    ...bitmaps,
    4 * (INSERTION_LIMIT + 1),
    4 * rows,
    8 * rows,
    8 * classes,
  );
}

export class GiniScan implements ColumnScan {
  score = -Infinity;
  lastLeft = 0;
  firstRight = 0;
  readonly #node: NodeView;
  readonly #sorted: Presorted;
  readonly #plain: Kernel;
  readonly #tied: Kernel;
  readonly #frame: number;
  readonly #integers: Int32Array;
  readonly #doubles: DataView;
  readonly #pairOf: Uint32Array;
  readonly #pairClass: Uint32Array;
  readonly #pairWeight: Float64Array;

  constructor(sorted: Presorted, node: NodeView, arena: Arena) {
    const { rows, positions } = sorted;
    const classes = node.totals.length;
    const all = kernels(arena.memory);
    const wide = positions.BYTES_PER_ELEMENT === 4;
    this.#plain = all[wide ? 'wide' : 'narrow']!;
    this.#tied = all[wide ? 'wideTied' : 'narrowTied']!;
    this.#node = node;
    this.#sorted = sorted;
    const frame = arena.u32(FRAME.size / 4);
    this.#frame = frame.byteOffset;
    this.#integers = new Int32Array(frame.buffer, frame.byteOffset, frame.length);
    this.#doubles = new DataView(frame.buffer, frame.byteOffset, FRAME.size);
    this.#pairOf = arena.u32(rows);
    const pairAt = arena.u32(rows);
    const words = arena.f64(wordsFor(rows));
    const summary = arena.f64(wordsFor(words.length));
    const keys = arena.u32(INSERTION_LIMIT + 1);
    keys[0] = 0xffff_ffff;
    this.#pairClass = arena.u32(rows);
    this.#pairWeight = arena.f64(rows);
    const left = arena.f64(classes);
    for (const [field, address] of Object.entries({
      pairOf: this.#pairOf.byteOffset,
      pairAt: pairAt.byteOffset,
      words: words.byteOffset,
      summary: summary.byteOffset,
      summaryEnd: summary.byteOffset + summary.byteLength,
      keys: keys.byteOffset,
      pairClass: this.#pairClass.byteOffset,
      pairWeight: this.#pairWeight.byteOffset,
      left: left.byteOffset,
      leftEnd: left.byteOffset + left.byteLength,
      totals: node.totals.byteOffset,
    })) {
      this.#integers[FRAME[field as keyof typeof FRAME] / 4] = address;
    }
  }

  beginTree(): void {
    const { classOf, weightOf, totals } = this.#node;
    const pairs = Array.from(totals, () => new Map<number, number>());
    let count = 0;
    for (let row = 0; row < weightOf.length; row++) {
      const weight = weightOf[row]!;
      if (weight === 0) continue;
      const known = pairs[classOf[row]!]!;
      let pair = known.get(weight);
      if (pair === undefined) {
        known.set(weight, (pair = count++));
        this.#pairClass[pair] = 8 * classOf[row]!;
        this.#pairWeight[pair] = weight;
      }
      this.#pairOf[row] = pair;
    }
  }

  beginNode(): void {
    this.#doubles.setFloat64(FRAME.weight, this.#node.weight, true);
    this.#doubles.setFloat64(FRAME.basis, this.#node.basis, true);
  }

  scan(column: number, start: number, end: number, minLeaf: number): 'found' | 'none' | 'constant' {
    const { rows, positions, values, tied } = this.#sorted;
    const kernel = tied[column] === 1 ? this.#tied : this.#plain;
    const integers = this.#integers;
    const members = this.#node.members.byteOffset;
    integers[FRAME.minLeaf / 4] = minLeaf;
    this.score = kernel(
      this.#frame,
      members + 4 * start,
      members + 4 * end,
      positions.byteOffset + column * rows * positions.BYTES_PER_ELEMENT,
      values.byteOffset + 4 * column * rows,
    );
    this.lastLeft = integers[FRAME.lastLeft / 4]!;
    this.firstRight = integers[FRAME.firstRight / 4]!;
    if (this.lastLeft >= 0) return 'found';
    return this.lastLeft === -2 ? 'constant' : 'none';
  }
}
