/**
 * Are the probabilities right? Expected calibration error, and temperature scaling to mend it
 * (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017).
 */
import { DataError, RequestError } from '@prosodia/core';
import { requireClassIndices } from '../labels.ts';
import { type Float64Matrix, type Matrix, requireFinite, requireShape, zeros } from '../matrix.ts';
import { requireSameRows } from './confusion.ts';
import { argmaxRows, probabilityFloor, requireProbabilities, requireTruthAndProbabilities } from './probabilities.ts';

/** One bar of a reliability diagram. */
export interface CalibrationBin {
  /** Confidences in (low, high]; the first bin holds 0 too. */
  low: number;
  high: number;
  rows: number;
  /** Mean probability of the predicted class; NaN in an empty bin. */
  confidence: number;
  /** Share predicted right; NaN in an empty bin. */
  accuracy: number;
}

export interface CalibrationError {
  /** Mean distance between confidence and accuracy, weighted by rows. */
  value: number;
  /** The largest distance in one bin. */
  maximum: number;
  bins: CalibrationBin[];
}

/**
 * Expected calibration error of the predicted class over bins of equal width.
 *
 * @param options.bins number of bins. Default 15.
 * @throws RequestError if `bins` is not a whole number from 1 on
 * @throws DataError for labels or probabilities that are none
 */
export function expectedCalibrationError(
  truth: ArrayLike<number>,
  probabilities: Matrix,
  { bins = 15 }: { bins?: number } = {},
): CalibrationError {
  if (!(Number.isInteger(bins) && bins >= 1)) {
    throw new RequestError({ problem: 'bins is not a count', expected: 'a whole number from 1 on', got: String(bins) });
  }
  requireTruthAndProbabilities(truth, probabilities);
  const rows = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  const hits = new Float64Array(bins);
  argmaxRows(probabilities).forEach((predicted, i) => {
    const own = probabilities.data[i * probabilities.cols + predicted]!;
    const bin = Math.min(Math.max(Math.ceil(own * bins) - 1, 0), bins - 1);
    rows[bin]!++;
    confidence[bin]! += own;
    if (predicted === truth[i]) hits[bin]!++;
  });
  let value = 0;
  let maximum = 0;
  const table = Array.from(rows, (count, b): CalibrationBin => {
    if (count > 0) {
      const gap = Math.abs(confidence[b]! - hits[b]!);
      value += gap / truth.length;
      maximum = Math.max(maximum, gap / count);
    }
    const [low, high] = [b / bins, (b + 1) / bins];
    return { low, high, rows: count, confidence: confidence[b]! / count, accuracy: hits[b]! / count };
  });
  return { value, maximum, bins: table };
}

export interface TemperatureFit {
  /** Divisor of the logits: above 1 softens, below 1 sharpens. */
  temperature: number;
  /** Log-loss at temperature 1 and at the fitted one. */
  before: number;
  after: number;
  /** True if the best temperature lies outside the allowed range, and its end was taken. */
  atBound: boolean;
}

/** Temperatures outside say that the logits carry no information, or that there are too few rows. */
const TEMPERATURES = [0.01, 100] as const;

/**
 * The temperature that minimizes the log-loss of `softmax(logits / temperature)`.
 *
 * The log-loss is convex in 1 / temperature; its derivative is brought to zero by Newton steps kept inside a
 * shrinking bracket, so there is no randomness and no step size to choose.
 *
 * Fit it on validation rows: on training rows it finds the confidence of memory, on test rows it leaks.
 *
 * @param truth class index of each row
 * @param logits one row per row, one column per class; logarithms of probabilities do ({@link logitsOf})
 * @throws DataError for labels that are none, or logits that are not finite
 */
export function fitTemperature(truth: ArrayLike<number>, logits: Matrix): TemperatureFit {
  requireSameRows(truth.length, logits.rows, 'logits');
  requireClassIndices(truth, logits.cols, 'a true label');
  requireShape(logits);
  requireFinite(logits);
  const at = (sharpness: number) => sharpenedLoss(truth, logits, sharpness);
  let low = 1 / TEMPERATURES[1];
  let high = 1 / TEMPERATURES[0];
  let sharpness = 1;
  const atBound = at(low).slope >= 0 || at(high).slope <= 0;
  if (atBound) sharpness = at(low).slope >= 0 ? low : high;
  for (let step = 0; !atBound && step < 200; step++) {
    const { slope, curvature } = at(sharpness);
    if (slope > 0) high = sharpness;
    else low = sharpness;
    const newton = sharpness - slope / curvature;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    const moved = Math.abs(next - sharpness);
    sharpness = next;
    if (moved <= 1e-13 * sharpness) break;
  }
  return { temperature: 1 / sharpness, before: at(1).loss, after: at(sharpness).loss, atBound };
}

/** `softmax(logits / temperature)` row by row. Throws a RequestError for a temperature that is not positive. */
export function applyTemperature(logits: Matrix, temperature: number): Float64Matrix {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RequestError({ problem: 'not a temperature', expected: 'a positive number', got: String(temperature) });
  }
  requireShape(logits);
  requireFinite(logits);
  const { data, rows, cols } = logits;
  const result = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    softmaxInto(data.subarray(i * cols, (i + 1) * cols), 1 / temperature, result.data.subarray(i * cols));
  }
  return result;
}

/** Logarithms of probabilities, as logits; 0 becomes the logarithm of the matrix's precision. Throws a DataError. */
export function logitsOf(probabilities: Matrix): Float64Matrix {
  requireProbabilities(probabilities);
  const floor = probabilityFloor(probabilities);
  const { data, rows, cols } = probabilities;
  return { data: Float64Array.from(data, (p) => Math.log(Math.max(p, floor))), rows, cols };
}

/** Log-loss of softmax(sharpness * logits), with its first two derivatives by sharpness. */
function sharpenedLoss(truth: ArrayLike<number>, { data, rows, cols }: Matrix, sharpness: number) {
  const p = new Float64Array(cols);
  let loss = 0;
  let slope = 0;
  let curvature = 0;
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    const logNormalizer = softmaxInto(row, sharpness, p);
    const own = row[truth[i]!]!;
    let mean = 0;
    for (let j = 0; j < cols; j++) mean += p[j]! * row[j]!;
    for (let j = 0; j < cols; j++) curvature += p[j]! * (row[j]! - mean) ** 2;
    loss += logNormalizer - sharpness * own;
    slope += mean - own;
  }
  if (!Number.isFinite(loss)) throw new DataError({ problem: 'the logits are too large', got: `log-loss ${loss}` });
  return { loss: loss / rows, slope: slope / rows, curvature: curvature / rows };
}

/** Writes softmax(sharpness * row) to `to` and returns the logarithm of its denominator. */
function softmaxInto(row: ArrayLike<number>, sharpness: number, to: Float64Array): number {
  let peak = -Infinity;
  for (let j = 0; j < row.length; j++) peak = Math.max(peak, sharpness * row[j]!);
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += to[j] = Math.exp(sharpness * row[j]! - peak);
  for (let j = 0; j < row.length; j++) to[j]! /= sum;
  return peak + Math.log(sum);
}
