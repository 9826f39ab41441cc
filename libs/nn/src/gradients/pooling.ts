/**
 * Gradient rules of pooling, for images `[1, images, ...spatial]`: in training channels and batch are one
 * axis there (see `Value` in `layers/layer.ts`).
 */
import type { Shape, Tensor } from '../graph.ts';
import type { OverlappingPool } from '../overlapping-pool.ts';
import { divide, expand, gemm, multiply, notPositive, pad, reshape, scale, slice, subtract } from '../ops.ts';
import { isTiling, windowOf, windowOutput, type LargestOfWindows, type Window } from '../spatial-ops.ts';
import { transposedConvolution } from './convolution.ts';
import { elements, rule, type GradientRule } from './rule.ts';

export const poolingRules: Readonly<Record<string, GradientRule>> = {
  MaxPool: rule((g, [images], largest, { node }) => [
    maxPoolGradient(g, { images: images!, largest }, windowOf(node.attributes)),
  ]),

  OverlappingMaxPool: rule((g, _inputs, _y, { node }) => {
    const { pool } = node.saved as { pool: OverlappingPool };
    return [pool.gradient(g)];
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

/** Equal largest elements of a window share its gradient; of windows that overlap, the first has it. */
export function maxPoolGradient(g: Tensor, { images, largest, overlapping }: LargestOfWindows, window: Window): Tensor {
  if (overlapping) return overlapping.gradient(g);
  const tiles = new Tiles(images.shape, window.size);
  const marked = notPositive(subtract(tiles.spread(largest), tiles.view(images)));
  return tiles.restore(multiply(marked, tiles.spread(divide(g, tiles.count(marked, g.shape)))));
}

/**
 * Images cut into tiles, one per window. Its tensors are `[rows of tiles, tile height, width]`, where all
 * that moves is whole rows: an element is repeated along its row, and a tile is summed, by a product with a
 * matrix of zeros and ones, which is faster than the operators made for it (Resize, Expand, MaxUnpool;
 * AveragePool).
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
    const { across, width } = this.#stretch;
    const rows = reshape(values, [elements(values) / across, across]);
    const columns = this.#columns(values, 1, across, width);
    return reshape(gemm(rows, columns, undefined, { transposeB: true }), [this.#rowsOfTiles, 1, this.#width]);
  }

  /** The sum over each tile, shaped as asked. */
  count(tiles: Tensor, shape: Shape): Tensor {
    const { across, width } = this.#tileHeight === 1 ? this.#stretch : this.#wholeRow;
    const area = this.#tileHeight * width;
    const rows = reshape(tiles, [elements(tiles) / area, area]);
    return reshape(gemm(rows, this.#columns(tiles, this.#tileHeight, across, width)), shape);
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

  get #wholeRow(): { across: number; width: number } {
    return { across: Math.floor(this.#width / this.#tileWidth), width: this.#width };
  }

  /**
   * The longest stretch of so many tiles that is worth a matrix: with more, its zeros cost too much. Where tiles fill
   * their rows, a stretch may end in another row than it began in.
   */
  get #stretch(): { across: number; width: number } {
    const { across, width } = this.#wholeRow;
    if (across * this.#tileWidth !== width) return { across, width };
    const tiles = this.#rowsOfTiles * across;
    let part = Math.min(tiles, LONGEST_STRETCH);
    while (tiles % part !== 0) part--;
    return part === 1 ? { across, width } : { across: part, width: part * this.#tileWidth };
  }

  /** `[height width, tiles across]`: 1 where the element belongs to the tile. */
  #columns({ graph }: Tensor, height: number, across: number, width: number): Tensor {
    const matrix = new Float32Array(height * width * across);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < across * this.#tileWidth; column++) {
        matrix[(row * width + column) * across + Math.floor(column / this.#tileWidth)] = 1;
      }
    }
    return graph.constant(matrix, [height * width, across]);
  }
}

const LONGEST_STRETCH = 16;

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
