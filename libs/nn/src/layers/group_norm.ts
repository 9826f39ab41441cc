/**
 * Group normalization (Wu and He, 2018): independent of the batch, so it suits batches too small for
 * `batch_norm`.
 *
 * The channels of a group, with all their places, become one axis, and what is then needed is what
 * `layer_norm` does along the last axis: its operator and its gradient rule serve here too.
 */
import { Type } from '@prosodia/core';
import { ShapeError } from '../graph.ts';
import { add, multiply, reshape, transpose } from '../ops.ts';
import { channelsLast, defineLayer } from './layer.ts';
import { standardize } from './layer_norm.ts';

export const group_norm = defineLayer({
  summary: 'Per row and group of channels: mean 0 and deviation 1, then a learned scale and shift per channel.',
  options: Type.Object(
    {
      groups: Type.Optional(
        Type.Integer({ minimum: 1, default: 32, description: 'Number of groups; it divides the channels.' }),
      ),
      epsilon: Type.Optional(
        Type.Number({ exclusiveMinimum: 0, default: 0.001, description: 'Added to the variance.' }),
      ),
      center: Type.Optional(Type.Boolean({ default: true, description: 'Whether the shift beta is learned.' })),
      scale: Type.Optional(Type.Boolean({ default: true, description: 'Whether the factor gamma is learned.' })),
    },
    { additionalProperties: false },
  ),
  build(context, input, { groups, epsilon, center, scale }) {
    const x = channelsLast(input);
    const batch = x.shape[0]!;
    const channels = x.shape.at(-1)!;
    if (channels % groups !== 0) {
      throw new ShapeError({
        problem: 'the channels cannot be divided into equal groups',
        expected: `a multiple of ${groups} channels`,
        got: String(channels),
        fix: 'choose groups that divide the channels',
      });
    }
    const places = x.shape.slice(1, -1).reduce((product, size) => product * size, 1);
    const size = channels / groups;
    const grouped = transpose(reshape(x, [batch, places, groups, size]), [0, 2, 1, 3]);
    const normal = standardize(reshape(grouped, [batch, groups, places * size]), epsilon);
    const back = transpose(reshape(normal, [batch, groups, places, size]), [0, 2, 1, 3]);
    const fans = { fanIn: channels, fanOut: channels };
    let y = reshape(back, x.shape);
    if (scale) y = multiply(y, context.parameter('gamma', [channels], { ...fans, initializer: 'ones' }));
    if (center) y = add(y, context.parameter('beta', [channels], { ...fans, initializer: 'zeros' }));
    return { tensor: y, channels: 'last' };
  },
});
