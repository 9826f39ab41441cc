/**
 * Kernels of a Fourier transform of four complex signals side by side, in float32.
 *
 * Each lane of a vector belongs to another signal, so the code is that of a scalar transform: no shuffles, every
 * length whose factors are small, and four times the work per instruction. An element is 32 bytes: four real parts,
 * then four imaginary parts. Passes are Stockham's, as in `fft.ts`; each is written out for its factor.
 */
import {
  complexNumbers,
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

const { add, sub, mul } = f32x4;
const { cadd, csub, cmul, butterfly2, butterfly4 } = complexNumbers(f32x4);

const ELEMENT = 32;
const each = (value: number) => f32x4.splat(f32.const(value));

/** The discrete Fourier transform of a few values, written out. */
function transformed(kernel: Kernel, x: readonly Complex[], constants: ReadonlyMap<number, Local>): Complex[] {
  const keep = keeper(kernel);
  const radix = x.length;
  if (radix === 2) return butterfly2([...x], keep);
  if (radix === 4) return butterfly4([...x], keep);
  const half = (radix - 1) / 2;
  const sums: Complex[] = [];
  const differences: Complex[] = [];
  for (let p = 1; p <= half; p++) {
    sums.push(keep(cadd(x[p]!, x[radix - p]!)));
    differences.push(keep(csub(x[p]!, x[radix - p]!)));
  }
  const out: Complex[] = [sums.reduce((total, s) => keep(cadd(total, s)), x[0]!)];
  for (let q = 1; q <= half; q++) {
    let even = x[0]!;
    let odd: Complex | undefined;
    for (let p = 1; p <= half; p++) {
      const turn = (p * q) % radix;
      const cosine = constants.get(2 * turn)!;
      const sine = constants.get(2 * turn + 1)!;
      const [s, d] = [sums[p - 1]!, differences[p - 1]!];
      even = keep({ re: add(even.re, mul(s.re, cosine)), im: add(even.im, mul(s.im, cosine)) });
      const term = { re: mul(d.re, sine), im: mul(d.im, sine) };
      odd = odd ? keep({ re: add(odd.re, term.re), im: add(odd.im, term.im) }) : keep(term);
    }
    out[q] = quarter(even, odd!, 1);
    out[radix - q] = quarter(even, odd!, -1);
  }
  return out;
}

/** a - i b for sign 1, a + i b for sign -1. */
function quarter(a: Complex, b: Complex, sign: 1 | -1): Complex {
  return sign === 1 ? { re: add(a.re, b.im), im: sub(a.im, b.re) } : { re: sub(a.re, b.im), im: add(a.im, b.re) };
}

/** cos (even keys) and sin (odd keys) of whole parts of a turn, for odd factors. */
function turns(kernel: Kernel, radix: number): Map<number, Local> {
  const constants = new Map<number, Local>();
  if (radix % 2 === 0) return constants;
  for (let turn = 1; turn < radix; turn++) {
    const angle = (2 * Math.PI * turn) / radix;
    constants.set(2 * turn, kernel.let(each(Math.cos(angle))));
    constants.set(2 * turn + 1, kernel.let(each(Math.sin(angle))));
  }
  return constants;
}

/**
 * One pass. Parameters: from, to, roots, number of groups, bytes of the rest. Group j reads `radix` runs of `rest`
 * elements, turns them by its roots (`radix - 1` complex numbers per group; none in the first pass, where all are
 * 1), and writes to `radix` places that lie `groups * rest` apart.
 */
function pass(radix: number, first: boolean): KernelSource {
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    build(kernel, [from, to, roots, groups, rest]) {
      const apart = kernel.let(i32.mul(groups!, rest!));
      const constants = turns(kernel, radix);
      const keep = keeper(kernel);
      const end = kernel.let(i32.add(from!, i32.mul(apart, i32.const(radix))));
      const places = Array.from({ length: radix }, () => kernel.variable('i32'));
      const factors = Array.from({ length: first ? 0 : radix - 1 }, () => ({
        re: kernel.variable('v128'),
        im: kernel.variable('v128'),
      }));
      const runEnd = kernel.variable('i32');
      kernel.whilst(i32.lt(from!, end), () => {
        for (const [p, { re, im }] of factors.entries()) {
          kernel.set(re, v128.loadSplat32(roots!, 8 * p));
          kernel.set(im, v128.loadSplat32(roots!, 8 * p + 4));
        }
        kernel.set(runEnd, i32.add(from!, rest!));
        kernel.loop(from!, runEnd, i32.const(ELEMENT), () => {
          kernel.set(places[0]!, from!);
          for (let p = 1; p < radix; p++) kernel.set(places[p]!, i32.add(places[p - 1]!, rest!));
          const x = places.map((at, p): Complex => {
            const re = kernel.let(v128.load(at));
            const im = kernel.let(v128.load(at, 16));
            const w = p > 0 ? factors[p - 1] : undefined;
            if (!w) return { re, im };
            return keep(cmul({ re, im }, w));
          });
          const out = transformed(kernel, x, constants);
          kernel.set(places[0]!, to!);
          for (let q = 1; q < radix; q++) kernel.set(places[q]!, i32.add(places[q - 1]!, apart));
          for (const [q, { re, im }] of out.entries()) {
            kernel.store(places[q]!, re);
            kernel.store(places[q]!, im, 16);
          }
          kernel.set(to!, i32.add(to!, i32.const(ELEMENT)));
        });
        kernel.set(from!, i32.add(from!, i32.mul(rest!, i32.const(radix - 1))));
        if (!first) kernel.set(roots!, i32.add(roots!, i32.const(8 * (radix - 1))));
      });
    },
  };
}

