/** Pooling over windows, and over everything. */
import { Type } from '@prosodia/core';
import { ShapeError, describeShape, type Tensor } from '../graph.ts';
import { concat, mean, reshape } from '../ops.ts';
import { averagePool, makeWindow, maxPool, type Window } from '../spatial-ops.ts';
import { channelsFirst, defineLayer, shapeOf, type Value } from './layer.ts';
import { paddingOption, perAxis, sizeOption, spatialShape, type PaddingName, type SizeValue } from './spatial.ts';

interface PoolOptions {
  pool_size: SizeValue;
  strides?: SizeValue;
  padding: PaddingName;
}

function poolLayer(rank: 1 | 2, what: 'largest' | 'mean', pool: (x: Tensor, window: Window) => Tensor) {
  return defineLayer({
    summary: `The ${what} of each window over ${rank === 1 ? 'time' : 'two axes'}, channel by channel.`,
    options: Type.Object(
      {
        pool_size: Type.Optional(sizeOption(rank, 2, 'Size of the window.')),
        strides: Type.Optional(
          sizeOption(rank, undefined, 'Steps of the window; as large as the window if not given.'),
        ),
        padding: paddingOption(rank),
      },
      { additionalProperties: false },
    ),
    build(_context, input, options): Value {
      const { pool_size, strides = pool_size, padding } = options as PoolOptions;
      const spatial = spatialShape(input, rank);
      const ones = perAxis(1, rank);
      const window = makeWindow(spatial, perAxis(pool_size, rank), perAxis(strides, rank), ones, padding);
      return { tensor: pool(channelsFirst(input), window), channels: 'first' };
    },
  });
}

export const max_pool1d = poolLayer(1, 'largest', maxPool);
export const max_pool2d = poolLayer(2, 'largest', maxPool);
export const avg_pool1d = poolLayer(1, 'mean', averagePool);
export const avg_pool2d = poolLayer(2, 'mean', averagePool);

export const global_pool = defineLayer({
  summary: 'Pools all of time (and frequency) away: one value per channel, or with `both` two.',
  options: Type.Enum(['avg', 'max', 'both'], {
    description: 'avg: the mean; max: the largest; both: all means, then all largest.',
  }),
  build(_context, input, mode): Value {
    const spatial = shapeOf(input).slice(0, -1);
    if (spatial.length === 0) {
      throw new ShapeError({ problem: 'there is no axis to pool', got: describeShape(shapeOf(input)) });
    }
    const x = channelsFirst(input);
    const [batch, channels] = x.shape;
    const average = (): Tensor =>
      mean(
        x,
        spatial.map((_, i) => i + 2),
        false,
      );
    const largest = (): Tensor => {
      const ones = spatial.map(() => 1);
      return reshape(maxPool(x, makeWindow(spatial, spatial, ones, ones, 'valid')), [batch!, channels!]);
    };
    const parts = { avg: () => [average()], max: () => [largest()], both: () => [average(), largest()] };
    return { tensor: concat(parts[mode](), 1), channels: 'last' };
  },
});
