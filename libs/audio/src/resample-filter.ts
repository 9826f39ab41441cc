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

/** A low-pass with an even impulse response; times in input samples, frequencies in cycles per input sample. */
export interface LowPass {
  /** Where the impulse response ends. */
  halfWidth: number;
  /** The impulse response at time t; its integral is 1. */
  at(t: number): number;
  /** The gain at frequency f, 0 or more. */
  gain(f: number): number;
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
    // A window times a sinc is, in frequencies, the window's transform over as many as the sinc passes.
    gain: (f) => windowBelow((f + cutoff) * halfWidth) - windowBelow((f - cutoff) * halfWidth),
  };
}

/** The filter that resampling by `ratio` = target rate / original rate asks for. */
export function resamplingFilter(ratio: number): LowPass {
  const nyquist = 0.5 * Math.min(1, ratio);
  return lowPass(PASS_BAND_END * nyquist, nyquist);
}

/** The table of {@link windowBelow} has so many entries per unit and ends there; ripples beyond are below -130 dB. */
const PER_UNIT = 128;
const TABLE_END = 32;

/** The integral up to 0, 1 / PER_UNIT ... of the window's transform, and that transform, in turn. */
let table: Float64Array | undefined;

/**
 * The integral up to x of the transform of the Kaiser window from -1 to 1, whose height is 1. Tabulated, as every ratio
 * of rates asks for hundreds of its values.
 */
function windowBelow(x: number): number {
  if (x < 0) return 1 - windowBelow(-x);
  if (x >= TABLE_END) return 1;
  table ??= integrals();
  const position = x * PER_UNIT;
  const i = Math.floor(position);
  const t = position - i;
  const [a, b] = [table[2 * i]!, table[2 * i + 2]!];
  const [da, db] = [table[2 * i + 1]! / PER_UNIT, table[2 * i + 3]! / PER_UNIT];
  // Hermite's cubic.
  return a + t * (da + t * (3 * (b - a) - 2 * da - db + t * (2 * (a - b) + da + db)));
}

function integrals(): Float64Array {
  const values = new Float64Array(2 * (TABLE_END * PER_UNIT + 1));
  values[0] = 0.5;
  values[1] = windowTransform(0);
  for (let i = 1; i <= TABLE_END * PER_UNIT; i++) {
    const [before, middle, here] = [i - 1, i - 0.5, i].map((at) => windowTransform(at / PER_UNIT));
    values[2 * i] = values[2 * i - 2]! + (before! + 4 * middle! + here!) / (6 * PER_UNIT);
    values[2 * i + 1] = here!;
  }
  return values;
}

/** The transform of the Kaiser window from -1 to 1 at frequency f, in cycles. */
function windowTransform(f: number): number {
  const square = KAISER_BETA ** 2 - (2 * Math.PI * f) ** 2;
  const root = Math.sqrt(Math.abs(square));
  const shape = root < 1e-6 ? 1 : (square > 0 ? Math.sinh(root) : Math.sin(root)) / root;
  return (2 * shape) / besselI0(KAISER_BETA);
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
