/** Pooling over windows, and over everything. */
import { Type } from '@prosodia/core';
import { ShapeError, describeShape, type Tensor } from '../graph.ts';
import { maxPoolNormalized } from '../normalization-ops.ts';
import { concat, largest, mean, transpose } from '../ops.ts';
import { averagePool, makeWindow, type Window } from '../spatial-ops.ts';
import { batchAxis, channelAxis, defineLayer, forWindows, range, shapeOf, type Value } from './layer.ts';
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
    build(context, input, options): Value {
      const { pool_size, strides = pool_size, padding } = options as PoolOptions;
      const spatial = spatialShape(input, rank);
      const ones = perAxis(1, rank);
      const window = makeWindow(spatial, perAxis(pool_size, rank), perAxis(strides, rank), ones, padding);
      const { tensor, channels } = forWindows(context, input);
      return { tensor: pool(tensor, window), channels };
    },
  });
}

export const max_pool1d = poolLayer(1, 'largest', maxPoolNormalized);
export const max_pool2d = poolLayer(2, 'largest', maxPoolNormalized);
export const avg_pool1d = poolLayer(1, 'mean', averagePool);
export const avg_pool2d = poolLayer(2, 'mean', averagePool);

export const global_pool = defineLayer({
  summary: 'Pools all of time (and frequency) away: one value per channel, or with `both` two.',
  options: Type.Enum(['avg', 'max', 'both'], {
    description: 'avg: the mean; max: the largest; both: all means, then all largest.',
  }),
  build(_context, input, mode): Value {
    if (shapeOf(input).length === 1) {
      throw new ShapeError({ problem: 'there is no axis to pool', got: describeShape(shapeOf(input)) });
    }
    const kept = [batchAxis(input), channelAxis(input)];
    const axes = range(0, input.tensor.shape.length).filter((axis) => !kept.includes(axis));
    const pooled = { avg: [mean], max: [largest], both: [mean, largest] }[mode].map((pool) =>
      pool(input.tensor, axes, false),
    );
    const tensor = concat(pooled, kept[0]! < kept[1]! ? 1 : 0);
    return { tensor: kept[0]! < kept[1]! ? tensor : transpose(tensor, [1, 0]), channels: 'last' };
  },
});
