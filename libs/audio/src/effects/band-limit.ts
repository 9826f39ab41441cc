/**
 * A band-pass of two Butterworth filters of order 4 (12 dB an octave and pole pair), as a telephone line has one.
 *
 * Poles on the Butterworth circle, brought to discrete time by the bilinear transform with the corner frequency
 * warped to its place (Oppenheim and Schafer, "Discrete-Time Signal Processing"): scipy.signal.butter's numbers.
 */
import { RequestError } from '@prosodia/core';

const ORDER = 4;

/** b0, b1, b2, a1, a2 of a second-order section; a0 is 1. */
type Section = readonly [number, number, number, number, number];

export interface Band {
  /** Corner frequencies in Hz, where the filter is 3 dB down; 0 or half the sample rate for no limit on that side. */
  low: number;
  high: number;
}

/**
 * `samples` without what lies outside the band.
 * @throws RequestError unless 0 <= low < high; a `high` beyond half the sample rate limits nothing
 */
export function bandLimit(samples: Float32Array, sr: number, { low, high }: Band): Float32Array {
  if (!(low >= 0 && low < high && low < sr / 2)) {
    throw new RequestError({
      problem: 'this is no band of frequencies',
      expected: `0 <= low < high, and low below ${sr / 2} Hz`,
      got: `${low} to ${high} Hz`,
    });
  }
  const sections = [
    ...(low > 0 ? butterworth(low, sr, 'high') : []),
    ...(high < sr / 2 ? butterworth(high, sr, 'low') : []),
  ];
  const out = Float64Array.from(samples);
  for (const section of sections) filterInPlace(out, section);
  return Float32Array.from(out);
}

/** A low-pass or high-pass of order 4 as two sections. */
export function butterworth(corner: number, sr: number, pass: 'low' | 'high'): Section[] {
  const tangent = Math.tan((Math.PI * corner) / sr);
  return Array.from({ length: ORDER / 2 }, (_, k) => {
    const damping = 2 * Math.sin((Math.PI * (2 * k + 1)) / (2 * ORDER));
    const a0 = 1 + damping * tangent + tangent * tangent;
    const a1 = (2 * (tangent * tangent - 1)) / a0;
    const a2 = (1 - damping * tangent + tangent * tangent) / a0;
    const gain = (pass === 'low' ? tangent * tangent : 1) / a0;
    return [gain, (pass === 'low' ? 2 : -2) * gain, gain, a1, a2];
  });
}

function filterInPlace(y: Float64Array, [b0, b1, b2, a1, a2]: Section): void {
  let s1 = 0;
  let s2 = 0;
  for (let i = 0; i < y.length; i++) {
    const x = y[i]!;
    const value = b0 * x + s1;
    s1 = b1 * x - a1 * value + s2;
    s2 = b2 * x - a2 * value;
    y[i] = value;
  }
}
