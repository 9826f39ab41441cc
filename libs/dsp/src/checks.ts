/**
 * The checks at the doors of this package. A bad parameter is a RequestError, a bad signal a DataError;
 * both say which function refused and what would have been right.
 */
import { DataError, RequestError } from '@prosodia/core';
import type { Matrix } from './matrix.ts';
import { columnsOf } from './simd/resident.ts';
import { survey } from './simd/survey.ts';

/** Refuses a signal that is empty or holds NaN or an infinity; silence and single samples pass. */
export function checkSignal(y: Float32Array, where: string): void {
  if (y.length === 0) {
    throw new DataError({ where, problem: 'the signal is empty', expected: 'at least one sample', got: '0 samples' });
  }
  if (survey(y).finite) return;
  const at = y.findIndex((x) => !Number.isFinite(x));
  throw new DataError({
    where,
    problem: 'the signal is not finite everywhere',
    expected: 'finite samples',
    got: `${y[at]} at sample ${at} of ${y.length}`,
  });
}

/** Refuses a spectrogram whose data does not fill its shape, or that has no frame or no bin. */
export function checkMatrix(S: Matrix, where: string): void {
  if (columnsOf(S) !== undefined) return;
  if (S.rows >= 1 && S.cols >= 1 && S.data.length === S.rows * S.cols) return;
  throw new DataError({
    where,
    problem: 'the matrix does not have the shape it claims',
    expected: 'at least one row and one column, and rows * cols values',
    got: `${S.rows} rows, ${S.cols} cols, ${S.data.length} values`,
  });
}

/** Refuses a sum over a spectrogram frame that shows a NaN or an infinity among its terms. */
export function checkFinite(sum: number, frame: number, where: string): void {
  if (Number.isFinite(sum)) return;
  throw new DataError({ where, problem: 'the input is not finite everywhere', got: `${sum} in frame ${frame}` });
}

/**
 * Refuses a frame with a negative or non-finite value, by what a pass over it found anyway: its least value
 * and a sum of all. Only when they look wrong is the spectrogram searched for the culprit.
 */
export function checkEnergies(S: Matrix, least: number, sum: number, where: string): void {
  if (!(least >= 0 && sum < Infinity)) checkNonNegative(S, where);
}

/** Refuses a negative energy: spectral shape features are defined for magnitudes and powers only. */
export function checkNonNegative(S: Matrix, where: string): void {
  const { data } = S;
  for (let i = 0; i < data.length; i++) {
    // Written so that NaN fails too.
    if (!(data[i]! >= 0 && data[i]! < Infinity)) {
      throw new DataError({
        where,
        problem: 'the spectrogram holds a value that is no energy',
        expected: 'finite values of 0 or more',
        got: `${data[i]} at frame ${Math.floor(i / S.cols)}, bin ${i % S.cols}`,
        fix: 'pass a magnitude or power spectrogram, not decibels',
      });
    }
  }
}

/** Refuses anything but an integer of at least `least`. */
export function checkInteger(value: number, name: string, where: string, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new RequestError({
    where,
    problem: `${name} is out of range`,
    expected: `an integer of at least ${least}`,
    got: String(value),
  });
}

/** Refuses anything but a finite number above zero. */
export function checkPositive(value: number, name: string, where: string): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new RequestError({
    where,
    problem: `${name} is out of range`,
    expected: 'a number above 0',
    got: String(value),
  });
}

/** Refuses a range of frequencies that is empty or reaches past half the sample rate. */
export function checkRange(fmin: number, fmax: number, sr: number, where: string): void {
  if (fmin >= 0 && fmin < fmax && fmax <= sr / 2) return;
  throw new RequestError({
    where,
    problem: 'the frequency range is empty or reaches past half the sample rate',
    expected: `0 <= fmin < fmax <= ${sr / 2}`,
    got: `fmin ${fmin}, fmax ${fmax}`,
  });
}

/** Refuses more coefficients of a cosine transform than it has bands; both parameters by their own names. */
export function checkCoefficients(
  [name, count]: readonly [string, number],
  [bandsName, bands]: readonly [string, number],
  where: string,
): void {
  checkInteger(count, name, where);
  if (count <= bands) return;
  throw new RequestError({
    where,
    problem: 'there are more coefficients than bands',
    expected: `${name} of at most ${bands}`,
    got: String(count),
    fix: `ask for more bands (${bandsName}) or fewer coefficients`,
  });
}
