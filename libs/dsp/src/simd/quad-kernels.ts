/**
 * Power spectra in single precision, four frames at once: one frame in each lane of a vector.
 *
 * A transform of n samples packs them into n / 2 complex values, even samples real and odd ones imaginary. It
 * works in place, by decimation in frequency: the first pass reads the frames and leaves four parts that are
 * independent of each other, and each of them is finished while it lies in the first-level cache. The bins come
 * out in the order of their reversed digits, which the last step undoes as it takes them apart.
 *
 * A value is 32 bytes, the real parts of four frames before the imaginary ones; a spectrum is one vector of four
 * powers per bin. All pointers are byte addresses, all counts in bytes too.
 */
import {
  complexNumbers,
  f32,
  f32x4,
  i32,
  keeper,
  v128,
  type Butterfly,
  type Complex,
  type Expr,
  type Kernel,
  type KernelSource,
  type Local,
} from '@prosodia/wasm';

const { add, sub, mul } = f32x4;
const { cadd, csub, cmul, butterfly4, unpacked } = complexNumbers(f32x4);
const FOUR = i32.const(4);
const SIXTEEN = i32.const(16);

/** Bytes of one complex value of four frames, and of the three twiddles of a butterfly. */
const VALUE = 32;
const TWIDDLES = 24;

const twiddle = (kernel: Kernel, at: Expr, offset: number): Complex => ({
  re: kernel.let(v128.loadSplat32(at, offset)),
  im: kernel.let(v128.loadSplat32(at, offset + 4)),
});

/** Stores the four results of a butterfly, turned by its twiddles, at the four addresses. */
function storeTurned(kernel: Kernel, to: readonly Local[], y: Complex[], twiddles: Expr, offsets: [number, number]) {
  const [at, twiddlesAt] = offsets;
  y.forEach((value, m) => {
    const turned = m === 0 ? value : cmul(keeper(kernel)(value), twiddle(kernel, twiddles, twiddlesAt + 8 * (m - 1)));
    kernel.store(to[m]!, turned.re, at);
    kernel.store(to[m]!, turned.im, at + 16);
  });
}

/** Addresses `distance` apart. */
function apart(kernel: Kernel, first: Expr, distance: Expr, count = 4): Local[] {
  const at = [kernel.let(first)];
  while (at.length < count) at.push(kernel.let(i32.add(at.at(-1)!, distance)));
  return at;
}

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
        storeTurned(kernel, to, y, twiddles!, [VALUE * k, TWIDDLES * k]);
      }
      for (const at of to) kernel.set(at, i32.add(at, i32.const(2 * VALUE)));
      for (const at of [...samples, ...weights.slice(1)]) kernel.set(at, i32.add(at, SIXTEEN));
      kernel.set(twiddles!, i32.add(twiddles!, i32.const(2 * TWIDDLES)));
    });
  },
};

/** Eight points by two transforms of four: of the even and of the odd ones. */
const butterfly8: Butterfly = (x, keep) => {
  const even = butterfly4([x[0]!, x[2]!, x[4]!, x[6]!], keep).map(keep);
  const [first, second, third, fourth] = butterfly4([x[1]!, x[3]!, x[5]!, x[7]!], keep).map(keep);
  const diagonal = f32x4.splat(f32.const(Math.SQRT1_2));
  const sum = ({ re, im }: Complex) => mul(add(re, im), diagonal);
  const difference = ({ re, im }: Complex) => mul(sub(im, re), diagonal);
  // Times the powers of exp(-i pi / 4); of the last two the conjugates, which need no change of sign.
  const turned = [
    first!,
    { re: sum(second!), im: difference(second!) },
    { re: third!.im, im: third!.re },
    { re: difference(fourth!), im: sum(fourth!) },
  ].map(keep);
  const meet = (k: number, a: Complex, b: Complex): Complex =>
    k < 2 ? cadd(a, b) : { re: add(a.re, b.re), im: sub(a.im, b.im) };
  const part = (k: number, a: Complex, b: Complex): Complex =>
    k < 2 ? csub(a, b) : { re: sub(a.re, b.re), im: add(a.im, b.im) };
  return [...even.map((value, k) => meet(k, value, turned[k]!)), ...even.map((value, k) => part(k, value, turned[k]!))];
};

/**
 * The passes after the first, in place, block by block. The last takes `radix` values that lie side by side.
 * Parameters: values, bytes of all of them, bytes of a block, twiddles of its first pass.
 */
