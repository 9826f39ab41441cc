/**
 * The low-pass filter of the resampler: a Kaiser-windowed sinc, designed in continuous time.
 *
 * Source: A. V. Oppenheim and R. W. Schafer, "Discrete-Time Signal Processing", section on Kaiser windows
 * (the formulas for beta and for the length).
 */

/** Attenuation of images and aliases in dB that the filters are designed for: 20 bits, the class of soxr's HQ. */
export const STOP_BAND_DB = 120;
/** The pass band ends at this part of the lower Nyquist frequency; the stop band begins at the whole of it. */
export const PASS_BAND_END = 0.913;

const KAISER_BETA = 0.1102 * (STOP_BAND_DB - 8.7);

/** An even impulse response in units of input samples: `at(t)` is zero beyond `halfWidth`, its integral is 1. */
export interface LowPass {
  halfWidth: number;
  at(t: number): number;
}

/**
 * The filter that passes up to `passEnd` and stops from `stopBegin`, both in cycles per input sample.
 * It is half way down in the middle between them.
 */
export function lowPass(passEnd: number, stopBegin: number): LowPass {
  const cutoff = (passEnd + stopBegin) / 2;
  const halfWidth = (STOP_BAND_DB - 7.95) / (2.285 * 2 * Math.PI * (stopBegin - passEnd)) / 2;
  const peak = besselI0(KAISER_BETA);
  return {
    halfWidth,
    at(t) {
      const x = t / halfWidth;
      if (Math.abs(x) >= 1) return 0;
      const window = besselI0(KAISER_BETA * Math.sqrt(1 - x * x)) / peak;
      const phase = 2 * Math.PI * cutoff * t;
      return 2 * cutoff * window * (t === 0 ? 1 : Math.sin(phase) / phase);
    },
  };
}

/** The filter that resampling by `ratio` = target rate / original rate asks for. */
export function resamplingFilter(ratio: number): LowPass {
  const nyquist = 0.5 * Math.min(1, ratio);
  return lowPass(PASS_BAND_END * nyquist, nyquist);
}

/** The modified Bessel function of the first kind and order 0, by its power series; all terms are positive. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}
