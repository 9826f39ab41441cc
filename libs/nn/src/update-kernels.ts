/**
 * What an optimizer does to every weight, in one pass over the weights, in WebAssembly SIMD.
 *
 * As part of the ONNX graph an update is ten operators, each a pass over all weights and moments, and ONNX
 * Runtime's Node binding copies every output of a run: weights and moments would be copied whole in each step.
 * Here they stay where they are: a step of the dense benchmark takes half the time, of the residual one a tenth less.
 */
import { RequestError } from '@prosodia/core';
import { assemble, f32, f32x4, i32, v128, type Expr, type Kernel, type KernelSource, type Local } from '@prosodia/wasm';

/** The part of the JavaScript interface that is used; its types come with a browser's, not with Node's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const PAGE = 65536;
const MAX_PAGES = 65536;
const VECTOR = 16;

/**
 * Rounded to a multiple of about 1e-32: moments of weights without gradient would decay to denormal numbers,
 * with which processors are a hundred times slower. Next to any epsilon that is nothing.
 */
function flushed(value: Expr, tiny: Expr): Expr {
  return f32x4.sub(f32x4.add(value, tiny), tiny);
}

/** Calls `body` for four elements at a time: `at` is their byte offset in every vector. */
function each(kernel: Kernel, bytes: Expr, body: (at: Local) => void): void {
  const at = kernel.variable('i32');
  kernel.loop(at, bytes, i32.const(VECTOR), () => body(at));
}

const constant = (kernel: Kernel, value: number): Local => kernel.let(f32x4.splat(f32.const(value)));
const splat = (kernel: Kernel, value: Expr): Local => kernel.let(f32x4.splat(value));

const sources = {
  /**
   * Adam (Kingma and Ba, 2014) with Keras's place for epsilon: m and v follow g and g^2, then
   * w = keep w - rate m / (sqrt(v) + epsilon), where `rate` holds the correction for the start at 0.
   */
  adam: {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32', 'f32'],
    build(kernel, [bytes, weights, gradient, mean, square, beta1, beta2, rate, epsilon, keep]) {
      const tiny = constant(kernel, 1e-25);
      const one = constant(kernel, 1);
      const [b1, b2, step, eps, kept] = [beta1, beta2, rate, epsilon, keep].map((value) => splat(kernel, value!));
      const [c1, c2] = [b1!, b2!].map((beta) => kernel.let(f32x4.sub(one, beta)));
      each(kernel, bytes!, (at) => {
        const [w, m, v] = [weights, mean, square].map((base) => kernel.let(i32.add(base!, at)));
        const g = kernel.let(v128.load(i32.add(gradient!, at)));
        const newMean = f32x4.add(f32x4.mul(v128.load(m!), b1!), f32x4.mul(g, c1!));
        const mNow = kernel.let(flushed(newMean, tiny));
        const newSquare = f32x4.add(f32x4.mul(v128.load(v!), b2!), f32x4.mul(f32x4.mul(g, g), c2!));
        const vNow = kernel.let(flushed(newSquare, tiny));
        kernel.store(m!, mNow);
        kernel.store(v!, vNow);
        const move = f32x4.div(f32x4.mul(mNow, step!), f32x4.add(f32x4.sqrt(vNow), eps!));
        kernel.store(w!, f32x4.sub(f32x4.mul(v128.load(w!), kept!), move));
      });
    },
  },

  /** w = keep w - rate g */
  sgd: {
    parameters: ['i32', 'i32', 'i32', 'f32', 'f32'],
    build(kernel, [bytes, weights, gradient, rate, keep]) {
      const [step, kept] = [rate, keep].map((value) => splat(kernel, value!));
      each(kernel, bytes!, (at) => {
        const w = kernel.let(i32.add(weights!, at));
        const move = f32x4.mul(v128.load(i32.add(gradient!, at)), step!);
        kernel.store(w, f32x4.sub(f32x4.mul(v128.load(w), kept!), move));
      });
    },
  },

  /** velocity = momentum velocity - rate g, then w = keep w + velocity; with `ahead` 1, Nesterov's step further. */
  momentum: {
    parameters: ['i32', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32'],
    build(kernel, [bytes, weights, gradient, velocity, momentum, rate, keep, ahead]) {
      const tiny = constant(kernel, 1e-25);
      const [share, step, kept, further] = [momentum, rate, keep, ahead].map((value) => splat(kernel, value!));
      each(kernel, bytes!, (at) => {
        const [w, v] = [weights, velocity].map((base) => kernel.let(i32.add(base!, at)));
        const move = kernel.let(f32x4.mul(v128.load(i32.add(gradient!, at)), step!));
        const now = kernel.let(flushed(f32x4.sub(f32x4.mul(v128.load(v!), share!), move), tiny));
        kernel.store(v!, now);
        const beyond = f32x4.sub(f32x4.sub(f32x4.mul(now, share!), move), now);
        const whole = f32x4.add(now, f32x4.mul(beyond, further!));
        kernel.store(w!, f32x4.add(f32x4.mul(v128.load(w!), kept!), whole));
      });
    },
  },
} satisfies Record<string, KernelSource>;

type UpdateKernels = Readonly<Record<keyof typeof sources, (...parameters: number[]) => void>>;

/** Weights, their gradient and what the optimizer keeps of each, side by side in one memory. */
export class UpdateMemory {
  readonly #kernels: UpdateKernels;
  readonly #bytes: number;
  readonly parameters: Float32Array;
  readonly gradient: Float32Array;
  readonly slots: readonly Float32Array[];

  /** Throws a RequestError if there are more weights than 4 GiB hold. */
  constructor(count: number, slotCount: number) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(sources)));
    this.#kernels = exports as UpdateKernels;
    const memory = exports['memory'] as LinearMemory;
    this.#bytes = Math.ceil((4 * count) / VECTOR) * VECTOR;
    const pages = Math.ceil(((2 + slotCount) * this.#bytes) / PAGE);
    if (pages > MAX_PAGES) {
      throw new RequestError({
        problem: 'the network has too many weights',
        expected: `at most ${Math.floor((MAX_PAGES * PAGE) / (2 + slotCount) / 4)} with this optimizer`,
        got: `${count}`,
      });
    }
    const missing = pages - memory.buffer.byteLength / PAGE;
    if (missing > 0) memory.grow(missing);
    const view = (i: number): Float32Array => new Float32Array(memory.buffer, i * this.#bytes, count);
    [this.parameters, this.gradient] = [view(0), view(1)];
    this.slots = Array.from({ length: slotCount }, (_, i) => view(2 + i));
  }

  /**
   * Changes weights and slots by what is in `gradient`.
   * @param numbers the kernel's, after the addresses
   */
  update(kernel: keyof typeof sources, numbers: readonly number[]): void {
    const addresses = Array.from({ length: 2 + this.slots.length }, (_, i) => i * this.#bytes);
    this.#kernels[kernel](this.#bytes, ...addresses, ...numbers);
  }
}
