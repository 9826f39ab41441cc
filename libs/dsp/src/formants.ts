/**
 * Formants: the resonances of a linear predictor, as Praat's "To Formant (burg)" finds them. The signal is brought
 * to twice the highest formant's rate, since a predictor spends its poles on all frequencies alike.
 */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkPositive, checkSignal } from './checks.ts';
import { lowered } from './lowering.ts';
import { resonancesOf } from './lpc.ts';
import { zeros, type Matrix } from './matrix.ts';
import { planCache } from './plans.ts';
import { predictFrames } from './simd/burg.ts';

/** Options of {@link formants}; names and defaults are Praat's. */
export interface FormantOptions {
  /** Sample rate in Hz. Default 22050. */
  sr?: number;
  /** Seconds from one frame to the next. Default a quarter of window_length. */
  time_step?: number;
  /** Number of formants sought; the predictor has two poles for each. Default 5. */
  max_formants?: number;
  /** Highest frequency in Hz: about 5500 for women, 5000 for men. Default 5500. */
  formant_ceiling?: number;
  /** Effective length of a frame in seconds; the Gaussian window is twice as long. Default 0.025. */
  window_length?: number;
  /** From here on, in Hz, 6 dB per octave are added. Default 50. */
  pre_emphasis_from?: number;
}

/** The first formants of every frame. */
export interface FormantTrack {
  /** Time of the centre of the first frame and distance of frames, in seconds. */
  readonly start: number;
  readonly step: number;
  /** Frames x 3: F1, F2 and F3 in Hz; NaN where a frame has fewer. */
  readonly frequencies: Matrix;
  /** Frames x 3: their bandwidths in Hz. */
  readonly bandwidths: Matrix;
}

/** Formants that are kept. */
const KEPT = 3;

const gaussPlan = planCache((length: number): Float64Array => {
  const edge = Math.exp(-12);
  const middle = (length - 1) / 2;
  return Float64Array.from({ length }, (_, i) => {
    return (Math.exp(-48 * ((i - middle) / (length + 1)) ** 2) - edge) / (1 - edge);
  });
});

/**
 * The first three formants and their bandwidths over time.
 *
 * @returns no frame for a signal shorter than a window
 * @throws DataError for an empty or non-finite signal; RequestError for a parameter out of range
 */
export function formants(y: Float32Array, options: FormantOptions = {}): FormantTrack {
  const where = 'formants';
  const { sr = 22050, max_formants = 5, formant_ceiling = 5500, window_length = 0.025 } = options;
  const { time_step = window_length / 4, pre_emphasis_from = 50 } = options;
  checkPositive(sr, 'sr', where);
  checkInteger(max_formants, 'max_formants', where, KEPT);
  checkPositive(formant_ceiling, 'formant_ceiling', where);
  checkPositive(window_length, 'window_length', where);
  checkPositive(time_step, 'time_step', where);
  checkPositive(pre_emphasis_from, 'pre_emphasis_from', where);
  checkSignal(y, where);
  const rate = Math.min(sr, 2 * formant_ceiling);
  const length = Math.floor(2 * window_length * rate);
  const order = 2 * max_formants;
  if (length <= order) {
    throw new RequestError({
      where,
      problem: 'the window is too short for the predictor',
      expected: `more than ${order} samples at ${rate} Hz`,
      got: `${length} samples`,
      fix: 'use a longer window_length or fewer max_formants',
    });
  }
  const x = rate === sr ? Float64Array.from(y) : lowered(y, sr, rate);
  const share = Math.exp((-2 * Math.PI * pre_emphasis_from) / rate);
  for (let t = x.length - 1; t > 0; t--) x[t]! -= share * x[t - 1]!;

  const duration = y.length / sr;
  const rows = Math.max(0, Math.floor((duration - 2 * window_length) / time_step) + 1);
  const start = 0.5 * (duration - (rows - 1) * time_step);
  const window = gaussPlan(length);
  const frequencies = zeros(rows, KEPT);
  const bandwidths = zeros(rows, KEPT);
  frequencies.data.fill(NaN);
  bandwidths.data.fill(NaN);
  predictFrames({
    rows,
    length,
    order,
    fill(row, frame) {
      const first = Math.round((start + row * time_step) * rate - length / 2);
      for (let k = 0; k < length; k++) frame[k] = (x[first + k] ?? 0) * window[k]!;
    },
    visit(row, predictor) {
      if (predictor.every((a) => a === 0)) return;
      const found = resonancesOf(predictor, rate);
      found.slice(0, KEPT).forEach(({ frequency, bandwidth }, k) => {
        frequencies.data[row * KEPT + k] = frequency;
        bandwidths.data[row * KEPT + k] = bandwidth;
      });
    },
  });
  return { start, step: time_step, frequencies, bandwidths };
}
