/** Complex arithmetic on vectors, in either precision: what the kernels of all transforms are written in. */
import type { Expr } from '@prosodia/wasm';

export interface Complex {
  re: Expr;
  im: Expr;
}

/** Small transforms on named values: `keep` gives an expression a name before it is used twice. */
export type Butterfly = (x: Complex[], keep: (value: Complex) => Complex) => Complex[];

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
  return { cadd, csub, cmul, butterfly2, butterfly4 };
}
