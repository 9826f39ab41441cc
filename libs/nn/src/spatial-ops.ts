/**
 * Convolution and pooling over one or two spatial axes, channels first: `[batch, channels, ...spatial]`.
 */
import { DYNAMIC, ShapeError, describeShape, type Attributes, type Shape, type Tensor } from './graph.ts';

/** How a window moves over each spatial axis. */
export interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after, per axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export type Padding = 'same' | 'valid' | 'causal';

/**
 * The window with Keras's padding: `valid` pads nothing, `same` so that the output has
 * ceil(input / stride) elements, more of it after than before, `causal` only before.
 */
export function makeWindow(
  spatial: Shape,
  size: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  padding: Padding,
): Window {
  const total = spatial.map((length, i) => {
    const reach = dilations[i]! * (size[i]! - 1) + 1;
    if (padding === 'valid') return 0;
    if (padding === 'causal') return reach - 1;
    const out = Math.ceil(length / strides[i]!);
    return Math.max((out - 1) * strides[i]! + reach - length, 0);
  });
  const before = total.map((count) => (padding === 'causal' ? count : Math.floor(count / 2)));
  return { size, strides, dilations, before, after: total.map((count, i) => count - before[i]!) };
}

/** Spatial sizes after a window. Throws a ShapeError if it does not fit even once. */
export function windowOutput(spatial: Shape, { size, strides, dilations, before, after }: Window): Shape {
  return spatial.map((length, i) => {
    const reach = dilations[i]! * (size[i]! - 1) + 1;
    const padded = length + before[i]! + after[i]!;
    if (reach > padded) {
      throw new ShapeError({
        problem: 'the window is larger than what it moves over',
        expected: `a window of at most ${padded} on spatial axis ${i}`,
        got: `${reach}`,
        fix: 'use padding: same, or a smaller window, or fewer pooling layers before it',
      });
    }
    return Math.floor((padded - reach) / strides[i]!) + 1;
  });
}

export function windowAttributes({ size, strides, dilations, before, after }: Window): Attributes {
  return { kernel_shape: size, strides, dilations, pads: [...before, ...after] };
}

/** The window of a node that was made here. */
export function windowOf(attributes: Attributes): Window {
  const numbers = (name: string): readonly number[] => attributes[name] as readonly number[];
  const pads = numbers('pads');
  return {
    size: numbers('kernel_shape'),
    strides: numbers('strides'),
    dilations: numbers('dilations'),
    before: pads.slice(0, pads.length / 2),
    after: pads.slice(pads.length / 2),
  };
}

/** Cross-correlation of `x` with `kernel [out channels, channels, ...size]`, plus a bias per out channel. */
export function convolve(x: Tensor, kernel: Tensor, bias: Tensor | undefined, window: Window): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  if (channels !== kernel.shape[1]) {
    throw new ShapeError({
      problem: 'the kernel does not fit the channels',
      expected: `${kernel.shape[1]} channels`,
      got: describeShape(x.shape),
    });
  }
  const shape = [batch!, kernel.shape[0]!, ...windowOutput(spatial, window)];
  return x.graph.node('Conv', bias ? [x, kernel, bias] : [x, kernel], [shape], windowAttributes(window))[0]!;
}

/**
 * The largest element of each window; of equal ones the first. With a known batch the places are kept
 * for the gradient.
 */
export function maxPool(x: Tensor, window: Window): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const shape = [batch!, channels!, ...windowOutput(spatial, window)];
  const attributes = windowAttributes(window);
  if (batch === DYNAMIC) return x.graph.node('MaxPool', [x], [shape], attributes)[0]!;
  return x.graph.node('MaxPool', [x], [shape, shape], attributes, { type: ['float32', 'int64'] })[0]!;
}

/** The mean of each window, padding not counted. */
export function averagePool(x: Tensor, window: Window): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const shape = [batch!, channels!, ...windowOutput(spatial, window)];
  const { dilations: _, ...attributes } = windowAttributes(window);
  return x.graph.node('AveragePool', [x], [shape], attributes)[0]!;
}
