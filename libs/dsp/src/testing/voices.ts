/** Voices with known perturbation, by the same formulas as golden/make_praat.py. */
import { lcg, SR } from './signals.ts';

export interface VoiceShape {
  f0: number;
  jitter: number;
  shimmer: number;
  noise: number;
}

/** A second of damped oscillations, one per period; periods and amplitudes vary uniformly around their means. */
export function voiceOf({ f0, jitter, shimmer, noise }: VoiceShape): Float32Array {
  const y = lcg(SR, 11).map((value) => noise * value);
  const periods = lcg(400, 12);
  const amplitudes = lcg(400, 13);
  for (let t = 0.02, k = 0; t < 0.98; k++) {
    const first = Math.ceil(t * SR);
    const last = Math.min(SR, first + Math.trunc(0.02 * SR));
    for (let i = first; i < last; i++) {
      const after = i / SR - t;
      y[i]! += 0.4 * (1 + shimmer * amplitudes[k]!) * Math.exp(-after / 0.0025) * Math.sin(2 * Math.PI * 700 * after);
    }
    t += (1 + jitter * periods[k]!) / f0;
  }
  return Float32Array.from(y);
}