/**
 * The last pass of a transform of which only some bins are wanted, weighed: each bin is the sum of `radix`
 * consecutive elements times a real and `radix - 1` complex numbers of its own. Parts come out swapped, which makes
 * the forward transform that follows an inverse one. Parameters: from, to, end of to, numbers.
 */
function pick(radix: number): KernelSource {
  return {
    parameters: ['i32', 'i32', 'i32', 'i32'],
    build(kernel, [from, to, end, numbers]) {
      kernel.loop(to!, end!, i32.const(ELEMENT), () => {
        const weight = kernel.let(v128.loadSplat32(numbers!));
        let re: Expr = mul(v128.load(from!), weight);
        let im: Expr = mul(v128.load(from!, 16), weight);
        for (let p = 1; p < radix; p++) {
          const a = kernel.let(v128.load(from!, p * ELEMENT));
          const b = kernel.let(v128.load(from!, p * ELEMENT + 16));
          const c = kernel.let(v128.loadSplat32(numbers!, 8 * p - 4));
          const s = kernel.let(v128.loadSplat32(numbers!, 8 * p));
          re = kernel.let(add(re, sub(mul(a, c), mul(b, s))));
          im = kernel.let(add(im, add(mul(a, s), mul(b, c))));
        }
        kernel.store(to!, im);
        kernel.store(to!, re, 16);
        kernel.set(from!, i32.add(from!, i32.const(radix * ELEMENT)));
        kernel.set(numbers!, i32.add(numbers!, i32.const(4 * (2 * radix - 1))));
      });
    },
  };
}

/** Rows to columns, four by four. */
function transposed(kernel: Kernel, rows: readonly Expr[]): Expr[] {
  const [a, b, c, d] = rows as [Expr, Expr, Expr, Expr];
  const low = [kernel.let(v128.shuffle32(a, b, [0, 4, 1, 5])), kernel.let(v128.shuffle32(c, d, [0, 4, 1, 5]))] as const;
  const high = [
    kernel.let(v128.shuffle32(a, b, [2, 6, 3, 7])),
    kernel.let(v128.shuffle32(c, d, [2, 6, 3, 7])),
  ] as const;
  return [low, high].flatMap(([x, y]) => [v128.shuffle32(x, y, [0, 1, 4, 5]), v128.shuffle32(x, y, [2, 3, 6, 7])]);
}

/**
 * Eight real signals as four complex ones: 0 to 3 as real, 4 to 7 as imaginary parts. Parameters: the first signal,
 * bytes from one signal to the next, to, end of to. A multiple of four samples.
 */
const load: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [from, apart, to, end]) {
    const at = kernel.variable('i32');
    kernel.loop(to!, end!, i32.const(4 * ELEMENT), () => {
      kernel.set(at, from!);
      for (const part of [0, 16]) {
        const rows = [0, 1, 2, 3].map(() => {
          const row = kernel.let(v128.load(at));
          kernel.set(at, i32.add(at, apart!));
          return row;
        });
        transposed(kernel, rows).forEach((column, i) => kernel.store(to!, column, i * ELEMENT + part));
      }
      kernel.set(from!, i32.add(from!, i32.const(16)));
    });
  },
};

/**
 * The reverse, with parts swapped: imaginary parts are signals 0 to 3. Parameters: from, the first signal, bytes
 * from one signal to the next, end of the first signal. Up to three samples more are written.
 */
const store: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [from, to, apart, end]) {
    const at = kernel.variable('i32');
    kernel.loop(to!, end!, i32.const(16), () => {
      kernel.set(at, to!);
      for (const part of [16, 0]) {
        const rows = [0, 1, 2, 3].map((i) => kernel.let(v128.load(from!, i * ELEMENT + part)));
        for (const signal of transposed(kernel, rows)) {
          kernel.store(at, signal);
          kernel.set(at, i32.add(at, apart!));
        }
      }
      kernel.set(from!, i32.add(from!, i32.const(4 * ELEMENT)));
    });
  },
};

export const fourierKernels = {
  first2: pass(2, true),
  first3: pass(3, true),
  first4: pass(4, true),
  first5: pass(5, true),
  first7: pass(7, true),
  pass2: pass(2, false),
  pass3: pass(3, false),
  pass4: pass(4, false),
  pass5: pass(5, false),
  pass7: pass(7, false),
  pick1: pick(1),
  pick2: pick(2),
  pick3: pick(3),
  pick4: pick(4),
  pick5: pick(5),
  load,
  store,
};
