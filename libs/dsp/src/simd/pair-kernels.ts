/**
 * Power spectra in double precision, two frames at once, in place (in-place.ts): one frame in each
 * lane of a vector. Powers are rounded to float32 and stored as columns: for each bin four frames side by side, half of
 * which come from one pair.
 */
import { f32x4, f64x2, i32, keeper, v128, type Complex, type KernelSource } from '@prosodia/wasm';
import { apart, inPlace, VALUE } from './in-place.ts';

const { storeTurned, butterfly4, twiddles, rest, powers } = inPlace({
  lanes: f64x2,
  splat: v128.loadSplat64,
  constant: f64x2.const,
  size: 8,
});

/**
 * Two frames of float32, `hop` bytes apart, times the window, packed, through the first pass.
 * Parameters: frames, hop, window (float64), n (samples of a frame, a multiple of 16), values, twiddles.
 */
const pairFirst: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [frames, hop, window, n, values, firstTwiddles]) {
    const keep = keeper(kernel);
    // A quarter of a frame is n bytes of samples, 2 n of the window and 4 n of values.
    const to = apart(kernel, values!, i32.shl(n!, i32.const(2)));
    const weights = apart(kernel, window!, i32.shl(n!, i32.const(1)));
    const [a, b] = [apart(kernel, frames!, n!), apart(kernel, i32.add(frames!, hop!), n!)];
    const end = kernel.let(weights[1]!);
    kernel.loop(weights[0]!, end, i32.const(16), () => {
      const packed = weights.map((weight, m): Complex => {
        const w = kernel.let(v128.load(weight));
        const [left, right] = [a[m]!, b[m]!].map((at) => kernel.let(f64x2.mul(f64x2.promote(v128.loadLow64(at)), w)));
        return keep({ re: v128.halves(left!, right!, 0, 0), im: v128.halves(left!, right!, 1, 1) });
      });
      storeTurned(kernel, to, butterfly4(packed, keep), firstTwiddles!);
      for (const at of to) kernel.set(at, i32.add(at, i32.const(VALUE)));
      for (const at of weights.slice(1)) kernel.set(at, i32.add(at, i32.const(16)));
      for (const at of [...a, ...b]) kernel.set(at, i32.add(at, i32.const(8)));
      kernel.set(firstTwiddles!, i32.add(firstTwiddles!, i32.const(twiddles)));
    });
  },
};

export const pairKernels = {
  pairFirst,
  pairRest4: rest(4),
  pairRest8: rest(8),
  /** To either half of the columns, depending on where the powers start. */
  pairPowers: powers((kernel, at, value) => kernel.storeLow64(at, f32x4.demote(value))),
} satisfies Record<string, KernelSource>;
