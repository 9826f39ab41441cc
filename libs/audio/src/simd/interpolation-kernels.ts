/** The kernel that reads a signal at evenly spaced times by a table of short filters. */
import { f32x4, f64, i32, v128, type Expr, type KernelSource } from '@prosodia/wasm';
import { demote, floor, loadSplat, shuffle, sub, truncate } from './lanes.ts';

/** Coefficients of one filter; a multiple of four. */
export const TAPS = 20;
/** Filters of the table per sample. */
export const PHASES = 1024;

const ROW = 4 * TAPS;

/**
 * out[i] = the signal at time i * step, in samples: the filter of the next lower phase and the one after it, weighed
 * by how near they are. Four outputs per round; up to three more are written. Parameters: the signal at time 0 (its
 * first tap), the table, room for four numbers, step, out, end of out.
 */
const interpolate: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'f64', 'i32', 'i32'],
  build(kernel, [signal, table, room, step, out, end]) {
    const index = kernel.variable('f64');
    kernel.loop(out!, end!, i32.const(16), () => {
      const sums = [0, 1, 2, 3].map(() => {
        const time = kernel.let(f64.mul(index, step!));
        kernel.set(index, f64.add(index, f64.const(1)));
        const whole = kernel.let(floor(time));
        const position = kernel.let(f64.mul(f64.add(time, f64.mul(whole, f64.const(-1))), f64.const(PHASES)));
        const phase = kernel.let(floor(position));
        const at = kernel.let(i32.add(signal!, i32.shl(truncate(whole), i32.const(2))));
        const row = kernel.let(i32.add(table!, i32.mul(truncate(phase), i32.const(ROW))));
        kernel.store(room!, demote(f64.add(position, f64.mul(phase, f64.const(-1)))));
        const low = kernel.variable('v128');
        const high = kernel.variable('v128');
        for (let tap = 0; tap < TAPS; tap += 4) {
          const heard = kernel.let(v128.load(at, 4 * tap));
          const below = f32x4.mul(heard, v128.load(row, 4 * tap));
          const above = f32x4.mul(heard, v128.load(row, ROW + 4 * tap));
          kernel.set(low, tap === 0 ? below : f32x4.add(low, below));
          kernel.set(high, tap === 0 ? above : f32x4.add(high, above));
        }
        return kernel.let(f32x4.add(low, f32x4.mul(loadSplat(room!), sub(high, low))));
      });
      const [a, b, c, d] = sums as readonly Expr[] as [Expr, Expr, Expr, Expr];
      const pairs = (x: Expr, y: Expr) =>
        kernel.let(f32x4.add(shuffle(x, y, [0, 4, 1, 5]), shuffle(x, y, [2, 6, 3, 7])));
      const [ab, cd] = [pairs(a, b), pairs(c, d)];
      kernel.store(out!, f32x4.add(shuffle(ab, cd, [0, 1, 4, 5]), shuffle(ab, cd, [2, 3, 6, 7])));
    });
  },
};

export const interpolationKernels = { interpolate };
