/**
 * The kernels of resampling by any ratio: they turn spectra so that blocks which begin between samples are heard from
 * their beginning, and read signals at evenly spaced times by a table of short filters. Eight signals go side by side, as
 * in fourier-kernels.ts, and as all of them are read at the same times, the filter for a time is made once for eight.
 */
import {
  complexNumbers,
  f32,
  f32x4,
  f64,
  i32,
  keeper,
  v128,
  type Complex,
  type KernelSource,
  type Local,
} from '@prosodia/wasm';

const { add, sub, mul } = f32x4;
const { cmul } = complexNumbers(f32x4);

/** Coefficients of one filter; a multiple of four. */
export const TAPS = 20;
/** Filters of the table per sample. */
export const PHASES = 1024;

const ROW = 4 * TAPS;
/** Bytes of four complex numbers; of eight, four for each of the signals' two parts. */
const ELEMENT = 32;
const TURN = 64;

const load = (at: Local, offset = 0): Complex => ({ re: v128.load(at, offset), im: v128.load(at, offset + 16) });

/**
 * A run of bins of eight signals, of which two are the parts of a complex one: taken apart, weighed, each turned by an
 * angle of its own and put together again, parts swapped, which makes the forward transform that follows an inverse one.
 * Parameters: bins in ascending order, the same below 0 in descending order, end of the first, to, to for those below 0,
 * weights, turns (per bin, for the real signals and then for the imaginary ones), the turn common to all.
 */
const turn: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [from, below, end, to, toBelow, weights, turns, common]) {
    const keep = keeper(kernel);
    const both = [0, ELEMENT].map((offset) => keep(load(common!, offset)));
    kernel.loop(from!, end!, i32.const(ELEMENT), () => {
      const z = keep(load(from!));
      const m = keep(load(below!));
      const weight = kernel.let(v128.loadSplat32(weights!));
      const [a, b] = [
        { re: add(z.re, m.re), im: sub(z.im, m.im) },
        { re: add(z.im, m.im), im: sub(m.re, z.re) },
      ].map((signal, i) => {
        const angle = keep(cmul(load(turns!, i * ELEMENT), both[i]!));
        const { re, im } = keep(signal);
        return keep(cmul({ re: kernel.let(mul(re, weight)), im: kernel.let(mul(im, weight)) }, angle));
      });
      kernel.store(to!, add(a!.im, b!.re));
      kernel.store(to!, sub(a!.re, b!.im), 16);
      kernel.store(toBelow!, sub(b!.re, a!.im));
      kernel.store(toBelow!, add(a!.re, b!.im), 16);
      kernel.set(below!, i32.sub(below!, i32.const(ELEMENT)));
      kernel.set(to!, i32.add(to!, i32.const(ELEMENT)));
      kernel.set(toBelow!, i32.sub(toBelow!, i32.const(ELEMENT)));
      kernel.set(weights!, i32.add(weights!, i32.const(4)));
      kernel.set(turns!, i32.add(turns!, i32.const(TURN)));
    });
  },
};

/**
 * out[i] = the eight signals at time i * step, in samples: by the filter between that of the next lower phase and the
 * one after it. Parameters: the signals at time 0 (first tap), the table, step, out, end of out.
 */
const interpolate: KernelSource = {
  parameters: ['i32', 'i32', 'f64', 'i32', 'i32'],
  build(kernel, [signal, table, step, out, end]) {
    const index = kernel.variable('f64');
    kernel.loop(out!, end!, i32.const(ELEMENT), () => {
      const time = kernel.let(f64.mul(index, step!));
      kernel.set(index, f64.add(index, f64.const(1)));
      const whole = kernel.let(f64.floor(time));
      const position = kernel.let(f64.mul(f64.sub(time, whole), f64.const(PHASES)));
      const phase = kernel.let(f64.floor(position));
      const at = kernel.let(i32.add(signal!, i32.mul(i32.truncate(whole), i32.const(ELEMENT))));
      const row = kernel.let(i32.add(table!, i32.mul(i32.truncate(phase), i32.const(ROW))));
      const share = kernel.let(f32x4.splat(f32.demote(f64.sub(position, phase))));
      const filter = Array.from({ length: TAPS / 4 }, (_, four) => {
        const low = kernel.let(v128.load(row, 16 * four));
        return kernel.let(add(low, mul(share, sub(v128.load(row, ROW + 16 * four), low))));
      });
      // Two sums of each part, so that additions need not wait for each other.
      const sums = [0, 1].map(() => ({ re: kernel.variable('v128'), im: kernel.variable('v128') }));
      for (let tap = 0; tap < TAPS; tap++) {
        const sum = sums[tap % 2]!;
        const four = filter[Math.floor(tap / 4)]!;
        const lane = tap % 4;
        const weight = kernel.let(v128.shuffle32(four, four, [lane, lane, lane, lane]));
        const { re, im } = load(at, tap * ELEMENT);
        kernel.set(sum.re, tap < 2 ? mul(re, weight) : add(sum.re, mul(re, weight)));
        kernel.set(sum.im, tap < 2 ? mul(im, weight) : add(sum.im, mul(im, weight)));
      }
      kernel.store(out!, add(sums[0]!.re, sums[1]!.re));
      kernel.store(out!, add(sums[0]!.im, sums[1]!.im), 16);
    });
  },
};

export const interpolationKernels = { turn, interpolate };
