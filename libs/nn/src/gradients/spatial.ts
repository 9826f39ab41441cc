/** Gradient rules of convolution and pooling. */
import type { Shape, Tensor } from '../graph.ts';
import { concat, expand, gemm, matmul, multiply, pad, reshape, reverse, sum, transpose } from '../ops.ts';
import { windowAttributes, windowOf, windowOutput, type Window } from '../spatial-ops.ts';
import { elements, rule, type GradientRule } from './rule.ts';

export const spatialRules: Readonly<Record<string, GradientRule>> = {
  Conv: rule((g, [x, kernel, bias], _y, { node, wanted }) => {
    const window = windowOf(node.attributes);
    const allButChannels = g.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    return [
      wanted[0] ? convolutionInput(g, kernel!, x!.shape, window) : undefined,
      wanted[1] ? convolutionKernel(g, x!, kernel!.shape, window) : undefined,
      bias && wanted[2] ? sum(g, allButChannels, false) : undefined,
    ];
  }),

  MaxPool: rule((g, [x], y, { node }) => {
    const window = windowOf(node.attributes);
    const places = node.outputs[1]!;
    const { graph } = g;
    const overlapping = window.strides.some((stride, i) => stride < window.dilations[i]! * (window.size[i]! - 1) + 1);
    const padded = [...window.before, ...window.after].some((count) => count > 0);
    if (!overlapping && !padded) {
      const { dilations: _, ...attributes } = windowAttributes(window);
      return [graph.node('MaxUnpool', [g, places, graph.integers(x!.shape)], [x!.shape], attributes)[0]!];
    }
    // Windows may share their largest element, so gradients must add up.
    const flat = (tensor: Tensor): Tensor => reshape(tensor, [elements(y)]);
    const nothing = expand(graph.scalar(0), [elements(x!)]);
    const flatPlaces = graph.node(
      'Reshape',
      [places, graph.integers([elements(y)])],
      [[elements(y)]],
      {},
      { type: 'int64' },
    )[0]!;
    const spread = graph.node('ScatterElements', [nothing, flatPlaces, flat(g)], [nothing.shape], {
      axis: 0,
      reduction: 'add',
    });
    return [reshape(spread[0]!, x!.shape)];
  }),

  AveragePool: rule((g, [x], _y, { node }) => {
    const window = windowOf({ ...node.attributes, dilations: (node.attributes['strides'] as number[]).map(() => 1) });
    const [batch, channels, ...spatial] = x!.shape;
    const shares = g.graph.constant(windowShares(spatial, window), g.shape.slice(2));
    const single = [batch! * channels!, 1];
    const ones = g.graph.constant(new Float32Array(product(window.size)).fill(1), [1, 1, ...window.size]);
    const spread = transposedConvolution(
      reshape(multiply(g, shares), [...single, ...g.shape.slice(2)]),
      ones,
      [...single, ...spatial],
      window,
    );
    return [reshape(spread, x!.shape)];
  }),
};

/** With stride 1: the convolution of `g` with the kernel turned round, its two channel axes swapped. */
function convolutionInput(g: Tensor, kernel: Tensor, shape: Shape, window: Window): Tensor {
  if (window.strides.some((stride) => stride > 1)) return transposedConvolution(g, kernel, shape, window);
  const spatialAxes = window.size.map((_, i) => i + 2);
  const turned = transpose(reverse(kernel, spatialAxes), [1, 0, ...spatialAxes]);
  const reach = window.size.map((size, i) => window.dilations[i]! * (size - 1));
  const back = {
    ...window,
    before: reach.map((r, i) => r - window.before[i]!),
    after: reach.map((r, i) => r - window.after[i]!),
  };
  return g.graph.node('Conv', [g, turned], [shape], windowAttributes(back))[0]!;
}

function transposedConvolution(g: Tensor, kernel: Tensor, shape: Shape, window: Window): Tensor {
  const output_padding = window.size.map((size, i) => {
    const { strides, dilations, before, after } = window;
    const least = (g.shape[i + 2]! - 1) * strides[i]! + dilations[i]! * (size - 1) + 1 - before[i]! - after[i]!;
    return shape[i + 2]! - least;
  });
  const attributes = { ...windowAttributes(window), output_padding };
  return g.graph.node('ConvTranspose', [g, kernel], [shape], attributes)[0]!;
}

/** Fewer positions than this make the products per batch element too thin to be fast. */
const MANY_POSITIONS = 256;

/**
 * For every tap of the kernel, the part of `x` it has seen, as rows of a matrix over positions, times
 * `g` over the same positions, summed over the batch. A convolution with the roles of batch and channels
 * swapped says the same and is slower.
 *
 * With many positions that is one product per batch element and a sum. With few, the sum over thick
 * matrices would cost more than the products: then batch and positions are one axis of a single product.
 */
function convolutionKernel(g: Tensor, x: Tensor, shape: Shape, window: Window): Tensor {
  const [outChannels, channels] = shape as [number, number];
  const batch = x.shape[0]!;
  const counts = g.shape.slice(2);
  const positions = product(counts);
  const together = positions < MANY_POSITIONS;
  const swapped = [1, 0, ...counts.map((_, i) => i + 2)];
  const padded = pad(together ? transpose(x, swapped) : x, [0, 0, ...window.before], [0, 0, ...window.after]);
  const seen = taps(window.size).map((tap) => {
    const start = tap.map((t, i) => t * window.dilations[i]!);
    const part = stridedSlice(padded, start, window.strides, counts);
    return reshape(part, together ? [channels, batch * positions] : [batch, channels, positions]);
  });
  const byTap = together
    ? gemm(reshape(transpose(g, swapped), [outChannels, batch * positions]), concat(seen, 0), undefined, {
        transposeB: true,
      })
    : sum(matmul(reshape(g, [batch, outChannels, positions]), transpose(concat(seen, 1), [0, 2, 1])), [0], false);
  return reshape(transpose(reshape(byTap, [outChannels, seen.length, channels]), [0, 2, 1]), shape);
}

/** `counts` elements per spatial axis, from `start`, `strides` apart. */
function stridedSlice(x: Tensor, start: readonly number[], strides: readonly number[], counts: Shape): Tensor {
  const { graph } = x;
  const shape = [x.shape[0]!, x.shape[1]!, ...counts];
  const end = start.map((from, i) => from + (counts[i]! - 1) * strides[i]! + 1);
  const axes = start.map((_, i) => i + 2);
  return graph.node(
    'Slice',
    [x, graph.integers(start), graph.integers(end), graph.integers(axes), graph.integers(strides)],
    [shape],
  )[0]!;
}

/** All positions within a window, the last axis fastest. */
function taps(size: readonly number[]): number[][] {
  return size.reduce<number[][]>(
    (sofar, count) => sofar.flatMap((tap) => Array.from({ length: count }, (_, i) => [...tap, i])),
    [[]],
  );
}

/** One over the number of elements, padding not counted, of each window. */
function windowShares(spatial: Shape, window: Window): Float32Array {
  const perAxis = windowOutput(spatial, window).map((count, axis) =>
    Array.from({ length: count }, (_, i) => {
      const from = i * window.strides[axis]! - window.before[axis]!;
      return Math.min(from + window.size[axis]!, spatial[axis]!) - Math.max(from, 0);
    }),
  );
  const counts = perAxis.reduce((sofar, axis) => sofar.flatMap((a) => axis.map((b) => a * b)), [1]);
  return Float32Array.from(counts, (count) => 1 / count);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
