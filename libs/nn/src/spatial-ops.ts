/**
 * Convolution and pooling over one or two spatial axes, channels before them (see `Value` in `layers/layer.ts`).
 */
import { ShapeError, describeShape, type Attributes, type Shape, type Tensor } from './graph.ts';
import { reshape } from './ops.ts';

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

/**
 * Cross-correlation of `x` with `kernel [out channels, channels, ...size]`, plus a bias per out channel.
 * @param x `[batch, channels, ...spatial]`, or in training `[1, channels, batch, ...spatial]`
 */
export function convolve(x: Tensor, kernel: Tensor, bias: Tensor | undefined, window: Window): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const [filters, inputs, ...size] = kernel.shape;
  if (channels !== inputs) {
    throw new ShapeError({
      problem: 'the kernel does not fit the channels',
      expected: `${inputs} channels`,
      got: describeShape(x.shape),
    });
  }
  if (spatial.length > size.length) {
    return convolve(x, reshape(kernel, [filters!, inputs!, 1, ...size]), bias, overBatch(window));
  }
  const shape = [batch!, filters!, ...windowOutput(spatial, window)];
  return x.graph.node('Conv', bias ? [x, kernel, bias] : [x, kernel], [shape], windowAttributes(window))[0]!;
}

/** The window with one axis more in front, the batch, along which it sees one row at a time. */
function overBatch({ size, strides, dilations, before, after }: Window): Window {
  return {
    size: [1, ...size],
    strides: [1, ...strides],
    dilations: [1, ...dilations],
    before: [0, ...before],
    after: [0, ...after],
  };
}

/** Whether the windows lie side by side, so that each element is in one of them at most. */
export function isTiling({ size, strides, dilations, before, after }: Window): boolean {
  const apart = size.every((count, i) => count === strides[i] && dilations[i] === 1);
  return apart && [...before, ...after].every((count) => count === 0);
}

/**
 * The largest element of each window. In training, windows that overlap also say where it is, for the
 * gradient, which takes twice as long.
 */
export function maxPool(x: Tensor, window: Window): Tensor {
  return pooled(x, window, (image, shape) => {
    const attributes = windowAttributes(window);
    if (image.shape[0] !== 1 || isTiling(window)) return image.graph.node('MaxPool', [image], [shape], attributes)[0]!;
    return image.graph.node('MaxPool', [image], [shape, shape], attributes, { type: ['float32', 'int64'] })[0]!;
  });
}

/** The mean of each window, padding not counted. */
export function averagePool(x: Tensor, window: Window): Tensor {
  const { dilations: _, ...attributes } = windowAttributes(window);
  return pooled(x, window, (image, shape) => image.graph.node('AveragePool', [image], [shape], attributes)[0]!);
}

/** Pooling knows no channels, so in training channels and batch become one axis: `[1, channels batch, ...spatial]`. */
function pooled(x: Tensor, window: Window, pool: (image: Tensor, shape: Shape) => Tensor): Tensor {
  const kept = x.shape.slice(0, x.shape.length - window.size.length);
  const spatial = x.shape.slice(kept.length);
  const after = windowOutput(spatial, window);
  if (kept.length === 2) return pool(x, [...kept, ...after]);
  const images = [1, kept[1]! * kept[2]!];
  return reshape(pool(reshape(x, [...images, ...spatial]), [...images, ...after]), [...kept, ...after]);
}
