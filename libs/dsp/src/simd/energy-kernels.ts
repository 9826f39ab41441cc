/** Kernels that go over samples once: sums over blocks of them, of which overlapping frames are made. */
import {
  f32,
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
import { most4, sum4 } from './lanes.ts';

const zero = f64x2.const(0);
const FOUR = i32.const(4);
const THIRTY_TWO = i32.const(32);

/** Blocks one after the other, each in steps of `step` bytes and what is left in single samples; sums go to `out`. */
function eachBlock(
  kernel: Kernel,
  [from, to, block, out]: readonly Local[],
  step: Expr,
  body: () => { steps: () => void; rest: () => void; total: () => Expr },
): void {
  kernel.whilst(i32.lt(from!, to!), () => {
    const stop = kernel.let(i32.add(from!, block!));
    const { steps, rest, total } = body();
    const whole = kernel.let(i32.sub(i32.add(stop, i32.const(1)), step));
    kernel.loop(from!, whole, step, steps);
    kernel.loop(from!, stop, FOUR, rest);
    kernel.store(out!, total());
    kernel.set(out!, i32.add(out!, i32.const(8)));
  });
}

/**
 * The sum of squares of each block, in double precision. Parameters: from, to, bytes of a block, out (float64).
 */
const blockEnergies: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, parameters) {
    const from = parameters[0]!;
    eachBlock(kernel, parameters, THIRTY_TWO, () => {
      // Four sums, since one alone would wait on the adder.
      const sums = Array.from({ length: 4 }, () => kernel.let(zero));
      const rest = kernel.let(f64.const(0));
      return {
        steps: () =>
          sums.forEach((sum, k) => {
            const x = kernel.let(f64x2.promote(v128.loadLow64(from, 8 * k)));
            kernel.set(sum, f64x2.add(sum, f64x2.mul(x, x)));
          }),
        rest: () => {
          const x = kernel.let(f64.promote(f32.load(from)));
          kernel.set(rest, f64.add(rest, f64.mul(x, x)));
        },
        total: () => {
          const all = kernel.let(f64x2.add(f64x2.add(sums[0]!, sums[1]!), f64x2.add(sums[2]!, sums[3]!)));
          return f64.add(rest, f64.add(f64x2.lane(all, 0), f64x2.lane(all, 1)));
        },
      };
    });
  },
};

/**
 * How many samples of each block have another sign than the sample before, which lies before the first block too:
 * negative is what is less than `least`. Counted in float32, so a block may have 2^24 samples.
 * Parameters: from, to, bytes of a block, out (float64), least.
 */
const blockCrossings: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'f32'],
  build(kernel, parameters) {
    const from = parameters[0]!;
    const before = kernel.let(i32.sub(from, FOUR));
    const least = kernel.let(f32x4.splat(parameters[4]!));
    const one = kernel.let(f32x4.splat(f32.const(1)));
    const negative = (values: Expr) => v128.and(f32x4.lt(values, least), one);
    const changes = (values: Expr, earlier: Expr) => {
      const change = kernel.let(f32x4.sub(negative(values), negative(earlier)));
      return f32x4.mul(change, change);
    };
    eachBlock(kernel, parameters, THIRTY_TWO, () => {
      const sums = [kernel.let(zero), kernel.let(zero)];
      const rest = kernel.let(f32.const(0));
      return {
        steps: () => {
          sums.forEach((sum, k) => {
            kernel.set(sum, f32x4.add(sum, changes(v128.load(from, 16 * k), v128.load(before, 16 * k))));
          });
          kernel.set(before, i32.add(before, THIRTY_TWO));
        },
        rest: () => {
          const change = changes(f32x4.splat(f32.load(from)), f32x4.splat(f32.load(before)));
          kernel.set(rest, f32.add(rest, f32x4.lane(change, 0)));
          kernel.set(before, i32.add(before, FOUR));
        },
        total: () => f64.promote(f32.add(rest, sum4(kernel, f32x4.add(sums[0]!, sums[1]!)))),
      };
    });
  },
};

/**
 * The sum of every value times 0, which is 0, or NaN if a value is not finite; and the largest value, or 0 if all are
 * less. Zeros follow the last value, up to a multiple of 64 bytes. Parameters: from, to, out (two float32).
 */
const survey: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [from, to, out]) {
    const sums = Array.from({ length: 4 }, () => kernel.let(zero));
    const most = Array.from({ length: 4 }, () => kernel.let(zero));
    kernel.loop(from!, to!, i32.const(64), () => {
      sums.forEach((sum, k) => {
        const values = kernel.let(v128.load(from!, 16 * k));
        kernel.set(sum, f32x4.add(sum, f32x4.mul(values, zero)));
        kernel.set(most[k]!, f32x4.pmax(most[k]!, values));
      });
    });
    const all = f32x4.add(f32x4.add(sums[0]!, sums[1]!), f32x4.add(sums[2]!, sums[3]!));
    kernel.store(out!, sum4(kernel, all));
    const high = f32x4.pmax(f32x4.pmax(most[0]!, most[1]!), f32x4.pmax(most[2]!, most[3]!));
    kernel.store(out!, most4(kernel, high), 4);
  },
};

export const energyKernels = { blockEnergies, blockCrossings, survey } satisfies Record<string, KernelSource>;
