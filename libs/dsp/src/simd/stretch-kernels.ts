/**
 * Kernels of the phase vocoder in single precision: transforms go four frames at once, as in quad-kernels.ts, the
 * vocoder itself frame after frame.
 *
 * In columns there is a vector per bin, of one value of each of four frames; in rows a frame lies bin after bin.
 */
import {
  complexNumbers,
  f32,
  f32x4,
  i32,
  keeper,
  v128,
  type Complex,
  type Expr,
  type Kernel,
  type KernelSource,
  type Local,
} from '@prosodia/wasm';
import { transposed } from './lanes.ts';

const { add, sub, mul, div } = f32x4;
const { cadd, csub, cmul, unpacked, packed } = complexNumbers(f32x4);
const EIGHT = i32.const(8);
const SIXTEEN = i32.const(16);

const each = (value: number) => f32x4.splat(f32.const(value));
const rootAt = (kernel: Kernel, at: Expr): Complex => ({
  re: kernel.let(v128.loadSplat32(at)),
  im: kernel.let(v128.loadSplat32(at, 4)),
});

/**
 * Bins 0 to n / 2 of four frames as magnitudes and unit complex numbers, three planes of columns; a zero has phase
 * 1 + 0i. Values, order and roots as `quadPowers` takes them.
 * Parameters: values, order, bytes of order, roots, out, bytes of the bins without the last, bytes of a plane.
 */
const quadPolar: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [values, order, orderBytes, roots, out, bytes, plane]) {
    const keep = keeper(kernel);
    const load = (offset: Expr) => {
      const at = kernel.let(i32.add(values!, offset));
      return keep({ re: v128.load(at), im: v128.load(at, 16) });
    };
    const last = kernel.let(i32.add(out!, bytes!));
    const end = kernel.let(i32.add(order!, orderBytes!));
    const store = (to: Local, { re, im }: Complex) => {
      const size = kernel.let(f32x4.sqrt(add(mul(re, re), mul(im, im))));
      // 1 where the size is 0: its comparison with the least number above is a mask of ones.
      const oneIfZero = kernel.let(v128.and(f32x4.lt(size, each(2 ** -126)), each(1)));
      const inverse = kernel.let(div(each(1), add(size, oneIfZero)));
      const at = kernel.let(i32.add(to, plane!));
      kernel.store(to, size);
      kernel.store(at, add(mul(re, inverse), oneIfZero));
      kernel.store(i32.add(at, plane!), mul(im, inverse));
    };
    const advance = () => {
      for (const at of [order!, roots!]) kernel.set(at, i32.add(at, EIGHT));
      kernel.set(out!, i32.add(out!, SIXTEEN));
      kernel.set(last, i32.sub(last, SIXTEEN));
    };
    const first = load(i32.const(0));
    store(out!, keep({ re: add(first.re, first.im), im: each(0) }));
    store(last, keep({ re: sub(first.re, first.im), im: each(0) }));
    advance();
    const half = kernel.let(each(0.5));
    kernel.loop(order!, end, i32.const(0), () => {
      const a = load(i32.load(order!));
      const b = load(i32.load(order!, 4));
      const [even, turned] = unpacked(a, b, rootAt(kernel, roots!), keep, (part) => mul(half, part));
      store(out!, keep(cadd(even!, turned!)));
      const mirrored = csub(even!, turned!);
      store(last, keep({ re: mirrored.re, im: sub(each(0), mirrored.im) }));
      advance();
    });
  },
};

/** Columns, a multiple of four of them, as four rows. Parameters: columns, bytes of them, rows, bytes between rows. */
const quadTranspose: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [columns, bytes, out, pitch]) {
    const end = kernel.let(i32.add(columns!, bytes!));
    const rows = [out!];
    while (rows.length < 4) rows.push(kernel.let(i32.add(rows.at(-1)!, pitch!)));
    kernel.loop(columns!, end, i32.const(64), () => {
      const block = [0, 16, 32, 48].map((offset) => kernel.let(v128.load(columns!, offset)));
      transposed(kernel, block).forEach((row, k) => kernel.store(rows[k]!, row));
      for (const row of rows) kernel.set(row, i32.add(row, SIXTEEN));
    });
  },
};

/**
 * One frame of the vocoder, as `turn` in vocoder-kernels.ts, on rows of float32. The phases are brought back to unit
 * length by a step of Newton's, so that they do not drift however long the signal is.
 * Parameters: here, next, phases, bytes of a plane, alpha, re, im.
 */
