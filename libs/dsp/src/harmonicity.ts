/** Harmonics-to-noise ratio from the height of the autocorrelation's peak (Boersma 1993, section 2 and 5). */
import { autocorrelationPitch } from './boersma.ts';
import { zeros, type Matrix } from './matrix.ts';

/** Options of {@link harmonicity}; names and defaults are those of Praat's "To Harmonicity (ac)". */
export interface HarmonicityOptions {
  /** Sample rate in Hz. Default 22050. */
  sr?: number;
  /** Seconds from one frame to the next. Default 0.01. */
  time_step?: number;
  /** Lowest pitch in Hz. Default 75. */
  pitch_floor?: number;
  /** Frames whose peak is below this share of the loudest count as silent. Default 0.1. */
  silence_threshold?: number;
  /** Effective length of a frame in periods of the floor. Default 4.5. */
  periods_per_window?: number;
  /** The value of frames without a period. Default -200, Praat's. */
  fill?: number;
}

/**
 * Harmonics-to-noise ratio in dB, frames x 1: 10 log10(r / (1 - r)), where r is the share of the power that
 * repeats with the best period; 0 dB is as much noise as harmonics.
 *
 * The window is Boersma's Gaussian, under which ratios up to about 60 dB can be told.
 *
 * @returns no frame for a signal shorter than one
 * @throws as autocorrelationPitch
 */
export function harmonicity(y: Float32Array, options: HarmonicityOptions = {}): Matrix {
  const { sr = 22050, pitch_floor = 75, time_step = 0.01 } = options;
  const { silence_threshold = 0.1, periods_per_window = 4.5, fill = -200 } = options;
  const { f0, strength } = autocorrelationPitch(
    y,
    {
      sr,
      pitch_floor,
      time_step,
      silence_threshold,
      pitch_ceiling: sr / 2,
      voicing_threshold: 0,
      octave_cost: 0,
      octave_jump_cost: 0,
      voiced_unvoiced_cost: 0,
    },
    { periods: periods_per_window, window: 'gaussian' },
  );
  const out = zeros(f0.length, 1);
  for (let row = 0; row < f0.length; row++) out.data[row] = f0[row] === 0 ? fill : ratio(strength[row]!);
  return out;
}

/** Decibels of harmonics over noise; limited where rounding would make them infinite. */
function ratio(r: number): number {
  const share = Math.min(Math.max(r, 1e-15), 1 - 1e-15);
  return 10 * Math.log10(share / (1 - share));
}
