/**
 * Kernels of the short-time transform. Two frames go through at once, one in each half of a 128-bit vector,
 * so every step is the scalar algorithm of fft.ts with vectors for numbers, in double precision.
 *
 * A plane of n values is n vectors of 16 bytes; all pointers are byte addresses, all counts in bytes too.
 */
import {
  complexNumbers,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  keeper,
  v128,
  type Butterfly,
  type Complex,
  type Expr,
  type Kernel,
  type KernelSource,
  type Local,
} from '@prosodia/wasm';

const { add, sub, mul } = f64x2;
const { cadd, csub, cmul, butterfly2, butterfly4, unpacked, packed } = complexNumbers(f64x2);
const BYTES = i32.const(16);

/** A complex number, cosine and sine, in both halves of a vector. */
export const rootAt = (kernel: Kernel, at: Expr): Complex => ({
  re: kernel.let(v128.loadSplat64(at)),
  im: kernel.let(v128.loadSplat64(at, 8)),
});

/** An odd length, folding x[k] with x[radix - k]: cosines meet the sums, sines the differences. */
function butterflyOdd(radix: number): Butterfly {
  const half = (radix - 1) / 2;
  const root = (k: number) => (2 * Math.PI * (k % radix)) / radix;
  return ([first, ...rest], keep) => {
    const sums = Array.from({ length: half }, (_, k) => keep(cadd(rest[k]!, rest[radix - 2 - k]!)));
    const difs = Array.from({ length: half }, (_, k) => keep(csub(rest[k]!, rest[radix - 2 - k]!)));
    const out: Complex[] = [sums.reduce(cadd, first!)];
    for (let j = 1; j <= half; j++) {
      const even = keep(
        sums.reduce((total, value, k) => {
          const c = f64x2.const(Math.cos(root(j * (k + 1))));
          return { re: add(total.re, mul(value.re, c)), im: add(total.im, mul(value.im, c)) };
        }, first!),
      );
      const odd = keep(
        difs
          .map((value, k) => {
            const s = f64x2.const(Math.sin(root(j * (k + 1))));
            return { re: mul(value.im, s), im: mul(value.re, s) };
          })
          .reduce(cadd),
      );
      out[j] = { re: add(even.re, odd.re), im: sub(even.im, odd.im) };
      out[radix - j] = { re: sub(even.re, odd.re), im: add(even.im, odd.im) };
    }
    return out;
  };
}

/**
 * One stage of Stockham's algorithm: (xr, xi) to (yr, yi). `stride` is the product of the radices before,
 * `part` the distance of the inputs of one butterfly; `twiddles` holds radix - 1 complex numbers per group.
 * In the last stage all of them are 1, and `twiddled` is false.
 */
function stage(radix: number, butterfly: Butterfly, twiddled = true): KernelSource {
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    build(kernel, [xr, xi, yr, yi, twiddles, part, stride]) {
      const end = kernel.let(i32.add(xr!, part!));
      const columns = kernel.variable('i32');
      // The first of two outputs of a group lies `radix` strides after that of the group before.
      const skip = kernel.let(i32.mul(stride!, i32.const(radix - 1)));
      const at = kernel.let(xr!);
      const toImaginary = kernel.let(i32.sub(xi!, xr!));
      const outImaginary = kernel.let(i32.sub(yi!, yr!));
      const out = kernel.let(yr!);
      const t = kernel.let(twiddles!);
      kernel.loop(at, end, i32.const(0), () => {
        const w = Array.from({ length: twiddled ? radix - 1 : 0 }, (_, j) => ({
          re: kernel.let(v128.loadSplat64(t, 16 * j)),
          im: kernel.let(v128.loadSplat64(t, 16 * j + 8)),
        }));
        kernel.set(columns, i32.add(at, stride!));
        kernel.loop(at, columns, BYTES, () => {
          const keep = keeper(kernel);
          const pointer = kernel.let(at);
          const x: Complex[] = [];
          for (let k = 0; k < radix; k++) {
            if (k > 0) kernel.set(pointer, i32.add(pointer, part!));
            x.push(keep({ re: v128.load(pointer), im: v128.load(i32.add(pointer, toImaginary)) }));
          }
          const y = butterfly(x, keep);
          const to = kernel.let(out);
          y.forEach((value, j) => {
            if (j > 0) kernel.set(to, i32.add(to, stride!));
            const turned = twiddled && j > 0 ? cmul(keep(value), w[j - 1]!) : value;
            kernel.store(to, turned.re);
            kernel.store(i32.add(to, outImaginary), turned.im);
          });
          kernel.set(out, i32.add(out, BYTES));
        });
        kernel.set(out, i32.add(out, skip));
        kernel.set(t, i32.add(t, i32.const(16 * (radix - 1))));
      });
    },
  };
}

