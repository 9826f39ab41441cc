/**
 * Kernels that go over the bins of four frames at once, one frame in each lane: columns of a spectrogram.
 *
 * The largest values of a run are kept sorted, in registers: each new value goes down the list, where every place keeps
 * the larger of two and hands the other on. Nothing branches, so that it costs the same whatever the values are.
 */
import { f32, f32x4, i32, v128, type Expr, type KernelSource, type Local } from '@prosodia/wasm';

const FOUR = i32.const(4);
const SIXTEEN = i32.const(16);

/**
 * Four rows of float32, `pitch` bytes apart, as vectors with a value of each.
 * Parameters: rows, bytes of a row, pitch, out.
 */
const columns: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [row, bytes, pitch, out]) {
    const rows = [row!];
    while (rows.length < 4) rows.push(kernel.let(i32.add(rows.at(-1)!, pitch!)));
    const end = kernel.let(i32.add(row!, bytes!));
    const whole = kernel.let(i32.sub(end, i32.const(15)));
    const advance = (bytes: Expr) => {
      for (const at of rows.slice(1)) kernel.set(at, i32.add(at, bytes));
    };
    kernel.loop(row!, whole, SIXTEEN, () => {
      const [a, b, c, d] = rows.map((at) => kernel.let(v128.load(at))) as [Local, Local, Local, Local];
      ([0, 1] as const).forEach((half) => {
        const ab = kernel.let(v128.interleave32(a, b, half));
        const cd = kernel.let(v128.interleave32(c, d, half));
        kernel.store(out!, v128.halves(ab, cd, 0, 0), 32 * half);
        kernel.store(out!, v128.halves(ab, cd, 1, 1), 32 * half + 16);
      });
      advance(SIXTEEN);
      kernel.set(out!, i32.add(out!, i32.const(64)));
    });
    kernel.loop(row!, end, FOUR, () => {
      const [a, b, c, d] = rows.map((at) => v128.loadSplat32(at)) as [Expr, Expr, Expr, Expr];
      kernel.store(out!, v128.halves(v128.interleave32(a, b, 0), v128.interleave32(c, d, 0), 0, 0));
      advance(FOUR);
      kernel.set(out!, i32.add(out!, SIXTEEN));
    });
  },
};

/** The most values that one pass keeps; for more, a further pass goes over what the one before has handed on. */
export const MOST_KEPT = 8;

/**
 * The `count` largest (smallest) of each lane from `from` to `to`, in order, and the sum of all; what is not among them
 * goes to `rest`. A NaN is never among them, but shows in the sum. Parameters: from, to, rest, out.
 */
function extremes(count: number, which: 'largest' | 'smallest'): KernelSource {
  const [first, second] = which === 'largest' ? [f32x4.pmax, f32x4.pmin] : [f32x4.pmin, f32x4.pmax];
  const nothing = f32x4.splat(f32.const(which === 'largest' ? -Infinity : Infinity));
  return {
    parameters: ['i32', 'i32', 'i32', 'i32'],
    build(kernel, [from, to, rest, out]) {
      const kept = Array.from({ length: count }, () => kernel.let(nothing));
      const sum = kernel.let(f32x4.splat(f32.const(0)));
      kernel.loop(from!, to!, SIXTEEN, () => {
        let value = kernel.let(v128.load(from!));
        kernel.set(sum, f32x4.add(sum, value));
        for (const place of kept) {
          const handed = kernel.let(second(value, place));
          kernel.set(place, first(place, value));
          value = handed;
        }
        kernel.store(rest!, value);
        kernel.set(rest!, i32.add(rest!, SIXTEEN));
      });
      [...kept, sum].forEach((value, k) => kernel.store(out!, value, 16 * k));
    },
  };
}

export const columnKernels = {
  columns,
  largest1: extremes(1, 'largest'),
  largest2: extremes(2, 'largest'),
  largest4: extremes(4, 'largest'),
  largest8: extremes(MOST_KEPT, 'largest'),
  smallest1: extremes(1, 'smallest'),
  smallest2: extremes(2, 'smallest'),
  smallest4: extremes(4, 'smallest'),
  smallest8: extremes(MOST_KEPT, 'smallest'),
} satisfies Record<string, KernelSource>;
