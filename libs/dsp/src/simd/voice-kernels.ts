/** Kernels of the measures of voices, in double precision. */
import { f64x2, i32, v128, type KernelSource, type Local } from '@prosodia/wasm';
import { sum2 } from './lanes.ts';

const { add, sub, mul } = f64x2;
const SIXTEEN = i32.const(16);

/**
 * A step of Burg's lattice on two frames, one in each lane: forward and backward errors from byte `from` on, the backward
 * one of the sample before beside each forward one, after the reflection whose two coefficients lie at `reflection`.
 * Leaves the sums of their products and of their squares, of all but the first.
 * Parameters: forward, backward, from, bytes of either, reflection, sums.
 */
const burgStep: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [forward, backward, from, bytes, reflection, sums]) {
    const r = kernel.let(v128.load(reflection!));
    const end = kernel.let(i32.add(forward!, bytes!));
    const f = kernel.let(i32.add(forward!, from!));
    const b = kernel.let(i32.add(backward!, from!));
    const [product, power] = [kernel.let(f64x2.const(0)), kernel.let(f64x2.const(0))];
    const before = kernel.let(f64x2.const(0));
    const step = (): [Local, Local] => {
      const [ahead, behind] = [kernel.let(v128.load(f)), kernel.let(v128.load(b))];
      const here = kernel.let(sub(ahead, mul(r, behind)));
      const met = kernel.let(before);
      kernel.set(before, sub(behind, mul(r, ahead)));
      kernel.store(f, here);
      kernel.store(b, met);
      kernel.set(b, i32.add(b, SIXTEEN));
      return [here, met];
    };
    step();
    kernel.set(f, i32.add(f, SIXTEEN));
    kernel.loop(f, end, SIXTEEN, () => {
      const [here, met] = step();
      kernel.set(product, add(product, mul(here, met)));
      kernel.set(power, add(power, add(mul(here, here), mul(met, met))));
    });
    kernel.store(sums!, product);
    kernel.store(sums!, power, 16);
  },
};

/** The sum of float32 times float64 weights, four at a time. Parameters: values, weights, bytes of weights, out (float64). */
const weigh: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [x, weight, bytes, out]) {
    const end = kernel.let(i32.add(weight!, bytes!));
    const sums = [0, 1].map(() => kernel.let(f64x2.const(0)));
    kernel.loop(weight!, end, i32.const(32), () => {
      sums.forEach((sum, k) => {
        kernel.set(sum, add(sum, mul(f64x2.promote(v128.loadLow64(x!, 8 * k)), v128.load(weight!, 16 * k))));
      });
      kernel.set(x!, i32.add(x!, SIXTEEN));
    });
    kernel.store(out!, sum2(kernel.let(add(sums[0]!, sums[1]!))));
  },
};

export const voiceKernels = { burgStep, weigh } satisfies Record<string, KernelSource>;
