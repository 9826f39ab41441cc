/**
 * Fourier transforms of any length, in double precision.
 *
 * Lengths whose prime factors are at most 13 use Stockham's self-sorting algorithm (decimation in
 * frequency, radix 4 first): it needs no bit reversal and walks memory in order. Any other length is
 * Bluestein's chirp convolution over a power of two. A real signal of even length n is transformed as a
 * complex one of length n/2. References: Van Loan, "Computational Frameworks for the Fast Fourier
 * Transform" (1992), 1.7 and 4.2; Bluestein, IEEE Trans. Audio Electroacoust. 18 (1970).
 *
 * Plans hold scratch memory: they are shared within a thread and never run concurrently.
 */
import { checkInteger } from './checks.ts';
import { planCache } from './plans.ts';

const LARGEST_RADIX = 13;

/** An in-place complex transform of one length. */
export interface ComplexFft {
  readonly n: number;
  /**
   * Replaces (re, im) by X[k] = sum over t of x[t] exp(-2 pi i k t / n). Calling it with the two arrays
   * exchanged gives n times the inverse transform.
   */
  transform(re: Float64Array, im: Float64Array): void;
}

/** The complex transform of length `n`. Throws RequestError unless n is a positive integer. */
export const complexFft = planCache((n: number): ComplexFft => {
  checkInteger(n, 'transform length', 'complexFft');
  const radices = factor(n);
  return radices ? stockham(n, radices) : bluestein(n);
});

/** Radices of the stages in order, 4 before 2 before the odd primes; undefined if a prime is too large. */
function factor(n: number): number[] | undefined {
  const radices: number[] = [];
  for (const radix of [4, 2, 3, 5, 7, 11, LARGEST_RADIX]) {
    for (; n % radix === 0; n /= radix) radices.push(radix);
  }
  return n === 1 ? radices : undefined;
}

interface Stage {
  readonly radix: number;
  /** Sub-transforms per group: the current length divided by the radix. */
  readonly groups: number;
  /** Distance between neighbours of a sub-transform: the product of the radices before this stage. */
  readonly stride: number;
  /** exp(-2 pi i p j / length) for p in 0..groups-1 and j in 1..radix-1, real and imaginary in turn. */
  readonly twiddles: Float64Array;
}

function stockham(n: number, radices: readonly number[]): ComplexFft {
  const stages: Stage[] = [];
  let length = n;
  let stride = 1;
  for (const radix of radices) {
    const groups = length / radix;
    const twiddles = new Float64Array(groups * (radix - 1) * 2);
    let at = 0;
    for (let p = 0; p < groups; p++) {
      for (let j = 1; j < radix; j++) {
        const angle = (-2 * Math.PI * ((p * j) % length)) / length;
        twiddles[at++] = Math.cos(angle);
        twiddles[at++] = Math.sin(angle);
      }
    }
    stages.push({ radix, groups, stride, twiddles });
    length = groups;
    stride *= radix;
  }
  const scratchRe = new Float64Array(n);
  const scratchIm = new Float64Array(n);
  return {
    n,
    transform(re, im) {
      let fromRe = re;
      let fromIm = im;
      let toRe: Float64Array = scratchRe;
      let toIm: Float64Array = scratchIm;
      for (const stage of stages) {
        if (stage.radix === 4) radix4(stage, fromRe, fromIm, toRe, toIm);
        else if (stage.radix === 2) radix2(stage, fromRe, fromIm, toRe, toIm);
        else radixOdd(stage, fromRe, fromIm, toRe, toIm);
        [fromRe, toRe] = [toRe, fromRe];
        [fromIm, toIm] = [toIm, fromIm];
      }
      if (fromRe !== re) {
        re.set(fromRe);
        im.set(fromIm);
      }
    },
  };
}

type Plane = Float64Array;

function radix4({ groups, stride: s, twiddles: w }: Stage, xr: Plane, xi: Plane, yr: Plane, yi: Plane): void {
  const quarter = groups * s;
  for (let p = 0, t = 0; p < groups; p++, t += 6) {
    const w1r = w[t]!;
    const w1i = w[t + 1]!;
    const w2r = w[t + 2]!;
    const w2i = w[t + 3]!;
    const w3r = w[t + 4]!;
    const w3i = w[t + 5]!;
    let to = 4 * s * p;
    const end = s * (p + 1);
    for (let a = s * p; a < end; a++, to++) {
      const b = a + quarter;
      const c = b + quarter;
      const d = c + quarter;
      const ar = xr[a]!;
      const ai = xi[a]!;
      const br = xr[b]!;
      const bi = xi[b]!;
      const cr = xr[c]!;
      const ci = xi[c]!;
      const dr = xr[d]!;
      const di = xi[d]!;
      const sumACr = ar + cr;
      const sumACi = ai + ci;
      const difACr = ar - cr;
      const difACi = ai - ci;
      const sumBDr = br + dr;
      const sumBDi = bi + di;
      const difBDr = br - dr;
      const difBDi = bi - di;
      yr[to] = sumACr + sumBDr;
      yi[to] = sumACi + sumBDi;
      // Times -i: (r, i) -> (i, -r).
      const u1r = difACr + difBDi;
      const u1i = difACi - difBDr;
      const u2r = sumACr - sumBDr;
      const u2i = sumACi - sumBDi;
      const u3r = difACr - difBDi;
      const u3i = difACi + difBDr;
      yr[to + s] = u1r * w1r - u1i * w1i;
      yi[to + s] = u1r * w1i + u1i * w1r;
      yr[to + 2 * s] = u2r * w2r - u2i * w2i;
      yi[to + 2 * s] = u2r * w2i + u2i * w2r;
      yr[to + 3 * s] = u3r * w3r - u3i * w3i;
      yi[to + 3 * s] = u3r * w3i + u3i * w3r;
    }
  }
}

