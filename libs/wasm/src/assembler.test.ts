import { describe, expect, it } from 'vitest';
import { assemble, f64, f64x2, i32, v128, type KernelSource } from './assembler.ts';

/** The part of the JavaScript interface that is used; its types come with a browser's, not with Node's. */
declare const WebAssembly: {
  Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports?: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** y += x on doubles from `from` to `to`, two at a time; returns the sum of the first two of y. */
const addInto: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [x, y, xEnd]) {
    const first = kernel.let(y!);
    kernel.loop(x!, xEnd!, i32.const(16), () => {
      kernel.store(y!, f64x2.add(v128.load(y!), v128.load(x!)));
      kernel.set(y!, i32.add(y!, i32.const(16)));
    });
    const pair = kernel.let(v128.load(first));
    return f64.add(f64x2.lane(pair, 0), f64x2.lane(pair, 1));
  },
};

const stored: KernelSource = {
  parameters: ['i32', 'i32'],
  build(kernel, [at, value]) {
    kernel.store(at!, i32.sub(value!, i32.const(-100_000)));
  },
};

describe('assemble', () => {
  it('makes a module with a memory of its own, whose kernels return nothing or a value', () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble({ addInto, stored })));
    const { memory, ...kernels } = exports as {
      memory: { buffer: ArrayBuffer };
      addInto(x: number, y: number, xEnd: number): number;
      stored(at: number, value: number): void;
    };
    const doubles = new Float64Array(memory.buffer, 0, 8);
    doubles.set([1, 2, 3, 4, 10, 20, 30, 40]);
    expect(kernels.addInto(0, 32, 32)).toBe(33);
    expect([...doubles.subarray(4)]).toEqual([11, 22, 33, 44]);
    expect(kernels.stored(64, 5)).toBeUndefined();
    expect(new Int32Array(memory.buffer, 64, 1)[0]).toBe(100_005);
  });

  it('makes a module that works in the memory it is given', () => {
    const memory = new WebAssembly.Memory({ initial: 3 });
    const module = new WebAssembly.Module(assemble({ stored }, { memory: 'imported' }));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    expect(Object.keys(exports)).toEqual(['stored']);
    (exports['stored'] as (at: number, value: number) => void)(131_072, -7);
    expect(new Int32Array(memory.buffer, 131_072, 1)[0]).toBe(99_993);
  });
});
