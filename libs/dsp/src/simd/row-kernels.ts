/**
 * Kernels that go over the frames of a spectrogram row by row.
 *
 * Rows of float32 lie one after the other, `pitch` bytes apart. A load takes several values and may run past
 * the end of a row; what it reads there meets a weight of zero.
 */
import { f32, f32x4, f64x2, i32, v128, type Expr, type Kernel, type KernelSource, type Local } from '@prosodia/wasm';
import { least2, most2, sum2 } from './lanes.ts';
import { logarithm, logarithm32 } from './logarithm.ts';

const zero = f64x2.const(0);
const FOUR = i32.const(4);
const EIGHT = i32.const(8);
const SIXTEEN = i32.const(16);

function advance(kernel: Kernel, pointer: Local, bytes: Expr): void {
  kernel.set(pointer, i32.add(pointer, bytes));
}

/** Square roots. Parameters: from, to, bytes. */
const sqrt: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [from, to, bytes]) {
    const end = kernel.let(i32.add(from!, bytes!));
    kernel.loop(from!, end, SIXTEEN, () => {
      kernel.store(to!, f32x4.sqrt(v128.load(from!)));
      advance(kernel, to!, SIXTEEN);
    });
  },
};

/**
 * Per row, as float64: the least value, the sum of the values, and of value * freq; the least may be 0
 * instead. `freq` is float64. Values go in pairs, `width` bytes of them, and then comes one value times `last`,
 * 1 or 0.
 * Parameters: rows, bytes of all rows, pitch, width (a multiple of 8), freq, last, out.
 */
const moments: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32'],
  build(kernel, parameters) {
    weightedSums(
      kernel,
      parameters,
      (f) => v128.load(f),
      () => undefined,
    );
  },
};

/** The loops of `moments` and `spread`; `weight` gives the weight of two bins from the address of their frequencies. */
function weightedSums(
  kernel: Kernel,
  [row, bytes, pitch, width, freq, last, out]: readonly Local[],
  weight: (f: Expr) => Expr,
  nextRow: () => void,
): void {
  const end = kernel.let(i32.add(row!, bytes!));
  const onlyLast = kernel.let(f64x2.mul(f64x2.const(1, 0), f64x2.splat(last!)));
  kernel.loop(row!, end, pitch!, () => {
    const least = kernel.let(zero);
    const total = kernel.let(zero);
    const weighted = kernel.let(zero);
    const f = kernel.let(freq!);
    const x = kernel.let(row!);
    const stop = kernel.let(i32.add(row!, width!));
    const add = (value: Expr) => {
      const pair = kernel.let(value);
      kernel.set(least, f64x2.pmin(least, pair));
      kernel.set(total, f64x2.add(total, pair));
      kernel.set(weighted, f64x2.add(weighted, f64x2.mul(pair, weight(f))));
    };
    kernel.loop(x, stop, EIGHT, () => {
      add(f64x2.promote(v128.loadLow64(x)));
      advance(kernel, f, SIXTEEN);
    });
    add(f64x2.mul(onlyLast, f64x2.promote(v128.loadLow64(x))));
    kernel.store(out!, least2(least));
    kernel.store(out!, sum2(total), 8);
    kernel.store(out!, sum2(weighted), 16);
    advance(kernel, out!, i32.const(24));
    nextRow();
  });
}

/**
 * Per row, as float64: the least value, the sum of the values, and of value * (freq - centre)^2, with a
 * float64 centre per row; else as `moments`.
 * Parameters: rows, bytes of all rows, pitch, width (a multiple of 8), freq, last, centres, out.
 */
const spread: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32'],
  build(kernel, [row, bytes, pitch, width, freq, last, centres, out]) {
    const distance = (f: Expr) => {
      const away = kernel.let(f64x2.sub(v128.load(f), v128.loadSplat64(centres!)));
      return f64x2.mul(away, away);
    };
    weightedSums(kernel, [row!, bytes!, pitch!, width!, freq!, last!, out!], distance, () =>
      advance(kernel, centres!, EIGHT),
    );
  },
};

