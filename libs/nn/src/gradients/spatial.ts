/**
 * Gradient rules of convolution and pooling, for one image `[1, channels, ...spatial]`: in training the
 * batch is one of its axes (see `Value` in `layers/layer.ts`).
 */
import type { Shape, Tensor } from '../graph.ts';
import {
  concat,
  divide,
  expand,
  gemm,
  multiply,
  notPositive,
  pad,
  reshape,
  reverse,
  scale,
  slice,
  subtract,
  sum,
  transpose,
  turn,
} from '../ops.ts';
import { averagePool, isTiling, windowAttributes, windowOf, windowOutput, type Window } from '../spatial-ops.ts';
import { elements, rule, unscaled, type GradientRule } from './rule.ts';

export const spatialRules: Readonly<Record<string, GradientRule>> = {
  Conv: rule((g, [x, kernel, bias], _y, { node, wanted }) => {
    const window = windowOf(node.attributes);
    const { tensor, factor } = unscaled(g);
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
      wanted[0] ? convolutionInput(tensor, perFilter(kernel!), x!.shape, window) : undefined,
      wanted[1] ? perFilter(convolutionKernel(tensor, x!, kernel!.shape, window)) : undefined,
      bias && wanted[2] ? perFilter(sum(tensor, allButChannels, false)) : undefined,
    ];
  }),

  /** Equal largest elements of a window share its gradient; of windows that overlap, the first has it. */
  MaxPool: rule((g, [x], y, { node }) => {
    const window = windowOf(node.attributes);
    if (isTiling(window)) {
      const tiles = new Tiles(x!.shape, window.size);
      const largest = notPositive(subtract(tiles.spread(y), tiles.view(x!)));
      // Divided by how many share it.
      const share = divide(scale(g, 1 / product(window.size)), tiles.mean(largest, y.shape));
      return [tiles.restore(multiply(largest, tiles.spread(share)))];
    }
    const { graph } = g;
    const flat = (tensor: Tensor): Tensor => reshape(tensor, [elements(y)]);
    const nothing = expand(graph.scalar(0), [elements(x!)]);
    const places = [node.outputs[1]!, graph.integers([elements(y)])];
    const flatPlaces = graph.node('Reshape', places, [[elements(y)]], {}, { type: 'int64' })[0]!;
    const spread = graph.node('ScatterElements', [nothing, flatPlaces, flat(g)], [nothing.shape], {
      axis: 0,
      reduction: 'add',
    });
    return [reshape(spread[0]!, x!.shape)];
  }),

  AveragePool: rule((g, [x], _y, { node }) => {
    const window = windowOf({ ...node.attributes, dilations: (node.attributes['strides'] as number[]).map(() => 1) });
    if (isTiling(window)) {
      const tiles = new Tiles(x!.shape, window.size);
      return [tiles.restore(tiles.fill(tiles.spread(scale(g, 1 / product(window.size)))))];
    }
    const [, images, ...spatial] = x!.shape;
    const shares = g.graph.constant(windowShares(spatial, window), g.shape.slice(2));
    const single = [images!, 1];
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

/**
 * Images cut into tiles, one per window. Its tensors are `[rows of tiles, tile height, width]`, where all
 * that moves is whole rows: an element is repeated along its row by a product with a matrix of zeros and
 * ones, which is several times faster than the operators made for it (Resize, Expand, MaxUnpool).
 */
class Tiles {
  readonly #shape: Shape;
  readonly #height: number;
  readonly #tileHeight: number;
  readonly #rowsOfTiles: number;
  readonly #width: number;
  readonly #tileWidth: number;

  /** @param shape `[1, images, width]` or `[1, images, height, width]` */
  constructor(shape: Shape, tile: readonly number[]) {
    this.#shape = shape;
    const [images, height, width] =
      shape.length === 3 ? [shape[1]!, 1, shape[2]!] : (shape.slice(1) as [number, number, number]);
    [this.#tileHeight, this.#tileWidth] = tile.length === 1 ? [1, tile[0]!] : (tile as [number, number]);
    this.#height = height;
    this.#rowsOfTiles = images * Math.floor(height / this.#tileHeight);
    this.#width = width;
  }

  /** The image as tiles; rows below the last tile are left out. */
  view(image: Tensor): Tensor {
    const whole =
      this.#shape.length === 3 ? image : slice(image, 2, 0, this.#height - (this.#height % this.#tileHeight));
    return reshape(whole, [this.#rowsOfTiles, this.#tileHeight, this.#width]);
  }

  /** One value per tile repeated along the width; columns right of the last tile get 0. */
  spread(values: Tensor): Tensor {
    const rows = reshape(values, [this.#rowsOfTiles, this.#tilesAcross]);
    return reshape(gemm(rows, this.#widening(values)), [this.#rowsOfTiles, 1, this.#width]);
  }

  /** The mean over each tile. */
  mean(tiles: Tensor, shape: Shape): Tensor {
    const size = [this.#tileHeight, this.#tileWidth];
    const none = [0, 0];
    const window = { size, strides: size, dilations: [1, 1], before: none, after: none };
    const images = reshape(tiles, [1, this.#rowsOfTiles, this.#tileHeight, this.#width]);
    return reshape(averagePool(images, window), shape);
  }

  /** Rows repeated over the height of their tiles. */
  fill(rows: Tensor): Tensor {
    return expand(rows, [this.#rowsOfTiles, this.#tileHeight, this.#width]);
  }

  /** Tiles as an image again, with zeros where no tile is. */
  restore(tiles: Tensor): Tensor {
    if (this.#shape.length === 3) return reshape(tiles, this.#shape);
    const missing = this.#height % this.#tileHeight;
    const [one, images] = this.#shape as [number, number];
    return pad(reshape(tiles, [one, images, this.#height - missing, this.#width]), [0, 0, 0, 0], [0, 0, missing, 0]);
  }

  get #tilesAcross(): number {
    return Math.floor(this.#width / this.#tileWidth);
  }

  /** `[tiles across, width]`: 1 where the column belongs to the tile. */
  #widening({ graph }: Tensor): Tensor {
    const matrix = new Float32Array(this.#tilesAcross * this.#width);
    for (let column = 0; column < this.#tilesAcross * this.#tileWidth; column++) {
      matrix[Math.floor(column / this.#tileWidth) * this.#width + column] = 1;
    }
    return graph.constant(matrix, [this.#tilesAcross, this.#width]);
  }
}

/**
 * With stride 1 the convolution of `g` with the kernel turned round, its two channel axes swapped, unless
 * turning the kernel costs more than what it saves: ORT moves its few elements per channel one by one.
 */
function convolutionInput(g: Tensor, kernel: Tensor, shape: Shape, window: Window): Tensor {
  const positions = product(g.shape.slice(2));
  const strided = window.strides.some((stride) => stride > 1);
  const planes = window.size.length === 3;
  if (strided && planes) return rowByRow(g, kernel, shape, window);
  if (strided || (!planes && 6 * kernel.shape[0]! > positions)) return transposedConvolution(g, kernel, shape, window);
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

function transposedConvolution(g: Tensor, kernel: Tensor, shape: Shape, window: Window): Tensor {
  const output_padding = window.size.map((size, i) => {
    const { strides, dilations, before, after } = window;
    const least = (g.shape[i + 2]! - 1) * strides[i]! + dilations[i]! * (size - 1) + 1 - before[i]! - after[i]!;
    return shape[i + 2]! - least;
  });
  const attributes = { ...windowAttributes(window), output_padding };
  return g.graph.node('ConvTranspose', [g, kernel], [shape], attributes)[0]!;
}

/** From so many on, the products tap by tap are as fast as one, and nothing has to be put together for it. */
const MANY_CHANNELS = 32;

/**
 * For every tap of the kernel, the part of `x` it has seen, as rows of a matrix over positions, times
 * `g` over the same positions: one product for each tap, or for all of them, where one alone would be
 * too narrow to be fast. A convolution with the roles of batch and channels swapped says the same and is
 * slower.
 */
function convolutionKernel(g: Tensor, x: Tensor, shape: Shape, window: Window): Tensor {
  const [outChannels, channels] = shape as [number, number];
  const counts = g.shape.slice(2);
  const positions = product(counts);
  const rows = reshape(g, [outChannels, positions]);
  const timesRows = (columns: Tensor): Tensor => gemm(rows, columns, undefined, { transposeB: true });
  const seen = taps(window.size).map((tap) => seenBy(tap, x, counts, window));
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

/** What one tap of the window sees of `x` at every place, `[1, channels, ...counts]`. */
function seenBy(tap: readonly number[], x: Tensor, counts: Shape, window: Window): Tensor {
  const { graph } = x;
  const { strides } = window;
  const start = tap.map((t, i) => t * window.dilations[i]! - window.before[i]!);
  const missing = start.map((from, i) => from + (counts[i]! - 1) * strides[i]! + 1 - x.shape[i + 2]!);
  // Padding by a negative number cuts off.
  const part = pad(x, [0, 0, ...start.map((from) => -from)], [0, 0, ...missing]);
  if (strides.every((stride) => stride === 1)) return part;
  const axes = counts.map((_, i) => i + 2);
  const [from, to] = [counts.map(() => 0), part.shape.slice(2)];
  const bounds = [from, to, axes, strides].map((values) => graph.integers(values));
  return graph.node('Slice', [part, ...bounds], [[1, x.shape[1]!, ...counts]])[0]!;
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
