/**
 * The logarithm, which WebAssembly has no instruction for, from the bits of its argument.
 *
 * x = 2^k m with m between the roots of 1/2 and 2, and ln m = 2 artanh(s) with s = (m - 1) / (m + 1), a series in
 * s^2 <= 0.0295 that is cut where its terms fall below the rounding of what is stored.
 */
import { f32, f32x4, f64x2, i32, i32x4, i64x2, v128, type Expr, type Kernel, type Local } from '@prosodia/wasm';

const SQRT_HALF_BITS = 0x3fe6a09e667f3bcdn;
const ONE_BITS = 0x3ff0000000000000n;

/** Natural logarithm of two positive normal float64, to about 1e-12. */
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

const SQRT_HALF_BITS_32 = 0x3f3504f3;
const ONE_BITS_32 = 0x3f800000;

const each = (value: number) => f32x4.splat(f32.const(value));
const bits = (value: number) => i32x4.splat(i32.const(value));

/** Natural logarithm of four positive normal float32, to their rounding. */
export function logarithm32(kernel: Kernel, x: Local): Expr {
  const shifted = kernel.let(i32x4.add(x, bits(ONE_BITS_32 - SQRT_HALF_BITS_32)));
  const m = kernel.let(i32x4.add(v128.and(shifted, bits(0x007fffff)), bits(SQRT_HALF_BITS_32)));
  const k = f32x4.sub(f32x4.convert(i32x4.shr(shifted, i32.const(23))), each(127));
  const s = kernel.let(f32x4.div(f32x4.sub(m, each(1)), f32x4.add(m, each(1))));
  const square = kernel.let(f32x4.mul(s, s));
  const series = kernel.let(each(1 / 7));
  for (let odd = 5; odd >= 1; odd -= 2) {
    kernel.set(series, f32x4.add(f32x4.mul(series, square), each(1 / odd)));
  }
  const ln = f32x4.mul(f32x4.add(s, s), series);
  return kernel.let(f32x4.add(f32x4.mul(k, each(Math.LN2)), ln));
}
