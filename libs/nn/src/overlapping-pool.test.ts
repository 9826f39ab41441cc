import { describe, expect, it } from 'vitest';
import { Graph } from './graph.ts';
import { gradients } from './gradients/differentiate.ts';
import { multiply, sum } from './ops.ts';
import { makeWindow, maxPool, windowOutput, type Padding, type Window } from './spatial-ops.ts';
import { array, generate, offsetOf } from './testing/arrays.ts';
import { checkGradient } from './testing/check-gradient.ts';
import { evaluate } from './testing/interpreter.ts';

type Case = [name: string, spatial: number[], size: number[], strides: number[], padding: Padding];

const CASES: Case[] = [
  ['five by two', [12], [5], [2], 'same'],
  ['five by two, an odd length', [13], [5], [2], 'same'],
  ['three by two', [11], [3], [2], 'valid'],
  ['three by one', [6], [3], [1], 'same'],
  ['two by one, before only', [5], [2], [1], 'causal'],
  ['seven by three', [17], [7], [3], 'same'],
  ['two by three, with gaps', [11], [2], [3], 'valid'],
  ['as large as its stride, padded', [7], [2], [2], 'same'],
  ['longer than the axis, padded', [2], [5], [2], 'same'],
  ['three by two in two dimensions', [7, 6], [3, 3], [2, 2], 'same'],
  ['three by two along one of two', [4, 9], [1, 3], [1, 2], 'same'],
  ['another along each of two', [9, 8], [4, 2], [3, 2], 'valid'],
];

/** The first largest element of each window, by definition: its offset in the images. */
function firstLargest(images: { shape: readonly number[]; data: ArrayLike<number> }, window: Window) {
  const [batch, count, ...spatial] = images.shape;
  return generate([batch!, count!, ...windowOutput(spatial, window)], ([b, c, ...at]) => {
    let best = -1;
    const visit = (seen: number[]): void => {
      const axis = seen.length;
      if (axis === spatial.length) {
        const offset = offsetOf(images.shape, [b!, c!, ...seen]);
        if (best < 0 || images.data[offset]! > images.data[best]!) best = offset;
        return;
      }
      for (let tap = 0; tap < window.size[axis]!; tap++) {
        const place = at[axis]! * window.strides[axis]! + tap - window.before[axis]!;
        if (place >= 0 && place < spatial[axis]!) visit([...seen, place]);
      }
    };
    visit([]);
    return best;
  });
}

describe.each(CASES)('max pooling in training, %s', (_, spatial, size, strides, padding) => {
  const ones = size.map(() => 1);
  const window = makeWindow(spatial, size, strides, ones, padding);

  it('has the gradient that finite differences show, and ONNX Runtime the same', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 3, 2, ...spatial]);
    await checkGradient(maxPool(x, window).y, [x], { elements: 12 });
  });

  it('finds the largest, and of equal ones the first has the gradient', () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 2, 2, ...spatial]);
    const { y, largest } = maxPool(x, window);
    const weights = Float32Array.from({ length: y.shape.reduce((a, b) => a * b, 1) }, (_unused, i) => 1 + i);
    const axes = y.shape.map((_unused, axis) => axis);
    const [gradient] = gradients(sum(multiply(y, graph.constant(weights, y.shape)), axes, false), [x]);
    // Few values, so that many are equal; negative ones, beside which padding must not count.
    const length = x.shape.reduce((a, b) => a * b, 1);
    const data = Array.from({ length }, (_unused, i) => -1 - ((i * i * 7) % 3));
    const at = evaluate(graph, { x: array(x.shape, data) });
    const places = firstLargest({ shape: [1, 4, ...spatial], data }, window);
    expect(largest.shape).toEqual(places.shape);
    expect([...at(y).data]).toEqual([...places.data].map((place) => data[place]!));
    const expected = new Array<number>(length).fill(0);
    places.data.forEach((place, i) => (expected[place]! += weights[i]!));
    expect([...at(gradient!).data]).toEqual(expected);
  });
});
