/**
 * Power spectra in double precision, two frames at once, in place (in-place.ts): one frame in each
 * lane of a vector. Powers are rounded to float32 and stored as columns: for each bin four frames side by side, half of
 * which come from one pair.
 */
import { f32x4, f64x2, i32, keeper, v128, type Complex, type KernelSource } from '@prosodia/wasm';
import { inPlace, quarters, VALUE, type Length } from './in-place.ts';

const { storeTurned, butterfly4, twiddles, rest, powers } = inPlace({
  lanes: f64x2,
  splat: v128.loadSplat64,
  constant: f64x2.const,
  size: 8,
});

/**
 * Two frames of float32, `hop` bytes apart, times the window, packed, through the first pass.
 * Parameters: frames, hop, window (float64), values, twiddles.
 */
const pairFirst = (n: Length): KernelSource => ({
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [a, hop, window, values, at]) {
    const keep = keeper(kernel);
    const b = kernel.let(i32.add(a!, hop!));
    const [to, weights] = [quarters(values!, n * 16), quarters(window!, n * 8)];
    const samples = quarters(a!, n * 4).map((one) => [one, { ...one, at: b }]);
    const end = kernel.let(i32.add(window!, i32.const(n * 2)));
    kernel.loop(window!, end, i32.const(16), () => {
      const packed = weights.map((weight, m): Complex => {
        const w = kernel.let(v128.load(weight.at, weight.offset));
        const [left, right] = samples[m]!.map((sample) =>
          kernel.let(f64x2.mul(f64x2.promote(v128.loadLow64(sample.at, sample.offset)), w)),
        );
        return keep({ re: v128.halves(left!, right!, 0, 0), im: v128.halves(left!, right!, 1, 1) });
      });
      storeTurned(kernel, to, butterfly4(packed, keep), at!);
      kernel.set(values!, i32.add(values!, i32.const(VALUE)));
      for (const sample of [a!, b]) kernel.set(sample, i32.add(sample, i32.const(8)));
      kernel.set(at!, i32.add(at!, i32.const(twiddles)));
    });
  },
});

export const pairKernels = {
  pairFirst512: pairFirst(512),
  pairFirst1024: pairFirst(1024),
  pairFirst2048: pairFirst(2048),
  pairFirst4096: pairFirst(4096),
  pairRest4: rest(4),
  pairRest8: rest(8),
  /** To either half of the columns, depending on where the powers start. */
  pairPowers: powers((kernel, at, value) => kernel.storeLow64(at, f32x4.demote(value))),
} satisfies Record<string, KernelSource>;
