/**
 * The transform of a real signal and back. An even length n is packed into n/2 complex values (even
 * samples real, odd samples imaginary) and untangled afterwards, which halves the work.
 */
import { checkInteger } from './checks.ts';
import { complexFft } from './fft.ts';
import { planCache } from './plans.ts';

/** A real transform of one length; holds scratch memory, so it is not to be run concurrently. */
export interface RealFft {
  /** Number of real samples. */
  readonly n: number;
  /** Number of frequency bins: floor(n / 2) + 1. */
  readonly bins: number;
  /** Writes bins 0..n/2 of the transform of `x` (n values) to `re` and `im`. */
  forward(x: Float64Array, re: Float64Array, im: Float64Array): void;
  /** Writes the n real samples whose transform is (re, im) to `x`; the imaginary part of bin 0 is ignored. */
  inverse(re: Float64Array, im: Float64Array, x: Float64Array): void;
}

/** The real transform of length `n`. Throws RequestError unless n is a positive integer. */
export const realFft = planCache((n: number): RealFft => {
  checkInteger(n, 'n_fft', 'realFft');
  return n % 2 === 0 ? evenLength(n) : oddLength(n);
});

function evenLength(n: number): RealFft {
  const half = n / 2;
  const fft = complexFft(half);
  const zr = new Float64Array(half);
  const zi = new Float64Array(half);
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => Math.sin((2 * Math.PI * k) / n));
  return {
    n,
    bins: half + 1,
    forward(x, re, im) {
      for (let k = 0, t = 0; k < half; k++, t += 2) {
        zr[k] = x[t]!;
        zi[k] = x[t + 1]!;
      }
      fft.transform(zr, zi);
      re[0] = zr[0]! + zi[0]!;
      im[0] = 0;
      re[half] = zr[0]! - zi[0]!;
      im[half] = 0;
      for (let k = 1, m = half - 1; k <= m; k++, m--) {
        const evenR = 0.5 * (zr[k]! + zr[m]!);
        const evenI = 0.5 * (zi[k]! - zi[m]!);
        const oddR = 0.5 * (zi[k]! + zi[m]!);
        const oddI = 0.5 * (zr[m]! - zr[k]!);
        const turnedR = oddR * cos[k]! + oddI * sin[k]!;
        const turnedI = oddI * cos[k]! - oddR * sin[k]!;
        re[k] = evenR + turnedR;
        im[k] = evenI + turnedI;
        re[m] = evenR - turnedR;
        im[m] = turnedI - evenI;
      }
    },
    inverse(re, im, x) {
      const scale = 1 / n;
      zr[0] = (re[0]! + re[half]!) * scale;
      zi[0] = (re[0]! - re[half]!) * scale;
      for (let k = 1, m = half - 1; k <= m; k++, m--) {
        const evenR = re[k]! + re[m]!;
        const evenI = im[k]! - im[m]!;
        const turnedR = re[k]! - re[m]!;
        const turnedI = im[k]! + im[m]!;
        const oddR = turnedR * cos[k]! - turnedI * sin[k]!;
        const oddI = turnedI * cos[k]! + turnedR * sin[k]!;
        zr[k] = (evenR - oddI) * scale;
        zi[k] = (evenI + oddR) * scale;
        zr[m] = (evenR + oddI) * scale;
        zi[m] = (oddR - evenI) * scale;
      }
      fft.transform(zi, zr);
      for (let k = 0, t = 0; k < half; k++, t += 2) {
        x[t] = zr[k]!;
        x[t + 1] = zi[k]!;
      }
    },
  };
}

function oddLength(n: number): RealFft {
  const fft = complexFft(n);
  const bins = (n + 1) / 2;
  const zr = new Float64Array(n);
  const zi = new Float64Array(n);
  return {
    n,
    bins,
    forward(x, re, im) {
      zr.set(x);
      zi.fill(0);
      fft.transform(zr, zi);
      re.set(zr.subarray(0, bins));
      im.set(zi.subarray(0, bins));
    },
    inverse(re, im, x) {
      zr[0] = re[0]! / n;
      zi[0] = 0;
      for (let k = 1; k < bins; k++) {
        zr[k] = zr[n - k] = re[k]! / n;
        zi[k] = im[k]! / n;
        zi[n - k] = -im[k]! / n;
      }
      fft.transform(zi, zr);
      x.set(zr);
    },
  };
}