/** Frames a and b (float32), times the window, packed: even samples to zr, odd ones to zi. `bytes` of a plane. */
const pack: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [a, b, window, zr, zi, bytes]) {
    const end = kernel.let(i32.add(zr!, bytes!));
    kernel.loop(zr!, end, BYTES, () => {
      const w = kernel.let(v128.load(window!));
      const fromA = kernel.let(mul(f64x2.promote(v128.loadLow64(a!)), w));
      const fromB = kernel.let(mul(f64x2.promote(v128.loadLow64(b!)), w));
      kernel.store(zr!, v128.halves(fromA, fromB, 0, 0));
      kernel.store(zi!, v128.halves(fromA, fromB, 1, 1));
      kernel.set(a!, i32.add(a!, i32.const(8)));
      kernel.set(b!, i32.add(b!, i32.const(8)));
      kernel.set(window!, i32.add(window!, BYTES));
      kernel.set(zi!, i32.add(zi!, BYTES));
    });
  },
};

/** Writes bin k of both frames, given its value; `k4` is 4 times the bin. */
type Emit = (kernel: Kernel, outputs: readonly Local[], k4: Expr, value: Complex) => void;

/** The transform of the packed halves taken apart: bins 1 .. half - 1; bins 0 and half are done by the caller. */
function untangle(outputs: number, emit: Emit): KernelSource {
  return {
    // zr, zi, roots (cosine and sine per bin), bytes of a plane, then the output rows.
    parameters: ['i32', 'i32', 'i32', 'i32', ...Array.from({ length: outputs }, () => 'i32' as const)],
    build(kernel, [zr, zi, roots, bytes, ...rows]) {
      const half = f64x2.const(0.5);
      const keep = keeper(kernel);
      const at = (offset: Expr): Complex => ({
        re: v128.load(i32.add(zr!, offset)),
        im: v128.load(i32.add(zi!, offset)),
      });
      const quarter = (offset: Expr) => i32.shr(offset, i32.const(2));

      const first = keep(at(i32.const(0)));
      const zero = f64x2.const(0);
      emit(kernel, rows, i32.const(0), { re: add(first.re, first.im), im: zero });
      emit(kernel, rows, kernel.let(quarter(bytes!)), { re: sub(first.re, first.im), im: zero });

      const k = kernel.let(BYTES);
      const m = kernel.let(i32.sub(bytes!, BYTES));
      // Bins k and half - k come from the same two values; in the middle they are one bin, written twice.
      const end = kernel.let(i32.add(m, i32.const(1)));
      kernel.loop(k, end, BYTES, () => {
        const a = keep(at(k));
        const b = keep(at(m));
        const [even, turned] = unpacked(a, b, rootAt(kernel, i32.add(roots!, k)), keep, (part) => mul(half, part));
        emit(kernel, rows, kernel.let(quarter(k)), cadd(even!, turned!));
        emit(kernel, rows, kernel.let(quarter(m)), {
          re: sub(even!.re, turned!.re),
          im: sub(turned!.im, even!.im),
        });
        kernel.set(m, i32.sub(m, BYTES));
        kernel.set(end, i32.add(m, i32.const(1)));
      });
    },
  };
}

function both(kernel: Kernel, value: Expr, rowA: Expr, rowB: Expr, k4: Expr): void {
  const rounded = kernel.let(f32x4.demote(value));
  kernel.storeLane32(i32.add(rowA, k4), rounded, 0);
  kernel.storeLane32(i32.add(rowB, k4), rounded, 1);
}

