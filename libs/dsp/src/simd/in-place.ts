/**
 * The passes of a transform in place, by decimation in frequency, in either precision.
 *
 * A transform of n samples packs them into n / 2 complex values, even samples real and odd ones imaginary. The first
 * pass (of its own in either precision) reads the frames and leaves four parts that are independent of each other, and
 * each of them is finished while it lies in the first-level cache. The bins come out in the order of their reversed
 * digits, which the last step undoes as it takes them apart.
 *
 * A value is 32 bytes: the real parts of as many frames as a vector has lanes, then the imaginary ones. All pointers are
 * byte addresses, all counts in bytes too.
 */
import {
  complexNumbers,
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

type Operation = (a: Expr, b: Expr) => Expr;

/** The numbers that one lane holds. */
export interface Precision {
  readonly lanes: Record<'add' | 'sub' | 'mul', Operation>;
  /** One number of memory in all lanes. */
  splat(at: Expr, offset: number): Expr;
  constant(value: number): Expr;
  /** Bytes of one number. */
  readonly size: 4 | 8;
}

/** Bytes of one complex value of all frames. */
export const VALUE = 32;

/** The lengths of frames that are transformed in place: the first pass has a kernel for each. */
export const LENGTHS = [512, 1024, 2048, 4096] as const;
export type Length = (typeof LENGTHS)[number];

/** A place in memory, `offset` bytes from a variable: more places than a processor has registers for need that. */
export interface Address {
  readonly at: Local;
  readonly offset: number;
}

/** Four places in quarters of something. */
export const quarters = (at: Local, bytes: number): Address[] =>
  Array.from({ length: 4 }, (_, k) => ({ at, offset: (k * bytes) / 4 }));

/** Addresses `distance` apart. */
export function apart(kernel: Kernel, first: Expr, distance: Expr, count = 4): Local[] {
  const at = [kernel.let(first)];
  while (at.length < count) at.push(kernel.let(i32.add(at.at(-1)!, distance)));
  return at;
}

export function inPlace({ lanes, splat, constant, size }: Precision) {
  const { add, sub, mul } = lanes;
  const { cadd, csub, cmul, butterfly4, unpacked } = complexNumbers(lanes);
  /** Bytes of the three twiddles of a butterfly. */
  const twiddles = 6 * size;

  const twiddle = (kernel: Kernel, at: Expr, offset: number): Complex => ({
    re: kernel.let(splat(at, offset)),
    im: kernel.let(splat(at, offset + size)),
  });

  /** Stores the four results of a butterfly, turned by its twiddles, `index` values and butterflies from the addresses. */
  function storeTurned(kernel: Kernel, to: readonly Address[], y: Complex[], twiddlesAt: Expr, index = 0): void {
    y.forEach((value, m) => {
      const { at, offset } = to[m]!;
      const turn = () =>
        cmul(keeper(kernel)(value), twiddle(kernel, twiddlesAt, twiddles * index + 2 * size * (m - 1)));
      const turned = m === 0 ? value : turn();
      kernel.store(at, turned.re, offset + VALUE * index);
      kernel.store(at, turned.im, offset + VALUE * index + 16);
    });
  }

  /** Eight points by two transforms of four: of the even and of the odd ones. */
  const butterfly8: Butterfly = (x, keep) => {
    const even = butterfly4([x[0]!, x[2]!, x[4]!, x[6]!], keep).map(keep);
    const [first, second, third, fourth] = butterfly4([x[1]!, x[3]!, x[5]!, x[7]!], keep).map(keep);
    const diagonal = constant(Math.SQRT1_2);
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
    return [
      ...even.map((value, k) => meet(k, value, turned[k]!)),
      ...even.map((value, k) => part(k, value, turned[k]!)),
    ];
  };

  /**
   * The passes after the first, in place, block by block. The last takes `radix` values that lie side by side.
   * Parameters: values, bytes of all of them, bytes of a block, twiddles of its first pass.
   */
  function rest(radix: 4 | 8): KernelSource {
    const leaf = i32.const(radix * VALUE);
    const butterfly = radix === 4 ? butterfly4 : butterfly8;
    return {
      parameters: ['i32', 'i32', 'i32', 'i32'],
      build(kernel, [block, bytes, blockBytes, firstTwiddles]) {
        const keep = keeper(kernel);
        const load = (at: Expr, offset = 0) => keep({ re: v128.load(at, offset), im: v128.load(at, offset + 16) });
        const end = kernel.let(i32.add(block!, bytes!));
        const length = kernel.variable('i32');
        const t = kernel.variable('i32');
        const group = kernel.variable('i32');
        kernel.loop(block!, end, blockBytes!, () => {
          const blockEnd = kernel.let(i32.add(block!, blockBytes!));
          kernel.set(length, blockBytes!);
          kernel.set(t, firstTwiddles!);
          kernel.whilst(i32.lt(leaf, length), () => {
            const quarter = kernel.let(i32.shr(length, i32.const(2)));
            kernel.set(group, block!);
            kernel.loop(group, blockEnd, length, () => {
              const legs = apart(kernel, group, quarter);
              const stop = kernel.let(legs[1]!);
              const w = kernel.let(t);
              kernel.loop(legs[0]!, stop, i32.const(VALUE), () => {
                const y = butterfly4(
                  legs.map((leg) => load(leg)),
                  keep,
                );
                storeTurned(
                  kernel,
                  legs.map((at) => ({ at, offset: 0 })),
                  y,
                  w,
                );
                for (const leg of legs.slice(1)) kernel.set(leg, i32.add(leg, i32.const(VALUE)));
                kernel.set(w, i32.add(w, i32.const(twiddles)));
              });
            });
            // As many butterflies as a quarter has values.
            kernel.set(t, i32.add(t, i32.mul(i32.shr(quarter, i32.const(5)), i32.const(twiddles))));
            kernel.set(length, quarter);
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
   * The powers of the bins 0 to n / 2, from the packed values of half the samples, as `store` writes them: a vector per
   * bin, 16 bytes apart. `order` holds three int32 for each k from 1 to n / 4, the byte offsets of values k and n / 2 - k
   * and of the powers of bin k; `roots` as many numbers, cosine and sine of 2 pi k / n.
   * Parameters: values, order, bytes of order, roots, powers, bytes of the powers without the last bin.
   */
  function powers(store: (kernel: Kernel, at: Expr, value: Expr) => void): KernelSource {
    return {
      parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
      build(kernel, [values, order, orderBytes, roots, to, bytes]) {
        const keep = keeper(kernel);
        const load = (at: Local) => keep({ re: v128.load(at), im: v128.load(at, 16) });
        // Of twice the bin: the halves of even and odd parts are taken here.
        const quarter = kernel.let(constant(0.25));
        const power = ({ re, im }: Complex) => mul(quarter, add(mul(re, re), mul(im, im)));
        const last = kernel.let(i32.add(to!, bytes!));
        const end = kernel.let(i32.add(order!, orderBytes!));

        const first = load(values!);
        const sum = kernel.let(add(first.re, first.im));
        const difference = kernel.let(sub(first.re, first.im));
        store(kernel, to!, mul(sum, sum));
        store(kernel, last, mul(difference, difference));
        kernel.loop(order!, end, i32.const(12), () => {
          const a = load(kernel.let(i32.add(values!, i32.load(order!))));
          const b = load(kernel.let(i32.add(values!, i32.load(order!, 4))));
          const [even, turned] = unpacked(a, b, twiddle(kernel, roots!, 0), keep, (part) => part);
          const bin = kernel.let(i32.load(order!, 8));
          store(kernel, i32.add(to!, bin), power(keep(cadd(even!, turned!))));
          store(kernel, i32.sub(last, bin), power(keep(csub(even!, turned!))));
          kernel.set(roots!, i32.add(roots!, i32.const(2 * size)));
        });
      },
    };
  }

  return { butterfly4, storeTurned, twiddles, rest, powers };
}