function radix2({ groups, stride: s, twiddles: w }: Stage, xr: Plane, xi: Plane, yr: Plane, yi: Plane): void {
  const half = groups * s;
  for (let p = 0; p < groups; p++) {
    const wr = w[2 * p]!;
    const wi = w[2 * p + 1]!;
    let to = 2 * s * p;
    const end = s * (p + 1);
    for (let a = s * p; a < end; a++, to++) {
      const b = a + half;
      const ur = xr[a]! - xr[b]!;
      const ui = xi[a]! - xi[b]!;
      yr[to] = xr[a]! + xr[b]!;
      yi[to] = xi[a]! + xi[b]!;
      yr[to + s] = ur * wr - ui * wi;
      yi[to + s] = ur * wi + ui * wr;
    }
  }
}

/** Cosines and sines of 2 pi k / radix for k in 0..radix-1. */
const rootsOf = planCache((radix: number) => ({
  cos: Float64Array.from({ length: radix }, (_, k) => Math.cos((2 * Math.PI * k) / radix)),
  sin: Float64Array.from({ length: radix }, (_, k) => Math.sin((2 * Math.PI * k) / radix)),
}));

const pairs = {
  sumR: new Float64Array(LARGEST_RADIX),
  sumI: new Float64Array(LARGEST_RADIX),
  difR: new Float64Array(LARGEST_RADIX),
  difI: new Float64Array(LARGEST_RADIX),
};

/** A small transform of odd length, folding x[k] with x[radix - k], which halves the products. */
function radixOdd(stage: Stage, xr: Plane, xi: Plane, yr: Plane, yi: Plane): void {
  const { radix, groups, stride: s, twiddles: w } = stage;
  const { cos, sin } = rootsOf(radix);
  const { sumR, sumI, difR, difI } = pairs;
  const part = groups * s;
  const half = (radix - 1) / 2;
  for (let p = 0; p < groups; p++) {
    for (let q = 0; q < s; q++) {
      const from = q + s * p;
      const to = q + s * radix * p;
      const x0r = xr[from]!;
      const x0i = xi[from]!;
      let totalR = x0r;
      let totalI = x0i;
      for (let k = 1; k <= half; k++) {
        const a = from + k * part;
        const b = from + (radix - k) * part;
        sumR[k] = xr[a]! + xr[b]!;
        sumI[k] = xi[a]! + xi[b]!;
        difR[k] = xr[a]! - xr[b]!;
        difI[k] = xi[a]! - xi[b]!;
        totalR += sumR[k]!;
        totalI += sumI[k]!;
      }
      yr[to] = totalR;
      yi[to] = totalI;
      for (let j = 1; j <= half; j++) {
        let evenR = x0r;
        let evenI = x0i;
        let oddR = 0;
        let oddI = 0;
        for (let k = 1, jk = j; k <= half; k++, jk = (jk + j) % radix) {
          evenR += sumR[k]! * cos[jk]!;
          evenI += sumI[k]! * cos[jk]!;
          oddR += difI[k]! * sin[jk]!;
          oddI -= difR[k]! * sin[jk]!;
        }
        const t = 2 * (p * (radix - 1) + j - 1);
        const u = 2 * (p * (radix - 1) + radix - j - 1);
        const ar = evenR + oddR;
        const ai = evenI + oddI;
        const br = evenR - oddR;
        const bi = evenI - oddI;
        yr[to + j * s] = ar * w[t]! - ai * w[t + 1]!;
        yi[to + j * s] = ar * w[t + 1]! + ai * w[t]!;
        yr[to + (radix - j) * s] = br * w[u]! - bi * w[u + 1]!;
        yi[to + (radix - j) * s] = br * w[u + 1]! + bi * w[u]!;
      }
    }
  }
}

/** kt = (k^2 + t^2 - (k-t)^2) / 2 turns the transform into a convolution with a chirp. */
function bluestein(n: number): ComplexFft {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const inner = complexFft(size);
  const chirpR = new Float64Array(n);
  const chirpI = new Float64Array(n);
  const kernelR = new Float64Array(size);
  const kernelI = new Float64Array(size);
  for (let t = 0; t < n; t++) {
    // The angle repeats every 2n; reducing t^2 first keeps it exact for long transforms.
    const angle = (Math.PI * ((t * t) % (2 * n))) / n;
    chirpR[t] = Math.cos(angle);
    chirpI[t] = -Math.sin(angle);
    const mirror = (size - t) % size;
    kernelR[t] = kernelR[mirror] = chirpR[t]! / size;
    kernelI[t] = kernelI[mirror] = -chirpI[t]! / size;
  }
  inner.transform(kernelR, kernelI);
  const ar = new Float64Array(size);
  const ai = new Float64Array(size);
  return {
    n,
    transform(re, im) {
      ar.fill(0, n);
      ai.fill(0, n);
      for (let t = 0; t < n; t++) {
        ar[t] = re[t]! * chirpR[t]! - im[t]! * chirpI[t]!;
        ai[t] = re[t]! * chirpI[t]! + im[t]! * chirpR[t]!;
      }
      inner.transform(ar, ai);
      for (let k = 0; k < size; k++) {
        const r = ar[k]! * kernelR[k]! - ai[k]! * kernelI[k]!;
        ai[k] = ar[k]! * kernelI[k]! + ai[k]! * kernelR[k]!;
        ar[k] = r;
      }
      inner.transform(ai, ar);
      for (let k = 0; k < n; k++) {
        re[k] = ar[k]! * chirpR[k]! - ai[k]! * chirpI[k]!;
        im[k] = ar[k]! * chirpI[k]! + ai[k]! * chirpR[k]!;
      }
    },
  };
}
