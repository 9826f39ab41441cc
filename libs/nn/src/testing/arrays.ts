/** Arrays with a shape, in double precision. */
import type { Shape } from '../graph.ts';

export interface NumberArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function array(shape: Shape, data: ArrayLike<number>): NumberArray {
  return { shape, data: Float64Array.from(data) };
}

/** An array whose elements are computed from their indices. */
export function generate(shape: Shape, value: (index: readonly number[]) => number): NumberArray {
  const size = shape.reduce((product, n) => product * n, 1);
  const data = new Float64Array(size);
  const index = shape.map(() => 0);
  for (let i = 0; i < size; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data };
}

/** The element at an index, or another value outside of the array. */
export function valueOr(outside: number, a: NumberArray, index: readonly number[]): number {
  return index.every((i, axis) => i >= 0 && i < a.shape[axis]!) ? a.data[offsetOf(a.shape, index)]! : outside;
}

export function offsetOf(shape: Shape, index: readonly number[]): number {
  return shape.reduce((offset, size, axis) => offset * size + index[axis]!, 0);
}
