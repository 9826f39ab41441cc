/** Kernels of the phase vocoder; they go over the bins of one frame, two at a time, in double precision. */
import { f32x4, f64x2, i32, v128, type KernelSource } from '@prosodia/wasm';

const { add, sub, mul, div } = f64x2;
const EIGHT = i32.const(8);
const SIXTEEN = i32.const(16);

/**
 * A frame of float32 real and imaginary parts as magnitudes and unit complex numbers, three float64 planes one
 * after the other, `plane` bytes each; a zero has phase 1 + 0i. Parameters: re, im, bytes of re, out, plane.
 */
const polar: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [re, im, bytes, out, plane]) {
    const end = kernel.let(i32.add(re!, bytes!));
    kernel.loop(re!, end, EIGHT, () => {
      const x = kernel.let(f64x2.promote(v128.loadLow64(re!)));
      const y = kernel.let(f64x2.promote(v128.loadLow64(im!)));
      const size = kernel.let(f64x2.sqrt(add(mul(x, x), mul(y, y))));
      const oneIfZero = kernel.let(v128.and(f64x2.eq(size, f64x2.const(0)), f64x2.const(1)));
      const divisor = kernel.let(add(size, oneIfZero));
      const to = kernel.let(out!);
      kernel.store(to, size);
      kernel.set(to, i32.add(to, plane!));
      kernel.store(to, add(div(x, divisor), oneIfZero));
      kernel.set(to, i32.add(to, plane!));
      kernel.store(to, div(y, divisor));
      kernel.set(im!, i32.add(im!, EIGHT));
      kernel.set(out!, i32.add(out!, SIXTEEN));
    });
  },
};

/**
 * One frame of the vocoder: writes (1 - alpha) |here| + alpha |next| with the phases, then turns the phases by
 * the angle from here to next. here and next are frames as `polar` writes them; the phases are two planes.
 * Parameters: here, next, phases, plane, bytes of the output's real part, alpha, re, im.
 */
const turn: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32'],
  build(kernel, [here, next, phases, plane, bytes, alpha, re, im]) {
    const end = kernel.let(i32.add(re!, bytes!));
    const share = kernel.let(f64x2.splat(alpha!));
    const twice = kernel.let(i32.shl(plane!, i32.const(1)));
    kernel.loop(re!, end, EIGHT, () => {
      const load = (pointer: typeof plane, offset?: typeof plane) =>
        kernel.let(v128.load(offset ? i32.add(pointer!, offset) : pointer!));
      const from = load(here);
      const size = kernel.let(add(from, mul(share, sub(load(next), from))));
      const pr = load(phases);
      const pi = load(phases, plane);
      kernel.storeLow64(re!, f32x4.demote(mul(size, pr)));
      kernel.storeLow64(im!, f32x4.demote(mul(size, pi)));
      const hr = load(here, plane);
      const hi = load(here, twice);
      const nr = load(next, plane);
      const ni = load(next, twice);
      const tr = kernel.let(add(mul(nr, hr), mul(ni, hi)));
      const ti = kernel.let(sub(mul(ni, hr), mul(nr, hi)));
      kernel.store(phases!, sub(mul(pr, tr), mul(pi, ti)));
      kernel.store(i32.add(phases!, plane!), add(mul(pr, ti), mul(pi, tr)));
      kernel.set(im!, i32.add(im!, EIGHT));
      for (const pointer of [here!, next!, phases!]) kernel.set(pointer, i32.add(pointer, SIXTEEN));
    });
  },
};

export const vocoderKernels = { polar, turn } satisfies Record<string, KernelSource>;