const emitPower: Emit = (kernel, [rowA, rowB], k4, value) => {
  const re = kernel.let(value.re);
  const im = kernel.let(value.im);
  both(kernel, add(mul(re, re), mul(im, im)), rowA!, rowB!, k4);
};

const emitComplex: Emit = (kernel, [reA, reB, imA, imB], k4, value) => {
  both(kernel, value.re, reA!, reB!, k4);
  both(kernel, value.im, imA!, imB!, k4);
};

/**
 * The packed halves that `untangle` would take apart into the given bins of two frames, times n.
 * Parameters: real and imaginary rows (float32) of both frames, zr, zi, roots, bytes of a plane.
 */
const tangle: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [reA, reB, imA, imB, zr, zi, roots, bytes]) {
    const keep = keeper(kernel);
    const pair = (a: Expr, b: Expr) => f64x2.withHigh(f64x2.splat(f64.promote(f32.load(a))), f64.promote(f32.load(b)));
    const bin = (k4: Expr): Complex =>
      keep({ re: pair(i32.add(reA!, k4), i32.add(reB!, k4)), im: pair(i32.add(imA!, k4), i32.add(imB!, k4)) });
    const store = (offset: Expr, value: Complex) => {
      kernel.store(i32.add(zr!, offset), value.re);
      kernel.store(i32.add(zi!, offset), value.im);
    };
    const quarter = (offset: Expr) => kernel.let(i32.shr(offset, i32.const(2)));

    const first = bin(i32.const(0));
    const last = bin(quarter(bytes!));
    store(i32.const(0), { re: add(first.re, last.re), im: sub(first.re, last.re) });

    const k = kernel.let(BYTES);
    const m = kernel.let(i32.sub(bytes!, BYTES));
    const end = kernel.let(i32.add(m, i32.const(1)));
    kernel.loop(k, end, BYTES, () => {
      const a = bin(quarter(k));
      const b = bin(quarter(m));
      const even = keep({ re: add(a.re, b.re), im: sub(a.im, b.im) });
      const turned = keep({ re: sub(a.re, b.re), im: add(a.im, b.im) });
      const [atK, atM] = packed(even, turned, rootAt(kernel, i32.add(roots!, k)), keep);
      store(k, atK!);
      store(m, atM!);
      kernel.set(m, i32.sub(m, BYTES));
      kernel.set(end, i32.add(m, i32.const(1)));
    });
  },
};

/**
 * Overlap-add: the samples packed in zr and zi, times the window, onto float64 sums at a and b.
 * Parameters: zr, zi, bytes of a plane, window, a, b.
 */
const overlapAdd: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [zr, zi, bytes, window, a, b]) {
    const end = kernel.let(i32.add(zr!, bytes!));
    kernel.loop(zr!, end, BYTES, () => {
      const w = kernel.let(v128.load(window!));
      const even = kernel.let(v128.load(zr!));
      const odd = kernel.let(v128.load(zi!));
      kernel.store(a!, add(v128.load(a!), mul(w, v128.halves(even, odd, 0, 0))));
      kernel.store(b!, add(v128.load(b!), mul(w, v128.halves(even, odd, 1, 1))));
      for (const pointer of [zi!, window!, a!, b!]) kernel.set(pointer, i32.add(pointer, BYTES));
    });
  },
};

/** The radices that have a stage here, in the order in which a length is taken apart. */
export const RADICES = [4, 2, 3, 5, 7] as const;

export const fftKernels = {
  pack,
  stage4: stage(4, butterfly4),
  stage2: stage(2, butterfly2),
  stage3: stage(3, butterflyOdd(3)),
  stage5: stage(5, butterflyOdd(5)),
  stage7: stage(7, butterflyOdd(7)),
  last4: stage(4, butterfly4, false),
  last2: stage(2, butterfly2, false),
  last3: stage(3, butterflyOdd(3), false),
  last5: stage(5, butterflyOdd(5), false),
  last7: stage(7, butterflyOdd(7), false),
  untanglePower: untangle(2, emitPower),
  untangleComplex: untangle(4, emitComplex),
  tangle,
  overlapAdd,
} satisfies Record<string, KernelSource>;
