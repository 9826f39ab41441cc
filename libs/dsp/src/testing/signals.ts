/** The test signals, by the same formulas as golden/make.py. */

export const SR = 16_000;

/** Uniform noise in [-1, 1): a linear congruential generator modulo 2**32 (Numerical Recipes). */
export function lcg(n: number, seed: number): Float64Array {
  let state = seed;
  return new Float64Array(n).map(() => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const TAU = 2 * Math.PI;

function make(n: number, value: (t: number, i: number) => number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => value(i / SR, i));
}

const noiseA = lcg(SR, 1);
const noiseB = lcg(SR, 2);
const harmonics = Array.from({ length: 20 }, (_, k) => k + 1);

export const signals = {
  chord: make(
    SR,
    (t) => [223, 280.97, 334.12].reduce((sum, f) => sum + Math.sin(TAU * f * t), 0) * Math.exp(-2 * t) * 0.2,
  ),
  sweep: make(SR, (t) => 0.5 * Math.sin(TAU * (100 * t + 2950 * t * t))),
  clicks: make(SR, (_, i) => (i % 1600 === 800 ? 0.9 : 0)),
  noise: make(SR, (t, i) => noiseA[i]! * Math.exp(-3 * t) * 0.5),
  voice: make(
    SR,
    (t, i) =>
      harmonics.reduce((sum, k) => sum + Math.sin(TAU * k * 140 * t + k * 0.8 * Math.sin(TAU * 5 * t)) / k, 0) * 0.1 +
      1e-3 * noiseB[i]!,
  ),
  silence: new Float32Array(4000),
  dc: make(6000, (t) => 0.25 + 0.1 * Math.sin(TAU * 50 * t)),
  single: Float32Array.of(0.5),
  short: Float32Array.from(lcg(300, 3), (x) => x * 0.3),
} satisfies Record<string, Float32Array>;

export type SignalName = keyof typeof signals;

/** Of amplitude 0.5, at the sample rate of all signals here. */
export function tone(hz: number, length = 8000): Float32Array {
  return Float32Array.from({ length }, (_, t) => 0.5 * Math.sin((2 * Math.PI * hz * t) / SR));
}