const turnSingle: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'f32', 'i32', 'i32'],
  build(kernel, [here, next, phases, plane, alpha, re, im]) {
    const keep = keeper(kernel);
    const end = kernel.let(i32.add(re!, plane!));
    const share = kernel.let(f32x4.splat(alpha!));
    const [herePhase, nextPhase, other] = [here!, next!, phases!].map((at) => kernel.let(i32.add(at, plane!)));
    const [hereOther, nextOther] = [herePhase!, nextPhase!].map((at) => kernel.let(i32.add(at, plane!)));
    kernel.loop(re!, end, SIXTEEN, () => {
      const from = kernel.let(v128.load(here!));
      const size = kernel.let(add(from, mul(share, sub(v128.load(next!), from))));
      const phase = keep({ re: v128.load(phases!), im: v128.load(other!) });
      kernel.store(re!, mul(size, phase.re));
      kernel.store(im!, mul(size, phase.im));
      const h = keep({ re: v128.load(herePhase!), im: v128.load(hereOther!) });
      const n = keep({ re: v128.load(nextPhase!), im: v128.load(nextOther!) });
      const step = keep({ re: add(mul(n.re, h.re), mul(n.im, h.im)), im: sub(mul(n.im, h.re), mul(n.re, h.im)) });
      const turned = keep(cmul(phase, step));
      const square = add(mul(turned.re, turned.re), mul(turned.im, turned.im));
      const gain = kernel.let(sub(each(1.5), mul(each(0.5), square)));
      kernel.store(phases!, mul(turned.re, gain));
      kernel.store(other!, mul(turned.im, gain));
      const moving = [here!, next!, phases!, im!, herePhase!, nextPhase!, other!, hereOther!, nextOther!];
      for (const at of moving) kernel.set(at, i32.add(at, SIXTEEN));
    });
  },
};

/**
 * The packed halves of four frames from their bins, times n, real and imaginary parts exchanged, so that the forward
 * transform is the inverse one. Of bins 0 and n / 2 the real part counts.
 * Parameters: real parts (columns), imaginary parts, bytes of the bins without the last, values, roots.
 */
const quadTangle: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [re, im, bytes, values, roots]) {
    const keep = keeper(kernel);
    const bin = (offset: Expr) => keep({ re: v128.load(i32.add(re!, offset)), im: v128.load(i32.add(im!, offset)) });
    const store = (offset: Expr, value: Complex) => {
      const at = kernel.let(i32.add(values!, i32.shl(offset, i32.const(1))));
      kernel.store(at, value.im);
      kernel.store(at, value.re, 16);
    };
    const first = kernel.let(v128.load(re!));
    const last = kernel.let(v128.load(i32.add(re!, bytes!)));
    store(i32.const(0), { re: add(first, last), im: sub(first, last) });
    const k = kernel.let(SIXTEEN);
    const m = kernel.let(i32.sub(bytes!, SIXTEEN));
    const end = kernel.let(i32.add(m, i32.const(1)));
    kernel.loop(k, end, SIXTEEN, () => {
      kernel.set(roots!, i32.add(roots!, EIGHT));
      const a = bin(k);
      const b = bin(m);
      const even = keep({ re: add(a.re, b.re), im: sub(a.im, b.im) });
      const turned = keep({ re: sub(a.re, b.re), im: add(a.im, b.im) });
      const [atK, atM] = packed(even, turned, rootAt(kernel, roots!), keep);
      store(k, atK!);
      store(m, atM!);
      kernel.set(m, i32.sub(m, SIXTEEN));
      kernel.set(end, i32.add(m, i32.const(1)));
    });
  },
};

/**
 * Overlap-add: four frames, `hop` bytes apart, times the window, onto sums. `places` holds an int32 per packed value,
 * the byte offset where the transform left it; the parts are exchanged still.
 * Parameters: values, places, bytes of places, window, sums, hop.
 */
const quadOverlap: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [values, places, bytes, window, sums, hop]) {
    const end = kernel.let(i32.add(places!, bytes!));
    const rows = [sums!];
    while (rows.length < 4) rows.push(kernel.let(i32.add(rows.at(-1)!, hop!)));
    kernel.loop(places!, end, EIGHT, () => {
      const [a, b] = [0, 4].map((offset) => kernel.let(i32.add(values!, i32.load(places!, offset))));
      const block = [v128.load(a!, 16), v128.load(a!), v128.load(b!, 16), v128.load(b!)].map((part) =>
        kernel.let(part),
      );
      const weight = kernel.let(v128.load(window!));
      transposed(kernel, block).forEach((samples, k) => {
        const row = rows[k]!;
        kernel.store(row, add(v128.load(row), mul(weight, samples)));
        kernel.set(row, i32.add(row, SIXTEEN));
      });
      kernel.set(window!, i32.add(window!, SIXTEEN));
    });
  },
};

/** Values divided by others, in place. Parameters: values, bytes, divisors. */
const divide: KernelSource = {
  parameters: ['i32', 'i32', 'i32'],
  build(kernel, [values, bytes, divisors]) {
    const end = kernel.let(i32.add(values!, bytes!));
    kernel.loop(values!, end, SIXTEEN, () => {
      kernel.store(values!, div(v128.load(values!), v128.load(divisors!)));
      kernel.set(divisors!, i32.add(divisors!, SIXTEEN));
    });
  },
};

export const stretchKernels = {
  quadPolar,
  quadTranspose,
  turnSingle,
  quadTangle,
  quadOverlap,
  divide,
} satisfies Record<string, KernelSource>;
