/** Coarse amplitudes, as speech codecs and old converters have: steps evenly spaced, or on the mu-law scale. */

const MU = 255;

export interface QuantizeOptions {
  /** 2 ** bits steps over full scale. */
  bits: number;
  /** `linear`: steps of one size; `mu`: steps that grow with the amplitude, as in telephony (ITU-T G.711). */
  law: 'linear' | 'mu';
}

/** `samples` rounded to the nearest step; what lies beyond full scale is clipped. Silence stays silence. */
export function quantize(samples: Float32Array, { bits, law }: QuantizeOptions): Float32Array {
  const steps = 2 ** (bits - 1);
  const rounded = (x: number) => Math.max(-steps, Math.min(steps - 1, Math.round(x * steps))) / steps;
  if (law === 'linear') return samples.map(rounded);
  return samples.map((sample) => {
    const x = Math.max(-1, Math.min(1, sample));
    const compressed = Math.sign(x) * (Math.log1p(MU * Math.abs(x)) / Math.log1p(MU));
    const level = rounded(compressed);
    return Math.sign(level) * (Math.expm1(Math.abs(level) * Math.log1p(MU)) / MU);
  });
}
