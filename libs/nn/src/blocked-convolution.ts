/**
 * Convolution by the kernels that ONNX Runtime keeps for models whose weights are constants.
 *
 * They want channels in blocks, as wide as a register of the processor: `[rows, channels / block, ...spatial,
 * block]`. Then a convolution goes over the tensor once, instead of copying it window by window into the
 * matrix of a product: in training two thirds of the time for 2-D windows, although activations are
 * rearranged before and after, and weights in every step. ONNX Runtime's operators for it are internal (domain
 * `com.microsoft.nchwc`): shapes are those of the plain layout, only the order in memory is another. Models that
 * are served use standard operators only; ONNX Runtime rearranges their weights once, by itself.
 */
import { DYNAMIC, Graph, type Shape, type Tensor } from './graph.ts';
import { openSession } from './device.ts';
import { encodeModel } from './onnx/model.ts';
import { reshape, transpose } from './ops.ts';
import { windowAttributes, windowOutput, type Window } from './spatial-ops.ts';

const domain = 'com.microsoft.nchwc';

let known: Promise<number | undefined> | undefined;

/** Channels in a block on this processor; undefined if this ONNX Runtime has no such kernels for it. */
export function blockOfChannels(): Promise<number | undefined> {
  return (known ??= probe());
}

/** Four channels come back as one block, the rest of it zeros. */
async function probe(): Promise<number | undefined> {
  const graph = new Graph();
  const x = graph.input('x', [1, 4, 1, 1]);
  graph.output('y', graph.node('ReorderInput', [x], [[1, DYNAMIC, 1, 1]], {}, { domain })[0]!);
  try {
    const session = await openSession(encodeModel(graph), {});
    const { y } = await session.run({ x: { data: new Float32Array(4), shape: [1, 4, 1, 1] } }, { y: null });
    await session.release();
    return y!.length;
  } catch {
    return undefined;
  }
}

export interface BlockedConvolution {
  /** `[1, channels, batch, ...spatial]` */
  readonly x: Tensor;
  /** `[out channels, channels, 1, ...size]`, or for the way back that of the way there. */
  readonly kernel: Tensor;
  readonly bias?: Tensor | undefined;
  /** Over the batch, where it sees one row at a time, and the spatial axes. */
  readonly window: Window;
  readonly block: number;
  /** Whether negative outputs become 0. */
  readonly relu?: boolean;
  /** The way back: with the kernel turned round, its two channel axes swapped. */
  readonly back?: boolean;
}

/**
 * Whether blocks can be used and pay: rearranging the kernel takes as long for few positions as for many, and
 * a window of one is a matrix product anyway.
 */
export function fitsBlocks({ x, kernel, block }: Pick<BlockedConvolution, 'x' | 'kernel' | 'block'>): boolean {
  const [outChannels, channels, ...size] = kernel.shape as [number, number, ...number[]];
  const positions = product(x.shape.slice(2));
  const many = x.shape.length === 5 || positions >= 16 * Math.max(channels, outChannels);
  return channels % block === 0 && outChannels % block === 0 && product(size) > 1 && many;
}

export function convolveBlocked(options: BlockedConvolution): Tensor {
  const { x, kernel, bias, window, block, relu = false, back = false } = options;
  const filters = kernel.shape[back ? 1 : 0]!;
  const result = [1, filters, ...windowOutput(x.shape.slice(2), window)];
  const planes = x.shape.length === 5;
  // A row of the batch is an image of its own if it has two axes, else a line of one image.
  const inner = planes ? withoutFirst(window) : window;
  const blocked = planes ? rowsFirst(toBlocks(x), block) : toBlocks(x);
  const weights = back ? turnedKernel(kernel, inner.size, block) : arrangedKernel(kernel, inner.size, block);
  const shape = [blocked.shape[0]!, filters, ...windowOutput(blocked.shape.slice(2), inner)];
  const attributes = { ...windowAttributes(inner), ...(relu ? { activation: 'Relu' } : {}) };
  const inputs = bias ? [blocked, weights, bias] : [blocked, weights];
  const y = x.graph.node('Conv', inputs, [shape], attributes, { domain })[0]!;
  return fromBlocks(planes ? channelsFirst(y, block) : y, result);
}

/** Blocks of channels of one image; its shape is `[1, channels, batch, positions]`. */
function toBlocks(x: Tensor): Tensor {
  const flat = x.shape.length === 5 ? reshape(x, [...x.shape.slice(0, 3), x.shape[3]! * x.shape[4]!]) : x;
  const [blocked] = x.graph.node('ReorderInput', [flat], [flat.shape], {}, { domain });
  return x.shape.length === 5 ? reshape(blocked!, x.shape) : blocked!;
}

function fromBlocks(y: Tensor, shape: Shape): Tensor {
  const [one, channels, batch, ...spatial] = shape as [number, number, number, ...number[]];
  const flat = [one, channels, batch, product(spatial)];
  const inputs = [reshape(y, flat)];
  return reshape(y.graph.node('ReorderOutput', inputs, [flat], { channels }, { domain })[0]!, shape);
}

/** Blocks of one image of all rows, `[1, channels, batch, ...]`, as those of one image per row. */
function rowsFirst(x: Tensor, block: number): Tensor {
  const [, channels, batch, ...spatial] = x.shape as [number, number, number, ...number[]];
  const blocks = reshape(x, [channels / block, batch, product(spatial) * block]);
  return reshape(transpose(blocks, [1, 0, 2]), [batch, channels, ...spatial]);
}

function channelsFirst(y: Tensor, block: number): Tensor {
  const [batch, channels, ...spatial] = y.shape as [number, number, ...number[]];
  const blocks = reshape(y, [batch, channels / block, product(spatial) * block]);
  return reshape(transpose(blocks, [1, 0, 2]), [1, channels, batch, ...spatial]);
}

/**
 * `[out / block, in / block, taps, in of a block, out of a block]`. In two steps, each of which moves one axis:
 * ONNX Runtime moves several at once element by element.
 */
function arrangedKernel(kernel: Tensor, size: Shape, block: number): Tensor {
  const [outChannels, channels] = kernel.shape as [number, number];
  const taps = product(size);
  const outLast = transpose(reshape(kernel, [outChannels / block, block, channels * taps]), [0, 2, 1]);
  const inBlocks = reshape(outLast, [(outChannels * channels) / block / block, block, taps, block]);
  return reshape(transpose(inBlocks, [0, 2, 1, 3]), [outChannels, channels, ...size]);
}

/** The same of the kernel turned round: its taps in reverse order, out channels and in channels swapped. */
function turnedKernel(kernel: Tensor, size: Shape, block: number): Tensor {
  const [outChannels, channels] = kernel.shape as [number, number];
  const taps = product(size);
  const { graph } = kernel;
  const tapsFirst = transpose(reshape(kernel, [outChannels * channels, taps]), [1, 0]);
  const order = graph.integers(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const reversed = graph.node('Gather', [tapsFirst, order], [tapsFirst.shape], { axis: 0 })[0]!;
  const inBlocks = reshape(reversed, [taps, outChannels / block, block, channels / block, block]);
  return reshape(transpose(inBlocks, [3, 1, 0, 2, 4]), [channels, outChannels, ...size]);
}

function withoutFirst({ size, strides, dilations, before, after }: Window): Window {
  return {
    size: size.slice(1),
    strides: strides.slice(1),
    dilations: dilations.slice(1),
    before: before.slice(1),
    after: after.slice(1),
  };
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
