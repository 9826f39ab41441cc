/**
 * Gradient rule of convolution, for one image `[1, channels, ...spatial]`: in training the batch is one of
 * its axes (see `Value` in `layers/layer.ts`).
 */
import { convolveBlocked } from '../blocked-convolution.ts';
import type { Shape, Tensor } from '../graph.ts';
import { concat, expand, gemm, longProduct, multiply, pad, reshape, strided, sum, transpose, turn } from '../ops.ts';
import { windowAttributes, windowOf, type Window } from '../spatial-ops.ts';
import { rule, throughRelu, unscaled, type GradientRule } from './rule.ts';

export const convolutionRules: Readonly<Record<string, GradientRule>> = {
  Conv: rule((g, [x, kernel, bias], y, { node, wanted }) => {
    const window = windowOf(node.attributes);
    const { relu, block, onCpu } = node.attributes as { relu?: number; block?: number; onCpu?: number };
    const { tensor, factor } = unscaled(relu ? throughRelu(g, y) : g);
    const perFilter = (a: Tensor): Tensor =>
      factor
        ? multiply(
            a,
            reshape(
              factor,
              a.shape.map((size, axis) => (axis === 0 ? size : 1)),
            ),
          )
        : a;
    const allButChannels = g.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    return [
      wanted[0] ? convolutionInput(tensor, perFilter(kernel!), x!.shape, window, block) : undefined,
      wanted[1] ? perFilter(convolutionKernel(tensor, x!, kernel!.shape, window, onCpu === 1)) : undefined,
      bias && wanted[2] ? perFilter(sum(tensor, allButChannels, false)) : undefined,
    ];
  }),
};

/**
 * With stride 1 the convolution of `g` with the kernel turned round, its two channel axes swapped, unless
 * turning the kernel costs more than what it saves: ORT moves its few elements per channel one by one.
 */
function convolutionInput(g: Tensor, kernel: Tensor, shape: Shape, window: Window, block?: number): Tensor {
  const positions = product(g.shape.slice(2));
  const strided = window.strides.some((stride) => stride > 1);
  const planes = window.size.length === 3;
  if (strided && planes) return rowByRow(g, kernel, shape, window);
  const reach = window.size.map((size, i) => window.dilations[i]! * (size - 1));
  const back = {
    ...window,
    before: reach.map((r, i) => r - window.before[i]!),
    after: reach.map((r, i) => r - window.after[i]!),
  };
  if (!strided && block !== undefined) return convolveBlocked({ x: g, kernel, window: back, block, back: true });
  if (strided || (!planes && 2 * kernel.shape[0]! > positions)) return transposedConvolution(g, kernel, shape, window);
  return g.graph.node('Conv', [g, turnedRound(kernel)], [shape], windowAttributes(back))[0]!;
}

/**
 * A kernel with its channel axes swapped and its taps in reverse order. Tap by tap the swap is a transposition of a
 * matrix, which takes a tenth of the time of one that moves taps along; a product reverses them on their way back.
 */
function turnedRound(kernel: Tensor): Tensor {
  const [outChannels, channels, ...size] = kernel.shape as [number, number, ...number[]];
  const count = product(size);
  const backwards = new Float32Array(count * count);
  for (let i = 0; i < count; i++) backwards[i * count + count - 1 - i] = 1;
  const perTap = reshape(turn(reshape(kernel, [outChannels * channels, count])), [count, outChannels, channels]);
  const swapped = reshape(transpose(perTap, [0, 2, 1]), [count, channels * outChannels]);
  const reversed = gemm(swapped, kernel.graph.constant(backwards, [count, count]), undefined, { transposeA: true });
  return reshape(reversed, [channels, outChannels, ...size]);
}

/** ONNX Runtime's transposed convolution over three axes is ten times slower than over two; the first is the batch. */
function rowByRow(g: Tensor, kernel: Tensor, shape: Shape, window: Window): Tensor {
  const swapped = (size: Shape): Shape => [size[2]!, size[1]!, ...size.slice(3)];
  const rest = <T>(values: readonly T[]): readonly T[] => values.slice(1);
  const inner = {
    size: rest(window.size),
    strides: rest(window.strides),
    dilations: rest(window.dilations),
    before: rest(window.before),
    after: rest(window.after),
  };
  const rows = transpose(reshape(g, g.shape.slice(1)), [1, 0, 2, 3]);
  const flatKernel = reshape(kernel, [kernel.shape[0]!, kernel.shape[1]!, ...inner.size]);
  const back = transposedConvolution(rows, flatKernel, swapped(shape), inner);
  return reshape(transpose(back, [1, 0, 2, 3]), shape);
}

