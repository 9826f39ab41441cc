/**
 * Convolution and pooling over one or two spatial axes, channels before them (see `Value` in `layers/layer.ts`).
 */
import { ShapeError, describeShape, type Attributes, type Shape, type Tensor } from './graph.ts';
import { convolveBlocked, fitsBlocks } from './blocked-convolution.ts';
import { relu, reshape } from './ops.ts';
import { OverlappingPool } from './overlapping-pool.ts';

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

/** How a convolution is computed. */
export interface ConvolutionForm {
  /** Whether negative outputs become 0. */
  readonly relu?: boolean;
  /**
   * Channels in a block, where they are convolved in blocks; see `blocked-convolution.ts`. With a number the graph is
   * for the CPU, and other operators may be chosen by what is fast there.
   */
  readonly block?: number | undefined;
}

/**
 * Cross-correlation of `x` with `kernel [out channels, channels, ...size]`, plus a bias per out channel.
 * @param x `[batch, channels, ...spatial]`, or in training `[1, channels, batch, ...spatial]`
 */
export function convolve(
  x: Tensor,
  kernel: Tensor,
  bias: Tensor | undefined,
  window: Window,
  form: ConvolutionForm = {},
): Tensor {
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
    return convolve(x, reshape(kernel, [filters!, inputs!, 1, ...size]), bias, overBatch(window), form);
  }
  const { relu: limited = false, block } = form;
  const given = bias ? [x, kernel, bias] : [x, kernel];
  const attributes = windowAttributes(window);
  const shape = [batch!, filters!, ...windowOutput(spatial, window)];
  const plain = () => x.graph.node('Conv', given, [shape], attributes)[0]!;
  if (block === undefined) return limited ? relu(plain()) : plain();
  const inBlocks = fitsBlocks({ x, kernel, block });
  const composed = { ...attributes, onCpu: 1, relu: Number(limited), ...(inBlocks ? { block } : {}) };
  return x.graph.composite('Conv', given, composed, () => {
    if (inBlocks) return { outputs: [convolveBlocked({ x, kernel, bias, window, block, relu: limited })] };
    return { outputs: [limited ? relu(plain()) : plain()] };
  })[0]!;
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

/** Pooled images `[1, images, ...spatial]`, and what the gradient wants to know. */
export interface LargestOfWindows {
  readonly images: Tensor;
  readonly largest: Tensor;
  /** How it was found, for windows that overlap, in training. */
  readonly overlapping?: OverlappingPool;
}

/** The largest element of each window: `y`, shaped like `x`, and the same as images. */
export function maxPool(x: Tensor, window: Window): LargestOfWindows & { readonly y: Tensor } {
  const images = asImages(x, window);
  const [batch, count, ...spatial] = images.shape;
  const counts = windowOutput(spatial, window);
  const found = (largest: Tensor) => ({ images, largest, y: fromImages(largest, x, window) });
  if (batch === 1 && !isTiling(window)) {
    const overlapping = poolOverlapping(images, window, counts);
    return { ...found(overlapping.largest), overlapping };
  }
  return found(images.graph.node('MaxPool', [images], [[batch!, count!, ...counts]], windowAttributes(window))[0]!);
}

function poolOverlapping(images: Tensor, window: Window, counts: Shape): OverlappingPool {
  let pool!: OverlappingPool;
  images.graph.composite('OverlappingMaxPool', [images], {}, () => {
    pool = new OverlappingPool(images, window, counts);
    return { outputs: [pool.largest], saved: { pool } };
  });
  return pool;
}

/** The mean of each window, padding not counted. */
export function averagePool(x: Tensor, window: Window): Tensor {
  const { dilations: _, ...attributes } = windowAttributes(window);
  const images = asImages(x, window);
  const [batch, count, ...spatial] = images.shape;
  const shape = [batch!, count!, ...windowOutput(spatial, window)];
  return fromImages(images.graph.node('AveragePool', [images], [shape], attributes)[0]!, x, window);
}

/** Pooling knows no channels, so in training channels and batch become one axis: `[1, channels batch, ...spatial]`. */
function asImages(x: Tensor, { size }: Window): Tensor {
  const spatial = x.shape.slice(x.shape.length - size.length);
  if (x.shape.length === size.length + 2) return x;
  return reshape(x, [1, x.shape[1]! * x.shape[2]!, ...spatial]);
}

/** Pooled images with the axes that `x` has before the spatial ones. */
function fromImages(images: Tensor, x: Tensor, { size }: Window): Tensor {
  const rank = size.length;
  const kept = x.shape.slice(0, x.shape.length - rank);
  return reshape(images, [...kept, ...images.shape.slice(images.shape.length - rank)]);
}
