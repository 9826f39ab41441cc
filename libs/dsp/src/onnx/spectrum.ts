/**
 * Spectrograms as part of an ONNX graph.
 *
 * Frames are transformed in double precision and stored as float32, as in the functions of the same names, so that
 * what is computed outside agrees with what was trained on down to rounding.
 */
import type { GraphTensor } from '@prosodia/core';
import {
  apply,
  cast,
  constant,
  integers,
  maximum,
  mul,
  reduce,
  scalar,
  sqrt,
  square,
  sub,
  log,
  unsqueeze,
} from '@prosodia/onnx';
import type { DecibelOptions } from '../decibel.ts';
import { frameWindow } from '../window.ts';

/**
 * Power spectrogram with a periodic Hann window and centred frames.
 *
 * @param y float32 `[items, samples]`
 * @returns float32 `[items, frames, 1 + floor(n_fft / 2)]`
 */
export function powerSpectrogram(y: GraphTensor, n_fft: number, hop_length: number): GraphTensor {
  const padding = Math.floor(n_fft / 2);
  const padded = apply('Pad', [cast(y, 'float64'), integers([0, padding, 0, padding])]);
  const window = constant('float64', [n_fft], frameWindow('hann', n_fft, n_fft));
  const signal = unsqueeze(padded, [2]);
  const transformed = apply('STFT', [signal, integers(hop_length), window, integers(n_fft)]);
  return cast(reduce('Sum', square(transformed), [3], false), 'float32');
}

/** The square root of every value. */
export function magnitude(power: GraphTensor): GraphTensor {
  return sqrt(power);
}

/** Products of the last axis with a matrix, in double precision. */
export function project(x: GraphTensor, rows: number, cols: number, matrix: ArrayLike<number>): GraphTensor {
  const weights = cast(constant('float32', [rows, cols], matrix), 'float64');
  return cast(apply('MatMul', [cast(x, 'float64'), weights]), 'float32');
}

/**
 * 10 log10(S / ref), the loudest taken over each item.
 *
 * @param S float32 `[items, frames, bands]`, powers
 */
export function powerToDb(S: GraphTensor, { ref = 1, amin = 1e-10, top_db = 80 }: DecibelOptions = {}): GraphTensor {
  const scale = scalar('float64', 10 / Math.LN10);
  const decibels = (powers: GraphTensor) => mul(log(maximum(cast(powers, 'float64'), amin)), scale);
  const loudest = decibels(reduce('Max', S, [1, 2]));
  const zero = ref === 'max' ? loudest : scalar('float64', (10 / Math.LN10) * Math.log(Math.max(amin, Math.abs(ref))));
  const values = decibels(S);
  const floored = top_db === null ? values : maximum(values, sub(loudest, top_db));
  return cast(sub(floored, zero), 'float32');
}
