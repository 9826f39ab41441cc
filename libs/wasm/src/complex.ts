/** Complex arithmetic on vectors, in either precision: what the kernels of all transforms are written in. */
import type { Expr, Kernel } from './assembler.ts';

export interface Complex {
  re: Expr;
  im: Expr;
}

/** Gives an expression a name before it is used twice. */
export type Keep = (value: Complex) => Complex;

/** Names as variables of a kernel. */
export const keeper =
  (kernel: Kernel): Keep =>
  ({ re, im }) => ({ re: kernel.let(re), im: kernel.let(im) });

/** Small transforms on named values. */
export type Butterfly = (x: Complex[], keep: Keep) => Complex[];

type Operation = (a: Expr, b: Expr) => Expr;

/** @param lanes the operations of one type of vector, such as f64x2 */
export function complexNumbers({ add, sub, mul }: Record<'add' | 'sub' | 'mul', Operation>) {
  const cadd = (a: Complex, b: Complex): Complex => ({ re: add(a.re, b.re), im: add(a.im, b.im) });
  const csub = (a: Complex, b: Complex): Complex => ({ re: sub(a.re, b.re), im: sub(a.im, b.im) });
  const cmul = (a: Complex, b: Complex): Complex => ({
    re: sub(mul(a.re, b.re), mul(a.im, b.im)),
    im: add(mul(a.re, b.im), mul(a.im, b.re)),
  });
  const butterfly2: Butterfly = ([a, b]) => [cadd(a!, b!), csub(a!, b!)];
  const butterfly4: Butterfly = ([a, b, c, d], keep) => {
    const sumAC = keep(cadd(a!, c!));
    const difAC = keep(csub(a!, c!));
    const sumBD = keep(cadd(b!, d!));
    const difBD = keep(csub(b!, d!));
    return [
      cadd(sumAC, sumBD),
      // difBD times -i is (im, -re).
      { re: add(difAC.re, difBD.im), im: sub(difAC.im, difBD.re) },
      csub(sumAC, sumBD),
      { re: sub(difAC.re, difBD.im), im: add(difAC.im, difBD.re) },
    ];
  };
  /**
   * Bins k and n/2 - k of n real values from the transform p, q of their n/2 packed pairs in these places: cadd of the
   * two results is bin k, csub the conjugate of bin n/2 - k.
   * @param root e^(2 pi i k / n), named
   * @param scaled what becomes of each part: its half, unless that is made up for elsewhere
   */
  const unpacked = (p: Complex, q: Complex, root: Complex, keep: Keep, scaled: (part: Expr) => Expr): Complex[] => {
    const even = keep({ re: scaled(add(p.re, q.re)), im: scaled(sub(p.im, q.im)) });
    const odd = keep({ re: scaled(add(p.im, q.im)), im: scaled(sub(q.re, p.re)) });
    const turned = keep({
      re: add(mul(odd.re, root.re), mul(odd.im, root.im)),
      im: sub(mul(odd.im, root.re), mul(odd.re, root.im)),
    });
    return [even, turned];
  };
  /** The way back: twice the packed values in places k and n/2 - k, from sum and difference of bin k and the conjugate. */
  const packed = (even: Complex, turned: Complex, root: Complex, keep: Keep): Complex[] => {
    const odd = keep(cmul(turned, root));
    return [
      { re: sub(even.re, odd.im), im: add(even.im, odd.re) },
      { re: add(even.re, odd.im), im: sub(odd.re, even.im) },
    ];
  };
  return { cadd, csub, cmul, butterfly2, butterfly4, unpacked, packed };
}
