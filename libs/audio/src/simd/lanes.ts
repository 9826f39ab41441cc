/** Instructions that the assembler does not name: on four float32 lanes, and between numbers of different types. */
import { f32, f32x4, type Expr } from '@prosodia/wasm';

const SIMD = 0xfd;

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

export const sub = (a: Expr, b: Expr): Expr => ({ type: 'v128', code: [...a.code, ...b.code, SIMD, ...leb(0xe5)] });

/** A float32 from memory in all four lanes. */
export const loadSplat = (at: Expr, offset = 0): Expr => ({
  type: 'v128',
  code: [...at.code, SIMD, 0x09, 2, ...leb(offset)],
});

/** Four of the eight lanes of a and b, counted from 0 to 7. */
export const shuffle = (a: Expr, b: Expr, lanes: readonly [number, number, number, number]): Expr => ({
  type: 'v128',
  code: [...a.code, ...b.code, SIMD, 0x0d, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte))],
});

export const constant = (value: number): Expr => f32x4.splat(f32.const(value));

/** The next whole number below a float64. */
export const floor = (x: Expr): Expr => ({ type: 'f64', code: [...x.code, 0x9c] });

/** The nearest float32 of a float64. */
export const demote = (x: Expr): Expr => ({ type: 'f32', code: [...x.code, 0xb6] });

/** A float64 without its fraction, as an i32. */
export const truncate = (x: Expr): Expr => ({ type: 'i32', code: [...x.code, 0xaa] });
