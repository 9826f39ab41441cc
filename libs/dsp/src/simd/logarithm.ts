/** The logarithm, which WebAssembly has no instruction for, from the bits of a float64. */
import { f64x2, i32, i64x2, v128, type Expr, type Kernel, type Local } from '@prosodia/wasm';

const SQRT_HALF_BITS = 0x3fe6a09e667f3bcdn;
const ONE_BITS = 0x3ff0000000000000n;

/**
 * Natural logarithm of positive normal numbers, to about 1e-12.
 *
 * x = 2^k m with m between the roots of 1/2 and 2, and ln m = 2 artanh(s) with s = (m - 1) / (m + 1), whose
 * series in s^2 <= 0.0295 is cut where its terms fall far below the rounding of what is stored, float32.
 */
export function logarithm(kernel: Kernel, x: Local): Expr {
  const shifted = kernel.let(i64x2.add(x, i64x2.const(ONE_BITS - SQRT_HALF_BITS)));
  const fraction = v128.and(shifted, i64x2.const(0x000fffffffffffffn));
  const m = kernel.let(i64x2.add(fraction, i64x2.const(SQRT_HALF_BITS)));
  // An integer below 2^52 becomes a float64 by lending it the exponent of 2^52.
  const integer = v128.or(i64x2.shr(shifted, i32.const(52)), i64x2.const(0x4330000000000000n));
  const k = f64x2.sub(integer, f64x2.const(2 ** 52 + 1023));
  const s = kernel.let(f64x2.div(f64x2.sub(m, f64x2.const(1)), f64x2.add(m, f64x2.const(1))));
  const square = kernel.let(f64x2.mul(s, s));
  const series = kernel.let(f64x2.const(1 / 13));
  for (let odd = 11; odd >= 1; odd -= 2) {
    kernel.set(series, f64x2.add(f64x2.mul(series, square), f64x2.const(1 / odd)));
  }
  const ln = f64x2.mul(f64x2.mul(f64x2.const(2), s), series);
  return kernel.let(f64x2.add(f64x2.mul(k, f64x2.const(Math.LN2)), ln));
}
