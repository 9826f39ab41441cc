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
      else if (factor === 3) this.#pass3(from, to, done, rest);
      else this.#passOdd(from, to, done, rest, factor);
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

  /**
   * An odd factor by its definition, with inputs q and factor - q taken together: what is even in them is weighed
   * by cosines and what is odd by sines, for outputs m and factor - m at once.
   */
  #passOdd(from: Float64Array, to: Float64Array, done: number, rest: number, factor: number): void {
    const roots = this.#roots;
    const half = (factor - 1) / 2;
    const apart = 2 * done * rest;
    const cosine = new Float64Array(half * half);
    const sine = new Float64Array(half * half);
    for (let m = 0; m < half; m++) {
      for (let q = 0; q < half; q++) {
        const angle = (2 * Math.PI * (((m + 1) * (q + 1)) % factor)) / factor;
        cosine[m * half + q] = Math.cos(angle);
        sine[m * half + q] = Math.sin(angle);
      }
    }
    const even = new Float64Array(2 * half);
    const odd = new Float64Array(2 * half);
    for (let j = 0; j < done; j++) {
      const turn = 2 * j * rest;
      for (let k = 0; k < rest; k++) {
        const first = 2 * (factor * j * rest + k);
        const re = from[first]!;
        const im = from[first + 1]!;
        let sumRe = re;
        let sumIm = im;
        for (let q = 0; q < half; q++) {
          const p = factor - 1 - q;
          const a = first + 2 * (q + 1) * rest;
          const b = first + 2 * p * rest;
          const war = roots[(q + 1) * turn]!;
          const wai = roots[(q + 1) * turn + 1]!;
          const wbr = roots[p * turn]!;
          const wbi = roots[p * turn + 1]!;
          const ar = from[a]! * war - from[a + 1]! * wai;
          const ai = from[a]! * wai + from[a + 1]! * war;
          const br = from[b]! * wbr - from[b + 1]! * wbi;
          const bi = from[b]! * wbi + from[b + 1]! * wbr;
          even[2 * q] = ar + br;
          even[2 * q + 1] = ai + bi;
          odd[2 * q] = ar - br;
          odd[2 * q + 1] = ai - bi;
          sumRe += ar + br;
          sumIm += ai + bi;
        }
        const out = 2 * (j * rest + k);
        to[out] = sumRe;
        to[out + 1] = sumIm;
        for (let m = 0; m < half; m++) {
          let evenRe = re;
          let evenIm = im;
          let oddRe = 0;
          let oddIm = 0;
          for (let q = 0; q < half; q++) {
            const c = cosine[m * half + q]!;
            const s = sine[m * half + q]!;
            evenRe += c * even[2 * q]!;
            evenIm += c * even[2 * q + 1]!;
            oddRe += s * odd[2 * q + 1]!;
            oddIm -= s * odd[2 * q]!;
          }
          const near = out + (m + 1) * apart;
          const far = out + (factor - 1 - m) * apart;
          to[near] = evenRe + oddRe;
          to[near + 1] = evenIm + oddIm;
          to[far] = evenRe - oddRe;
          to[far + 1] = evenIm - oddIm;
        }
      }
    }
  }

  #pass3(from: Float64Array, to: Float64Array, done: number, rest: number): void {
    const roots = this.#roots;
    const third = 2 * done * rest;
    const sine = Math.sqrt(3) / 2;
    for (let j = 0; j < done; j++) {
      const t = 2 * j * rest;
      const w1r = roots[t]!;
      const w1i = roots[t + 1]!;
      const w2r = roots[2 * t]!;
      const w2i = roots[2 * t + 1]!;
      for (let k = 0; k < rest; k++) {
        const a = 2 * (3 * j * rest + k);
        const b = a + 2 * rest;
        const c = b + 2 * rest;
        const ar = from[a]!;
        const ai = from[a + 1]!;
        const br = from[b]! * w1r - from[b + 1]! * w1i;
        const bi = from[b]! * w1i + from[b + 1]! * w1r;
        const cr = from[c]! * w2r - from[c + 1]! * w2i;
        const ci = from[c]! * w2i + from[c + 1]! * w2r;
        const evenRe = ar - (br + cr) / 2;
        const evenIm = ai - (bi + ci) / 2;
        const oddRe = sine * (bi - ci);
        const oddIm = sine * (cr - br);
        const o = 2 * (j * rest + k);
        to[o] = ar + br + cr;
        to[o + 1] = ai + bi + ci;
        to[o + third] = evenRe + oddRe;
        to[o + third + 1] = evenIm + oddIm;
        to[o + 2 * third] = evenRe - oddRe;
        to[o + 2 * third + 1] = evenIm - oddIm;
      }
    }
  }
}

/** The factors of `n`. Large odd ones come first, where a pass has few groups; fours replace pairs of twos. */
export function factorize(n: number): number[] {
  const factors: number[] = [];
  for (const factor of [7, 5, 3, 4, 2]) {
    while (n % factor === 0) {
      factors.push(factor);
      n /= factor;
    }
  }
  return factors;
}
