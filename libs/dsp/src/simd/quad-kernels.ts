/**
 * Power spectra in single precision, four frames at once, in place (in-place.ts): one frame in each lane of a vector.
 *
 * A spectrum is one vector of four powers per bin. All pointers are byte addresses, all counts in bytes too.
 */
import {
  f32,
  f32x4,
  i32,
  keeper,
  v128,
  type Complex,
  type Expr,
  type Kernel,
  type KernelSource,
  type Local,
} from '@prosodia/wasm';
import { apart, inPlace, VALUE } from './in-place.ts';

const { add, mul } = f32x4;
const FOUR = i32.const(4);
const SIXTEEN = i32.const(16);

const {
  storeTurned,
  butterfly4,
  twiddles: TWIDDLES,
  rest,
  powers,
} = inPlace({
  lanes: f32x4,
  splat: v128.loadSplat32,
  constant: (value) => f32x4.splat(f32.const(value)),
  size: 4,
});

/**
 * Four frames of float32, `hop` bytes apart, times the window, packed, through the first pass.
 * Parameters: frames, hop, window (float32), n (samples of a frame, a multiple of 16), values, twiddles.
 */
const quadFirst: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [frames, hop, window, n, values, twiddles]) {
    const keep = keeper(kernel);
    // A quarter of a frame is n bytes of samples, and 4 n bytes of values.
    const to = apart(kernel, values!, i32.shl(n!, i32.const(2)));
    const weights = apart(kernel, window!, n!);
    const samples = apart(kernel, frames!, hop!);
    const end = kernel.let(i32.add(window!, n!));
    const quarters = apart(kernel, i32.const(0), n!);
    kernel.loop(weights[0]!, end, SIXTEEN, () => {
      const pairs = quarters.map((quarter, m): [Complex, Complex] => {
        const w = kernel.let(v128.load(weights[m]!));
        const [a, b, c, d] = samples.map((at) => kernel.let(mul(v128.load(i32.add(at, quarter)), w)));
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
        storeTurned(kernel, to, y, twiddles!, k);
      }
      for (const at of to) kernel.set(at, i32.add(at, i32.const(2 * VALUE)));
      for (const at of [...samples, ...weights.slice(1)]) kernel.set(at, i32.add(at, SIXTEEN));
      kernel.set(twiddles!, i32.add(twiddles!, i32.const(2 * TWIDDLES)));
    });
  },
};

/** Stores the lanes of a vector in four rows. */
function storeLanes(kernel: Kernel, rows: readonly Local[], value: Expr) {
  const lanes = kernel.let(value);
  rows.forEach((row, lane) => kernel.storeLane32(row, lanes, lane));
  for (const row of rows) kernel.set(row, i32.add(row, FOUR));
}

/** Four spectra as four rows of float32. Parameters: powers, bytes of them, rows, bytes of a row. */
const quadRows: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [powers, bytes, out, pitch]) {
    const end = kernel.let(i32.add(powers!, bytes!));
    const rows = apart(kernel, out!, pitch!);
    kernel.loop(powers!, end, SIXTEEN, () => storeLanes(kernel, rows, v128.load(powers!)));
  },
};

/**
 * Sums of short runs of bins times weights, as four rows. A band is two int32 as in row-kernels.ts: the byte offset of its
 * run in a row, and the bytes of its weights, a multiple of 16.
 * Parameters: powers, bands, bytes of all bands, weights, rows, bytes of a row.
 */
const quadBands: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [powers, band, bytes, weight, out, pitch]) {
    const end = kernel.let(i32.add(band!, bytes!));
    const rows = apart(kernel, out!, pitch!);
    kernel.loop(band!, end, i32.const(8), () => {
      const x = kernel.let(i32.add(powers!, i32.shl(i32.load(band!), i32.const(2))));
      const stop = kernel.let(i32.add(weight!, i32.load(band!, 4)));
      const sums = [0, 1].map(() => {
        const sum = kernel.variable('v128');
        kernel.set(sum, f32x4.splat(f32.const(0)));
        return sum;
      });
      kernel.loop(weight!, stop, SIXTEEN, () => {
        for (let k = 0; k < 4; k++) {
          const sum = sums[k % 2]!;
          kernel.set(sum, add(sum, mul(v128.load(x, 16 * k), v128.loadSplat32(weight!, 4 * k))));
        }
        kernel.set(x, i32.add(x, i32.const(64)));
      });
      storeLanes(kernel, rows, add(sums[0]!, sums[1]!));
    });
  },
};

export const quadKernels = {
  quadFirst,
  quadRest4: rest(4),
  quadRest8: rest(8),
  quadPowers: powers((kernel, at, value) => kernel.store(at, value)),
  quadRows,
  quadBands,
} satisfies Record<string, KernelSource>;
