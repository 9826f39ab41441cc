/** Reads golden.json and compares matrices with what it holds. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { DctType } from '../mfcc.ts';
import type { DeltaMode } from '../delta.ts';
import type { Matrix } from '../matrix.ts';
import type { WindowName } from '../window.ts';

/** A matrix, frames x bands: every step-th value, and the mean of all absolute values. */
export interface Packed {
  shape: [number, number];
  mean_abs: number;
  values: number[];
}

type Options = Record<string, never>;

interface Golden {
  features: Record<string, Record<string, Record<string, Packed> & { tuning: number }>>;
  delta: { width: number; order: number; mode: DeltaMode; result: Packed }[];
  banks: Record<'mel' | 'chroma', { options: Options; result: Packed }[]>;
  dct: { type: DctType; norm: 'ortho' | null; result: Packed }[];
  windows: { name: WindowName; length: number; fftbins: boolean; values: number[] }[];
  functionals: Record<string, number[]>;
  istft: { options: Options; length?: number; result: Packed }[];
  time_stretch: { options: { rate: number }; result: Packed }[];
  pitch_shift: { n_steps: number; bins_per_octave: number; result: Packed }[];
}

export const golden = JSON.parse(readFileSync(new URL('../../golden/golden.json', import.meta.url), 'utf8')) as Golden;

/**
 * How far a value may be off: a share of itself, plus a share of the matrix's mean size (a sum that cancels
 * keeps the rounding of its terms), plus an absolute amount (for decibels).
 */
export interface Tolerance {
  relative?: number;
  ofMean?: number;
  absolute?: number;
}

export function expectMatrix(actual: Matrix, packed: Packed, tolerance: Tolerance = {}): void {
  const { relative = 1e-4, ofMean = 1e-5, absolute = 0 } = tolerance;
  expect([actual.rows, actual.cols]).toEqual(packed.shape);
  expect(actual.data.every(Number.isFinite)).toBe(true);
  const size = actual.rows * actual.cols;
  const most = Math.max(1, Math.floor(size / 16));
  const step = most - (1 - (most % 2));
  const slack = (value: number) => relative * Math.abs(value) + ofMean * packed.mean_abs + absolute;
  const far = packed.values
    .map((expected, k) => ({ index: k * step, expected, got: actual.data[k * step]! }))
    .filter(({ expected, got }) => Math.abs(got - expected) > slack(expected));
  expect(far).toEqual([]);
  const meanAbs = actual.data.reduce((sum, value) => sum + Math.abs(value), 0) / size;
  expect(Math.abs(meanAbs - packed.mean_abs)).toBeLessThanOrEqual(slack(packed.mean_abs));
}

/** A vector as a matrix of one column. */
export function column(data: Float32Array): Matrix {
  return { data, rows: data.length, cols: 1 };
}
