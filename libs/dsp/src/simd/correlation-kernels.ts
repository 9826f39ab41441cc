/** The kernel between the transforms of a correlation; planes and vectors as in fft-kernels.ts. */
import { complexNumbers, f64x2, i32, keeper, v128, type Complex, type Expr, type KernelSource } from '@prosodia/wasm';
import { rootAt } from './fft-kernels.ts';

const { add, sub, mul } = f64x2;
const { cadd, csub, unpacked, packed } = complexNumbers(f64x2);
const BYTES = i32.const(16);

/**
 * From the packed transforms of two real sequences a and b of n values: the packed transform of their
 * circular correlation, sum over j of a[j] b[j + lag], times n. It takes the place of a's.
 *
 * Bins k and n/2 - k are taken apart, multiplied and packed again in one go.
 * Parameters: real and imaginary plane of a, of b, roots, bytes of a plane.
 */
const correlate: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [ar, ai, br, bi, roots, bytes]) {
    const keep = keeper(kernel);
    const half = f64x2.const(0.5);
    const at = (re: Expr, im: Expr, offset: Expr): Complex =>
      keep({ re: v128.load(i32.add(re, offset)), im: v128.load(i32.add(im, offset)) });
    const store = (offset: Expr, value: Complex) => {
      kernel.store(i32.add(ar!, offset), value.re);
      kernel.store(i32.add(ai!, offset), value.im);
    };

    // Bins 0 and n/2 are real and share the first place.
    const zero = i32.const(0);
    const a0 = at(ar!, ai!, zero);
    const b0 = at(br!, bi!, zero);
    const first = kernel.let(mul(add(a0.re, a0.im), add(b0.re, b0.im)));
    const last = kernel.let(mul(sub(a0.re, a0.im), sub(b0.re, b0.im)));
    store(zero, { re: add(first, last), im: sub(first, last) });

    const k = kernel.let(BYTES);
    const m = kernel.let(i32.sub(bytes!, BYTES));
    const end = kernel.let(i32.add(m, i32.const(1)));
    kernel.loop(k, end, BYTES, () => {
      const root = rootAt(kernel, i32.add(roots!, k));
      /** Bins k and m of one sequence; of m the conjugate. */
      const bins = (re: Expr, im: Expr): [Complex, Complex] => {
        const [even, turned] = unpacked(at(re, im, k), at(re, im, m), root, keep, (part) => mul(half, part));
        return [keep(cadd(even!, turned!)), keep(csub(even!, turned!))];
      };
      const [aK, aM] = bins(ar!, ai!);
      const [bK, bM] = bins(br!, bi!);
      // conj(a) b, for both; of m the conjugate is at hand, and the conjugate of the product is wanted.
      const product = (a: Complex, b: Complex) =>
        keep({
          re: add(mul(a.re, b.re), mul(a.im, b.im)),
          im: sub(mul(a.re, b.im), mul(a.im, b.re)),
        });
      const pK = product(aK, bK);
      const pM = product(aM, bM);
      const [atK, atM] = packed(keep(cadd(pK, pM)), keep(csub(pK, pM)), root, keep);
      store(k, atK!);
      store(m, atM!);
      kernel.set(m, i32.sub(m, BYTES));
      kernel.set(end, i32.add(m, i32.const(1)));
    });
  },
};

export const correlationKernels = { correlate } satisfies Record<string, KernelSource>;
