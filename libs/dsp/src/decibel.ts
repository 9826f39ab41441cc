/** Powers and amplitudes on the decibel scale. */
import { RequestError } from '@prosodia/core';
import { checkFinite, checkMatrix, checkPositive } from './checks.ts';
import type { Matrix } from './matrix.ts';
import { decibelsOf } from './simd/rows.ts';
import { survey } from './simd/survey.ts';

/** Below it a float32 has no exponent for the kernel to read. */
const SMALLEST_NORMAL = 2 ** -126;
const LARGEST_POWER = 2 ** 127;

/** What 0 dB is and where the scale ends. */
export interface DecibelOptions {
  /** The value of 0 dB, or `max` for the largest value of the matrix. Default 1. */
  ref?: number | 'max';
  /**
   * Values below this one count as this one. Default 1e-10 for powers, 1e-5 for amplitudes; at least the smallest
   * normal float32, 2^-126.
   */
  amin?: number;
  /** Values more than this many dB below the loudest are raised to there; null for no floor. Default 80. */
  top_db?: number | null;
}

/**
 * 10 log10(S / ref).
 *
 * @param S powers; values of any shape
 * @throws DataError for NaN or infinity, RequestError for an amin of 0 or less or a negative top_db
 */
export function powerToDb(S: Matrix, options: DecibelOptions = {}): Matrix {
  const { amin = 1e-10 } = options;
  return toDb(S, { ...options, amin }, 10, 'powerToDb');
}

/** 20 log10(|S| / ref), for amplitudes. Throws as {@link powerToDb}. */
export function amplitudeToDb(S: Matrix, options: DecibelOptions = {}): Matrix {
  const { amin = 1e-5 } = options;
  return toDb({ ...S, data: S.data.map(Math.abs) }, { ...options, amin }, 20, 'amplitudeToDb');
}

function toDb(S: Matrix, options: DecibelOptions & { amin: number }, factor: number, where: string): Matrix {
  const { ref = 1, top_db = 80 } = options;
  checkMatrix(S, where);
  checkPositive(options.amin, 'amin', where);
  const amin = Math.max(options.amin, SMALLEST_NORMAL);
  if (top_db !== null && !(top_db >= 0)) {
    throw new RequestError({
      where,
      problem: 'top_db is out of range',
      expected: 'a number of 0 or more, or null',
      got: String(top_db),
    });
  }
  const { finite, largest: loudest } = survey(S.data);
  if (!finite) {
    const bad = S.data.findIndex((value) => !Number.isFinite(value));
    checkFinite(S.data[bad]!, Math.floor(bad / S.cols), where);
  }
  const scale = factor / Math.LN10;
  const most = Math.max(amin, loudest);
  const reference = Math.max(amin, ref === 'max' ? loudest : Math.abs(ref));
  // Divided by the reference first, levels near 0 dB keep their digits; unless float32 ends before the quotients do.
  const fits = amin / reference >= SMALLEST_NORMAL && most / reference < LARGEST_POWER;
  const gain = fits ? 1 / reference : 1;
  const floor = top_db === null ? -Infinity : scale * Math.log(most * gain) - top_db;
  const zero = fits ? 0 : scale * Math.log(reference);
  return decibelsOf(S, { gain, amin: amin * gain, scale, floor, zero });
}
