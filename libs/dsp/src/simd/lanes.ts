/** What the lanes of one vector come to. */
import { f32, f32x4, f64, f64x2, v128, type Expr, type Kernel, type Local } from '@prosodia/wasm';

/** The sum of the four lanes. */
export function sum4(kernel: Kernel, value: Expr): Expr {
  const v = kernel.let(value);
  return f32.add(f32.add(f32x4.lane(v, 0), f32x4.lane(v, 1)), f32.add(f32x4.lane(v, 2), f32x4.lane(v, 3)));
}

/** The largest of the four lanes. */
export function most4(kernel: Kernel, value: Expr): Expr {
  const v = kernel.let(value);
  return f32.max(f32.max(f32x4.lane(v, 0), f32x4.lane(v, 1)), f32.max(f32x4.lane(v, 2), f32x4.lane(v, 3)));
}

/** The sum of the two lanes of doubles. */
export function sum2(value: Local): Expr {
  return f64.add(f64x2.lane(value, 0), f64x2.lane(value, 1));
}

/** The larger of the two. */
export function most2(value: Local): Expr {
  return f64.max(f64x2.lane(value, 0), f64x2.lane(value, 1));
}

/** The smaller of the two. */
export function least2(value: Local): Expr {
  return f64.min(f64x2.lane(value, 0), f64x2.lane(value, 1));
}

/** Rows of a block of four by four as columns. */
export function transposed(kernel: Kernel, [a, b, c, d]: readonly Local[]): Expr[] {
  return ([0, 1] as const).flatMap((half) => {
    const ab = kernel.let(v128.interleave32(a!, b!, half));
    const cd = kernel.let(v128.interleave32(c!, d!, half));
    return [v128.halves(ab, cd, 0, 0), v128.halves(ab, cd, 1, 1)];
  });
}