function quadRest(radix: 4 | 8, butterfly: Butterfly): KernelSource {
  const leaf = i32.const(radix * VALUE);
  return {
    parameters: ['i32', 'i32', 'i32', 'i32'],
    build(kernel, [block, bytes, blockBytes, twiddles]) {
      const keep = keeper(kernel);
      const load = (at: Expr, offset = 0) => keep({ re: v128.load(at, offset), im: v128.load(at, offset + 16) });
      const end = kernel.let(i32.add(block!, bytes!));
      const size = kernel.variable('i32');
      const t = kernel.variable('i32');
      const group = kernel.variable('i32');
      kernel.loop(block!, end, blockBytes!, () => {
        const blockEnd = kernel.let(i32.add(block!, blockBytes!));
        kernel.set(size, blockBytes!);
        kernel.set(t, twiddles!);
        kernel.whilst(i32.lt(leaf, size), () => {
          const quarter = kernel.let(i32.shr(size, i32.const(2)));
          kernel.set(group, block!);
          kernel.loop(group, blockEnd, size, () => {
            const legs = apart(kernel, group, quarter);
            const stop = kernel.let(legs[1]!);
            const w = kernel.let(t);
            kernel.loop(legs[0]!, stop, i32.const(VALUE), () => {
              const y = butterfly4(
                legs.map((leg) => load(leg)),
                keep,
              );
              storeTurned(kernel, legs, y, w, [0, 0]);
              for (const leg of legs.slice(1)) kernel.set(leg, i32.add(leg, i32.const(VALUE)));
              kernel.set(w, i32.add(w, i32.const(TWIDDLES)));
            });
          });
          // A twiddle of 24 bytes per value of 32 in a quarter.
          kernel.set(t, i32.add(t, i32.sub(quarter, i32.shr(quarter, i32.const(2)))));
          kernel.set(size, quarter);
        });
        kernel.set(group, block!);
        kernel.loop(group, blockEnd, leaf, () => {
          const y = butterfly(
            Array.from({ length: radix }, (_, k) => load(group, VALUE * k)),
            keep,
          );
          y.forEach((value, k) => {
            kernel.store(group, value.re, VALUE * k);
            kernel.store(group, value.im, VALUE * k + 16);
          });
        });
      });
    },
  };
}

/**
 * The powers of the bins 0 to n / 2 of four frames, from the packed values of half their samples.
 * `order` holds two int32 per k from 0 to n / 4, the byte offsets of values k and n / 2 - k; `roots` as many
 * float32, cosine and sine of 2 pi k / n.
 * Parameters: values, order, bytes of order, roots, powers, bytes of the powers without the last bin.
 */
const quadPowers: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
  build(kernel, [values, order, orderBytes, roots, powers, bytes]) {
    const keep = keeper(kernel);
    const load = (offset: Expr) => {
      const at = kernel.let(i32.add(values!, offset));
      return keep({ re: v128.load(at), im: v128.load(at, 16) });
    };
    // Of twice the bin: the halves of even and odd parts are taken here.
    const quarter = kernel.let(f32x4.splat(f32.const(0.25)));
    const power = ({ re, im }: Complex) => mul(quarter, add(mul(re, re), mul(im, im)));
    const last = kernel.let(i32.add(powers!, bytes!));
    const end = kernel.let(i32.add(order!, orderBytes!));

    const first = load(i32.const(0));
    const sum = kernel.let(add(first.re, first.im));
    const difference = kernel.let(sub(first.re, first.im));
    kernel.store(powers!, mul(sum, sum));
    kernel.store(last, mul(difference, difference));
    const advance = () => {
      for (const at of [order!, roots!]) kernel.set(at, i32.add(at, i32.const(8)));
      kernel.set(powers!, i32.add(powers!, SIXTEEN));
      kernel.set(last, i32.sub(last, SIXTEEN));
    };
    advance();
    kernel.loop(order!, end, i32.const(0), () => {
      const a = load(i32.load(order!));
      const b = load(i32.load(order!, 4));
      const [even, turned] = unpacked(a, b, twiddle(kernel, roots!, 0), keep, (part) => part);
      kernel.store(powers!, power(keep(cadd(even!, turned!))));
      kernel.store(last, power(keep(csub(even!, turned!))));
      advance();
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
  quadRest4: quadRest(4, butterfly4),
  quadRest8: quadRest(8, butterfly8),
  quadPowers,
  quadRows,
  quadBands,
} satisfies Record<string, KernelSource>;
