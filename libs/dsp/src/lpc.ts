/** Linear prediction from autocorrelations, and the resonances of a predictor. */

/**
 * Coefficients a[1..order] of the predictor x[t] = sum of a[k] x[t - k] from autocorrelations r[0..order], by the recursion
 * of Levinson and Durbin.
 *
 * @returns none if the signal is silent
 */
export function levinson(r: ArrayLike<number>): Float64Array | undefined {
  const order = r.length - 1;
  let error = r[0]!;
  if (!(error > 0)) return undefined;
  const a = new Float64Array(order);
  const before = new Float64Array(order);
  for (let k = 0; k < order; k++) {
    let sum = r[k + 1]!;
    for (let i = 0; i < k; i++) sum -= a[i]! * r[k - i]!;
    const reflection = sum / error;
    before.set(a);
    a[k] = reflection;
    for (let i = 0; i < k; i++) a[i] = before[i]! - reflection * before[k - 1 - i]!;
    error *= 1 - reflection * reflection;
    if (!(error > 0)) return undefined;
  }
  return a;
}

/** Resonances closer than this to 0 and to half the rate, in Hz, are no formants. */
const MARGIN = 50;

/** Frequencies and bandwidths in Hz of the resonances of a predictor at a rate, from the lowest to the highest. */
export function resonancesOf(predictor: Float64Array, rate: number): { frequency: number; bandwidth: number }[] {
  const { re, im } = predictorRoots(predictor);
  const found: { frequency: number; bandwidth: number }[] = [];
  for (let k = 0; k < predictor.length; k++) {
    if (im[k]! <= 0) continue;
    // A root outside the unit circle grows; its mirror image has the same spectrum and decays.
    const radius = Math.hypot(re[k]!, im[k]!);
    const frequency = (Math.atan2(im[k]!, re[k]!) * rate) / (2 * Math.PI);
    const bandwidth = (-Math.log(Math.min(radius, 1 / radius)) * rate) / Math.PI;
    if (frequency > MARGIN && frequency < rate / 2 - MARGIN) found.push({ frequency, bandwidth });
  }
  return found.sort((a, b) => a.frequency - b.frequency);
}

const ROUNDS = 60;

/**
 * Roots of z^n - a[0] z^(n-1) - ... - a[n-1], all at once, by the method of Ehrlich (1967) and Aberth (1973).
 *
 * @returns real and imaginary parts
 */
export function predictorRoots(a: Float64Array): { re: Float64Array; im: Float64Array } {
  const n = a.length;
  const re = Float64Array.from({ length: n }, (_, k) => 0.9 * Math.cos((2 * Math.PI * k) / n + 0.4));
  const im = Float64Array.from({ length: n }, (_, k) => 0.9 * Math.sin((2 * Math.PI * k) / n + 0.4));
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    for (let k = 0; k < n; k++) {
      const x = re[k]!;
      const y = im[k]!;
      // Horner's rule for the polynomial and its derivative.
      let pr = 1;
      let pi = 0;
      let dr = 0;
      let di = 0;
      for (let j = 0; j < n; j++) {
        const turned = dr * x - di * y + pr;
        di = dr * y + di * x + pi;
        dr = turned;
        const next = pr * x - pi * y - a[j]!;
        pi = pr * y + pi * x;
        pr = next;
      }
      const slope = dr * dr + di * di;
      if (slope === 0) continue;
      const nr = (pr * dr + pi * di) / slope;
      const ni = (pi * dr - pr * di) / slope;
      let sr = 0;
      let si = 0;
      for (let j = 0; j < n; j++) {
        if (j === k) continue;
        const ar = x - re[j]!;
        const ai = y - im[j]!;
        const size = ar * ar + ai * ai + 1e-300;
        sr += ar / size;
        si -= ai / size;
      }
      const qr = 1 - (nr * sr - ni * si);
      const qi = -(nr * si + ni * sr);
      const size = qr * qr + qi * qi;
      if (size === 0) continue;
      const wr = (nr * qr + ni * qi) / size;
      const wi = (ni * qr - nr * qi) / size;
      re[k] = x - wr;
      im[k] = y - wi;
      moved = Math.max(moved, Math.abs(wr) + Math.abs(wi));
    }
    if (moved < 1e-12) break;
  }
  return { re, im };
}
