/** Analysis windows, as scipy.signal.get_window gives them. */
import { RequestError, nearest } from '@prosodia/core';
import { checkInteger } from './checks.ts';
import { planCache } from './plans.ts';

/** Sums of cosines: w[t] = sum over k of (-1)^k a[k] cos(2 pi k t / N). */
const cosineSums = {
  boxcar: [1],
  hann: [0.5, 0.5],
  hamming: [0.54, 0.46],
  blackman: [0.42, 0.5, 0.08],
  blackmanharris: [0.35875, 0.48829, 0.14128, 0.01168],
  nuttall: [0.3635819, 0.4891775, 0.1365995, 0.0106411],
  flattop: [0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368],
} as const;

/** Names of the windows {@link getWindow} knows. */
export const WINDOW_NAMES = [...Object.keys(cosineSums), 'bartlett'] as readonly WindowName[];

export type WindowName = keyof typeof cosineSums | 'bartlett';

/** A window by name, or its values: as many as `win_length`. */
export type WindowSpec = WindowName | Float32Array | Float64Array;

const named = planCache((name: WindowName, length: number, fftbins: boolean): Float64Array => {
  if (length === 1) return Float64Array.of(1);
  // A periodic window is a symmetric one of one sample more, without its last sample.
  const period = fftbins ? length : length - 1;
  if (name === 'bartlett') {
    return Float64Array.from({ length }, (_, t) => 1 - Math.abs((2 * t) / period - 1));
  }
  const terms: readonly number[] = cosineSums[name];
  return Float64Array.from({ length }, (_, t) =>
    terms.reduce((sum, a, k) => sum + (k % 2 ? -a : a) * Math.cos((2 * Math.PI * k * t) / period), 0),
  );
});

/**
 * The values of a window.
 *
 * @param window a name of {@link WINDOW_NAMES}, or the values themselves
 * @param length number of samples, at least 1
 * @param fftbins true for a periodic window (spectral analysis), false for a symmetric one
 * @throws RequestError for an unknown name or values of another length
 */
export function getWindow(window: WindowSpec, length: number, fftbins = true): Float64Array {
  checkInteger(length, 'win_length', 'getWindow');
  if (typeof window === 'string') {
    if (WINDOW_NAMES.includes(window)) return Float64Array.from(named(window, length, fftbins));
    const guess = nearest(window, WINDOW_NAMES);
    throw new RequestError({
      where: 'getWindow',
      problem: 'no window has this name',
      expected: WINDOW_NAMES.join(', '),
      got: String(window),
      ...(guess ? { fix: `did you mean ${guess}?` } : {}),
    });
  }
  if (window.length === length) return Float64Array.from(window);
  throw new RequestError({
    where: 'getWindow',
    problem: 'the window has the wrong number of values',
    expected: `${length}, as win_length says`,
    got: String(window.length),
  });
}

const namedFrame = planCache((name: WindowName, win_length: number, n_fft: number) =>
  centred(getWindow(name, win_length), n_fft),
);

/** The periodic window padded with zeros on both sides to `n_fft`. Shared between calls: do not write to it. */
export function frameWindow(window: WindowSpec, win_length: number, n_fft: number): Float64Array {
  checkInteger(win_length, 'win_length', 'stft');
  if (win_length > n_fft) {
    throw new RequestError({
      where: 'stft',
      problem: 'the window is longer than the frame',
      expected: `win_length of at most n_fft = ${n_fft}`,
      got: String(win_length),
    });
  }
  if (typeof window === 'string') return namedFrame(window, win_length, n_fft);
  return centred(getWindow(window, win_length), n_fft);
}

function centred(values: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size);
  out.set(values, Math.floor((size - values.length) / 2));
  return out;
}