/** The gradient of a convolution with respect to its input, for any window. */
export function transposedConvolution(g: Tensor, kernel: Tensor, shape: Shape, window: Window): Tensor {
  const output_padding = window.size.map((size, i) => {
    const { strides, dilations, before, after } = window;
    const least = (g.shape[i + 2]! - 1) * strides[i]! + dilations[i]! * (size - 1) + 1 - before[i]! - after[i]!;
    return shape[i + 2]! - least;
  });
  const attributes = { ...windowAttributes(window), output_padding };
  return g.graph.node('ConvTranspose', [g, kernel], [shape], attributes)[0]!;
}

/** Up to so many, each is padded by itself, which convolutions of the same input share. */
const FEW_TAPS = 4;

/** From so many on, the products tap by tap are as fast as one, and nothing has to be put together for it. */
const MANY_CHANNELS = 32;

/**
 * For every tap of the kernel, the part of `x` it has seen, as rows of a matrix over positions, times
 * `g` over the same positions: one product for each tap, or for all of them, where one alone would be
 * too narrow to be fast. A convolution with the roles of batch and channels swapped says the same and is
 * slower.
 */
function convolutionKernel(g: Tensor, x: Tensor, shape: Shape, window: Window, onCpu: boolean): Tensor {
  const [outChannels, channels] = shape as [number, number];
  const counts = g.shape.slice(2);
  const positions = product(counts);
  const rows = reshape(g, [outChannels, positions]);
  const timesRows = (columns: Tensor): Tensor =>
    onCpu ? longProduct(rows, columns) : gemm(rows, columns, undefined, { transposeB: true });
  const seen =
    product(window.size) > FEW_TAPS && movesByOne(window) ? cutOut(x, counts, window) : seenOneByOne(x, counts, window);
  if (channels < MANY_CHANNELS) {
    const columns = concat(
      seen.map((part) => reshape(part, [channels, 1, positions])),
      1,
    );
    return reshape(timesRows(reshape(columns, [channels * seen.length, positions])), shape);
  }
  const perTap = seen.map((part) =>
    reshape(timesRows(reshape(part, [channels, positions])), [1, outChannels * channels]),
  );
  return reshape(turn(concat(perTap, 0)), shape);
}

/** Whether no place is left out. */
function movesByOne({ strides }: Window): boolean {
  return strides.every((stride) => stride === 1);
}

/**
 * What each tap of the window sees of `x` at every place, `[1, channels, ...counts]`: with strides, one of the parts
 * that every so many elements make up, moved. ONNX Runtime makes equal parts only once.
 */
function seenOneByOne(x: Tensor, counts: Shape, { size, strides, dilations, before }: Window): Tensor[] {
  return taps(size).map((tap) => {
    const start = tap.map((t, i) => t * dilations[i]! - before[i]!);
    const first = start.map((from, i) => Math.floor(from / strides[i]!));
    const phase = start.map((from, i) => from - first[i]! * strides[i]!);
    // Of an axis shorter than the stride some phases have no element: what such a tap sees is padding only.
    if (phase.some((from, i) => from >= x.shape[i + 2]!)) {
      return expand(x.graph.scalar(0), [1, x.shape[1]!, ...counts]);
    }
    const part = everySoMany(x, phase, strides);
    const missing = first.map((from, i) => from + counts[i]! - part.shape[i + 2]!);
    // Padding by a negative number cuts off.
    return pad(part, [0, 0, ...first.map((from) => -from)], [0, 0, ...missing]);
  });
}

/** The elements `from`, `from + stride`, ... of each spatial axis. */
function everySoMany(x: Tensor, from: readonly number[], strides: readonly number[]): Tensor {
  return strides.reduce((part, stride, i) => (stride === 1 ? part : strided(part, i + 2, from[i]!, stride)), x);
}

/** The same, cut out of one padded copy, for windows that move on by one. Cutting takes half as long as padding. */
function cutOut(x: Tensor, counts: Shape, { size, dilations, before, after }: Window): Tensor[] {
  const { graph } = x;
  const padded = pad(x, [0, 0, ...before], [0, 0, ...after]);
  const axes = graph.integers(counts.map((_, i) => i + 2));
  return taps(size).map((tap) => {
    const from = tap.map((t, i) => t * dilations[i]!);
    if (from.every((at, i) => at === before[i] && counts[i] === x.shape[i + 2])) return x;
    const to = from.map((at, i) => at + counts[i]!);
    return graph.node(
      'Slice',
      [padded, graph.integers(from), graph.integers(to), axes],
      [[1, x.shape[1]!, ...counts]],
    )[0]!;
  });
}

/** All positions within a window, the last axis fastest. */
function taps(size: readonly number[]): number[][] {
  return size.reduce<number[][]>(
    (sofar, count) => sofar.flatMap((tap) => Array.from({ length: count }, (_, i) => [...tap, i])),
    [[]],
  );
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