/**
 * Per row, of the energies max(amin, value^2) of its first `width` bytes, a multiple of 64: the sum of their
 * logarithms, their sum, the least value, and the least and largest of the products of eight whose logarithms
 * were taken; all as float64. A product near the ends of the range of float64 spoils the sum of logarithms.
 * Parameters: rows, bytes of all rows, pitch, width, amin, out.
 */
const logEnergies: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'f64', 'i32'],
  build(kernel, [row, bytes, pitch, width, amin, out]) {
    const end = kernel.let(i32.add(row!, bytes!));
    const floor = kernel.let(f64x2.splat(amin!));
    kernel.loop(row!, end, pitch!, () => {
      const logs = kernel.let(zero);
      const total = kernel.let(zero);
      const least = kernel.let(f64x2.const(Infinity));
      const low = kernel.let(f64x2.const(1));
      const high = kernel.let(f64x2.const(1));
      const x = kernel.let(row!);
      const stop = kernel.let(i32.add(row!, width!));
      kernel.loop(x, stop, i32.const(64), () => {
        const product = kernel.let(f64x2.const(1));
        for (let k = 0; k < 8; k++) {
          const value = kernel.let(f64x2.promote(v128.loadLow64(x, 8 * k)));
          const energy = kernel.let(f64x2.pmax(f64x2.mul(value, value), floor));
          kernel.set(least, f64x2.pmin(least, value));
          kernel.set(total, f64x2.add(total, energy));
          kernel.set(product, f64x2.mul(product, energy));
        }
        kernel.set(low, f64x2.pmin(low, product));
        kernel.set(high, f64x2.pmax(high, product));
        kernel.set(logs, f64x2.add(logs, logarithm(kernel, product)));
      });
      [sum2(logs), sum2(total), least2(least), least2(low), most2(high)].forEach((value, k) => {
        kernel.store(out!, value, 8 * k);
      });
      advance(kernel, out!, i32.const(40));
    });
  },
};

/**
 * max(floor, scale * ln(max(amin, gain * value))) - zero, in float32; amin is a normal number.
 * Parameters: from, to, bytes, gain, amin, scale, floor, zero.
 */
const decibels: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32', 'f32'],
  build(kernel, [from, to, bytes, ...numbers]) {
    const end = kernel.let(i32.add(from!, bytes!));
    const [gain, amin, scale, floor, reference] = numbers.map((number) => kernel.let(f32x4.splat(number)));
    kernel.loop(from!, end, SIXTEEN, () => {
      const value = kernel.let(f32x4.pmax(f32x4.mul(v128.load(from!), gain!), amin!));
      const level = f32x4.pmax(f32x4.mul(scale!, logarithm32(kernel, value)), floor!);
      kernel.store(to!, f32x4.sub(level, reference!));
      advance(kernel, to!, SIXTEEN);
    });
  },
};

/**
 * The running sum of one row in float32, then its least value (0 may count as one).
 * Parameters: row, bytes of the row, out.
 */
const running: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [row, bytes, out]) {
    const end = kernel.let(i32.add(row!, bytes!));
    const sum = kernel.let(f32.const(0));
    const least = kernel.let(zero);
    const whole = kernel.let(i32.sub(end, i32.const(15)));
    const add = (offset: number) => {
      kernel.set(sum, f32.add(sum, f32.load(row!, offset)));
      kernel.store(out!, sum, offset);
    };
    kernel.loop(row!, whole, SIXTEEN, () => {
      kernel.set(least, f32x4.pmin(least, v128.load(row!)));
      for (let k = 0; k < 4; k++) add(4 * k);
      advance(kernel, out!, SIXTEEN);
    });
    kernel.loop(row!, end, FOUR, () => {
      kernel.set(least, f32x4.pmin(least, f32x4.splat(f32.load(row!))));
      add(0);
      advance(kernel, out!, FOUR);
    });
    const lanes = [0, 1, 2, 3].map((lane) => f32x4.lane(least, lane));
    kernel.store(out!, f32.min(f32.min(lanes[0]!, lanes[1]!), f32.min(lanes[2]!, lanes[3]!)));
  },
};

export const rowKernels = {
  sqrt,
  moments,
  spread,
  logEnergies,
  decibels,
  running,
} satisfies Record<string, KernelSource>;
