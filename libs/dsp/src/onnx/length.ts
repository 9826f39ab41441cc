/** One length for all items, as part of an ONNX graph. */
import type { GraphTensor } from '@prosodia/core';
import {
  add,
  and,
  atLeast,
  cast,
  counting,
  div,
  gather,
  integers,
  less,
  maximum,
  minimum,
  reduce,
  reshape,
  size,
  sqrt,
  square,
  sub,
  where,
  mul,
  greater,
  abs,
} from '@prosodia/onnx';

/** Which part of what is too long is kept, and where what is too short lies in its padding. */
export type Align = 'start' | 'center' | 'end';

/**
 * `length` entries along axis 1, cut off or filled up with `value`.
 *
 * @param x `[items, entries]` or `[items, entries, bands]`
 * @param dimensions of `x`
 */
export function fitLength(x: GraphTensor, dimensions: 2 | 3, length: number, align: Align, value: number): GraphTensor {
  const entries = size(x, 1);
  const surplus = sub(entries, length);
  // A quotient of whole numbers is cut towards zero, on both sides of it.
  const offset = align === 'start' ? integers(0) : align === 'end' ? surplus : div(surplus, 2);
  const at = add(counting(integers(length)), offset);
  const within = and(atLeast(at, 0), less(at, entries));
  const kept = gather(x, minimum(maximum(at, 0), sub(entries, 1)), 1);
  return where(reshape(within, dimensions === 2 ? [1, -1] : [1, -1, 1]), kept, value);
}

/** Zero mean and unit variance over the axes, within each item; zero where all values are equal. */
export function standardize(x: GraphTensor, axes: readonly number[]): GraphTensor {
  const wide = cast(x, 'float64');
  const mean = reduce('Mean', wide, axes);
  const away = sub(wide, mean);
  const deviation = sqrt(reduce('Mean', square(away), axes));
  const varies = greater(deviation, mul(abs(mean), 1e-7));
  return cast(where(varies, div(away, where(varies, deviation, 1)), 0), 'float32');
}

/**
 * Segments of equal length, `[items * segments, length]`, and how many there are of each item, int64 `[1]`.
 *
 * @param y float32 `[items, samples]`
 * @param hop samples from the start of one segment to that of the next
 * @param pad whether what is left at the end is filled up to a segment, or dropped unless it is all there is
 */
export function segments(
  y: GraphTensor,
  length: number,
  hop: number,
  pad: boolean,
): { samples: GraphTensor; count: GraphTensor } {
  const samples = size(y, 1);
  const whole = maximum(div(add(samples, hop - length), hop), 0);
  // What is not covered: all of a short item, or the end of a long one.
  const covered = where(greater(whole, 0), add(mul(sub(whole, 1), hop), length), integers(0));
  const left = cast(less(covered, samples), 'int64');
  const count = pad ? add(whole, left) : maximum(whole, 1);
  const starts = reshape(mul(counting(count), hop), [-1, 1]);
  const at = add(starts, counting(integers(length)));
  const kept = gather(y, minimum(at, sub(samples, 1)), 1);
  const filled = where(less(at, samples), kept, 0);
  return { samples: reshape(filled, [-1, length]), count: reshape(count, [1]) };
}
