/**
 * A complex discrete Fourier transform for lengths whose prime factors are small, as the lengths in which sample
 * rates are commensurable have 2, 3, 5 and 7: Stockham's self-sorting algorithm, one pass per factor.
 *
 * Source: C. Van Loan, "Computational Frameworks for the Fast Fourier Transform" (SIAM, 1992), section 1.7.
 */

/** The largest prime factor a length may have; each pass costs time in proportion to its factor. */
export const LARGEST_FACTOR = 7;

/** True if a transform of length `n` is offered. */
export function isSmooth(n: number): boolean {
  for (let factor = 2; factor <= LARGEST_FACTOR; factor++) {
    while (n % factor === 0) n /= factor;
  }
  return n === 1;
}

/** A transform of one length with its tables and its working memory; not for use by two callers at once. */
export class Fft {
  readonly length: number;
  readonly #factors: readonly number[];
  /** exp(-2 pi i k / length), interleaved. */
  readonly #roots: Float64Array;
  readonly #work: Float64Array;

  /** @param length a number for which {@link isSmooth} holds */
  constructor(length: number) {
    this.length = length;
    this.#factors = factorize(length);
    this.#roots = new Float64Array(2 * length);
    for (let k = 0; k < length; k++) {
      this.#roots[2 * k] = Math.cos((2 * Math.PI * k) / length);
      this.#roots[2 * k + 1] = -Math.sin((2 * Math.PI * k) / length);
    }
    this.#work = new Float64Array(2 * length);
  }

  /** Transforms `data` (interleaved, `2 * length` numbers) in place: X[k] = sum of x[n] exp(-2 pi i k n / length). */
  transform(data: Float64Array): void {
    let from = data;
    let to = this.#work;
    let done = 1;
    for (const factor of this.#factors) {
      const rest = this.length / (done * factor);
      if (factor === 4) this.#pass4(from, to, done, rest);
      else if (factor === 2) this.#pass2(from, to, done, rest);
      else this.#passAny(from, to, done, rest, factor);
      [from, to] = [to, from];
      done *= factor;
    }
    if (from !== data) data.set(from);
  }

  #pass2(from: Float64Array, to: Float64Array, done: number, rest: number): void {
    const roots = this.#roots;
    const half = done * rest;
    for (let j = 0; j < done; j++) {
      const wr = roots[2 * j * rest]!;
      const wi = roots[2 * j * rest + 1]!;
      for (let k = 0; k < rest; k++) {
        const a = 2 * (2 * j * rest + k);
        const b = a + 2 * rest;
        const xr = from[b]! * wr - from[b + 1]! * wi;
        const xi = from[b]! * wi + from[b + 1]! * wr;
        const o = 2 * (j * rest + k);
        const p = o + 2 * half;
        to[o] = from[a]! + xr;
        to[o + 1] = from[a + 1]! + xi;
        to[p] = from[a]! - xr;
        to[p + 1] = from[a + 1]! - xi;
      }
    }
  }

  #pass4(from: Float64Array, to: Float64Array, done: number, rest: number): void {
    const roots = this.#roots;
    const quarter = 2 * done * rest;
    for (let j = 0; j < done; j++) {
      const t = 2 * j * rest;
      const w1r = roots[t]!;
      const w1i = roots[t + 1]!;
      const w2r = roots[2 * t]!;
      const w2i = roots[2 * t + 1]!;
      const w3r = roots[3 * t]!;
      const w3i = roots[3 * t + 1]!;
      for (let k = 0; k < rest; k++) {
        const a = 2 * (4 * j * rest + k);
        const b = a + 2 * rest;
        const c = b + 2 * rest;
        const d = c + 2 * rest;
        const ar = from[a]!;
        const ai = from[a + 1]!;
        const br = from[b]! * w1r - from[b + 1]! * w1i;
        const bi = from[b]! * w1i + from[b + 1]! * w1r;
        const cr = from[c]! * w2r - from[c + 1]! * w2i;
        const ci = from[c]! * w2i + from[c + 1]! * w2r;
        const dr = from[d]! * w3r - from[d + 1]! * w3i;
        const di = from[d]! * w3i + from[d + 1]! * w3r;
        const o = 2 * (j * rest + k);
        to[o] = ar + cr + (br + dr);
        to[o + 1] = ai + ci + (bi + di);
        to[o + quarter] = ar - cr + (bi - di);
        to[o + quarter + 1] = ai - ci - (br - dr);
        to[o + 2 * quarter] = ar + cr - (br + dr);
        to[o + 2 * quarter + 1] = ai + ci - (bi + di);
        to[o + 3 * quarter] = ar - cr - (bi - di);
        to[o + 3 * quarter + 1] = ai - ci + (br - dr);
      }
    }
  }

  /** The definition, factor by factor: `factor` inputs, each turned by its share, into `factor` outputs. */
  #passAny(from: Float64Array, to: Float64Array, done: number, rest: number, factor: number): void {
    const roots = this.#roots;
    const { length } = this;
    const part = done * rest;
    for (let j = 0; j < done; j++) {
      for (let m = 0; m < factor; m++) {
        // Input q of the group is turned by exp(-2 pi i q (j + m done) / (done factor)).
        const stride = (j + m * done) * rest;
        for (let k = 0; k < rest; k++) {
          let re = 0;
          let im = 0;
          let turn = 0;
          let a = 2 * (factor * j * rest + k);
          for (let q = 0; q < factor; q++) {
            const wr = roots[2 * turn]!;
            const wi = roots[2 * turn + 1]!;
            re += from[a]! * wr - from[a + 1]! * wi;
            im += from[a]! * wi + from[a + 1]! * wr;
            turn += stride;
            if (turn >= length) turn -= length;
            a += 2 * rest;
          }
          const o = 2 * (j * rest + k + m * part);
          to[o] = re;
          to[o + 1] = im;
        }
      }
    }
  }
}

/** The factors of `n`, fours before a two. */
function factorize(n: number): number[] {
  const factors: number[] = [];
  for (const factor of [4, 2, 3, 5, 7]) {
    while (n % factor === 0) {
      factors.push(factor);
      n /= factor;
    }
  }
  return factors;
}
