/**
 * Weights in our order and in that of TensorFlow.js.
 *
 * Each weight of ours is one variable there. Where the order of elements differs (convolution kernels
 * are `[out, in, ...size]` here and `[...size, in, out]` there; the gates of an LSTM are i, o, f, c here
 * and i, f, c, o there) an index says which of our elements stands at each place of theirs.
 */
import type { Shape } from '../graph.ts';
import { sizeOf } from '../graph.ts';

/** For each element of theirs, the place of ours; undefined if the order is the same. */
export type Order = Int32Array | undefined;

/** The order after a transposition: axis `i` of theirs is axis `axes[i]` of ours. */
export function transposed(shape: Shape, axes: readonly number[]): Int32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const target = axes.map((axis) => shape[axis]!);
  const order = new Int32Array(sizeOf(shape));
  const index = target.map(() => 0);
  for (let i = 0; i < order.length; i++) {
    order[i] = axes.reduce((place, axis, k) => place + strides[axis]! * index[k]!, 0);
    for (let k = target.length - 1; k >= 0 && ++index[k]! === target[k]; k--) index[k] = 0;
  }
  return order;
}

/**
 * The order after exchanging gates, which lie side by side along the last axis.
 * @param gates for each gate of theirs, which of ours it is
 */
export function regated(shape: Shape, gates: readonly number[]): Int32Array {
  const width = shape[shape.length - 1]!;
  const units = width / gates.length;
  return Int32Array.from({ length: sizeOf(shape) }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row * width + gates[Math.floor(column / units)]! * units + (column % units);
  });
}

/** A weight of ours as theirs. */
export function toTheirs(values: Float32Array, order: Order): Float32Array {
  return order ? Float32Array.from(order, (place) => values[place]!) : values;
}

/** A weight of theirs as ours, written into `target`. */
export function toOurs(values: Float32Array, order: Order, target: Float32Array): void {
  if (!order) target.set(values);
  else order.forEach((place, i) => (target[place] = values[i]!));
}
