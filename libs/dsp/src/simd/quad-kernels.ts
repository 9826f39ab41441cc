/**
 * Power spectra in single precision, four frames at once, in place (in-place.ts): one frame in each lane of a vector.
 *
 * A spectrum is one vector of four powers per bin. All pointers are byte addresses, all counts in bytes too.
 */
import { f32, f32x4, i32, keeper, v128, type Complex, type KernelSource } from '@prosodia/wasm';
import { apart, inPlace, quarters, VALUE, type Length } from './in-place.ts';

const { add, mul } = f32x4;
const SIXTEEN = i32.const(16);

const { storeTurned, butterfly4, twiddles, rest, powers } = inPlace({
  lanes: f32x4,
  splat: v128.loadSplat32,
  constant: (value) => f32x4.splat(f32.const(value)),
  size: 4,
});

/**
 * Four frames of float32, `hop` bytes apart, times the window, packed, through the first pass.
 * Parameters: frames, hop, window (float32), values, twiddles.
 */
const quadFirst = (n: Length): KernelSource => ({
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [first, hop, window, values, at]) {
    const keep = keeper(kernel);
    const [to, weights] = [quarters(values!, n * 16), quarters(window!, n * 4)];
    const frames = apart(kernel, first!, hop!);
    const end = kernel.let(i32.add(window!, i32.const(n)));
    kernel.loop(window!, end, SIXTEEN, () => {
      const pairs = weights.map((weight): [Complex, Complex] => {
        const w = kernel.let(v128.load(weight.at, weight.offset));
        const [a, b, c, d] = frames.map((frame) => kernel.let(mul(v128.load(frame, weight.offset), w)));
        const [ab, cd, ab2, cd2] = [
          v128.interleave32(a!, b!, 0),
          v128.interleave32(c!, d!, 0),
          v128.interleave32(a!, b!, 1),
          v128.interleave32(c!, d!, 1),
        ].map((pair) => kernel.let(pair));
        return [
          keep({ re: v128.halves(ab!, cd!, 0, 0), im: v128.halves(ab!, cd!, 1, 1) }),
          keep({ re: v128.halves(ab2!, cd2!, 0, 0), im: v128.halves(ab2!, cd2!, 1, 1) }),
        ];
      });
      for (const k of [0, 1] as const) {
        const y = butterfly4(
          pairs.map((pair) => pair[k]),
          keep,
        );
        storeTurned(kernel, to, y, at!, k);
      }
      kernel.set(values!, i32.add(values!, i32.const(2 * VALUE)));
      for (const frame of frames) kernel.set(frame, i32.add(frame, SIXTEEN));
      kernel.set(at!, i32.add(at!, i32.const(2 * twiddles)));
    });
  },
});

/**
 * Sums of short runs of bins times weights, as columns. A band is two int32: where in the columns its run begins, and the
 * bytes of its weights, a multiple of 16; zeros at its end may meet what lies behind the columns.
 * Parameters: powers, bands, bytes of all bands, weights, out.
 */
const quadBands: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [powers, band, bytes, weight, out]) {
    const end = kernel.let(i32.add(band!, bytes!));
    kernel.loop(band!, end, i32.const(8), () => {
      const x = kernel.let(i32.add(powers!, i32.load(band!)));
      const stop = kernel.let(i32.add(weight!, i32.load(band!, 4)));
      const sums = [0, 1].map(() => kernel.let(f32x4.splat(f32.const(0))));
      kernel.loop(weight!, stop, SIXTEEN, () => {
        for (let k = 0; k < 4; k++) {
          const sum = sums[k % 2]!;
          kernel.set(sum, add(sum, mul(v128.load(x, 16 * k), v128.loadSplat32(weight!, 4 * k))));
        }
        kernel.set(x, i32.add(x, i32.const(64)));
      });
      kernel.store(out!, add(sums[0]!, sums[1]!));
      kernel.set(out!, i32.add(out!, SIXTEEN));
    });
  },
};

/**
 * Sums of all bins times weights, four filters at a time, as columns. For every four filters `weights` holds the weights of
 * the four bin by bin, an even number of bins; one more than there are may be read, and meets weights of zero. The
 * sums of 64 bins are added up, so that rounding does not pile up.
 * Parameters: powers, weights, bytes of all weights, bytes of the weights of four filters, out.
 */
const quadProject: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [powers, weight, bytes, groupBytes, out]) {
    const end = kernel.let(i32.add(weight!, bytes!));
    const group = kernel.variable('i32');
    const part = kernel.variable('i32');
    const x = kernel.variable('i32');
    const none = f32x4.splat(f32.const(0));
    kernel.loop(weight!, end, i32.const(0), () => {
      for (let k = 0; k < 4; k++) kernel.store(out!, none, 16 * k);
      kernel.set(x, powers!);
      kernel.set(group, i32.add(weight!, groupBytes!));
      kernel.loop(weight!, group, i32.const(0), () => {
        kernel.set(part, i32.add(weight!, i32.const(1024)));
        kernel.when(i32.lt(group, part), () => kernel.set(part, group));
        const sums = Array.from({ length: 4 }, () => kernel.let(none));
        kernel.loop(weight!, part, i32.const(32), () => {
          const [even, odd] = [0, 16].map((offset) => kernel.let(v128.load(x, offset)));
          sums.forEach((sum, k) => {
            const two = add(
              mul(even!, v128.loadSplat32(weight!, 4 * k)),
              mul(odd!, v128.loadSplat32(weight!, 4 * k + 16)),
            );
            kernel.set(sum, add(sum, two));
          });
          kernel.set(x, i32.add(x, i32.const(32)));
        });
        sums.forEach((sum, k) => kernel.store(out!, add(v128.load(out!, 16 * k), sum), 16 * k));
      });
      kernel.set(out!, i32.add(out!, i32.const(64)));
    });
  },
};

export const quadKernels = {
  quadFirst512: quadFirst(512),
  quadFirst1024: quadFirst(1024),
  quadFirst2048: quadFirst(2048),
  quadFirst4096: quadFirst(4096),
  quadRest4: rest(4),
  quadRest8: rest(8),
  quadPowers: powers((kernel, at, value) => kernel.store(at, value)),
  quadBands,
  quadProject,
} satisfies Record<string, KernelSource>;
