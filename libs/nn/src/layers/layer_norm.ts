/** Layer normalization (Ba and others, 2016). */
import { Type } from '@prosodia/core';
import { add, multiply } from '../ops.ts';
import { channelsLast, defineLayer } from './layer.ts';

export const layer_norm = defineLayer({
  summary: 'Per row (and time step): mean 0 and deviation 1 along the last axis, then a learned scale and shift.',
  options: Type.Object(
    {
      epsilon: Type.Optional(
        Type.Number({ exclusiveMinimum: 0, default: 0.001, description: 'Added to the variance.' }),
      ),
      center: Type.Optional(Type.Boolean({ default: true, description: 'Whether the shift beta is learned.' })),
      scale: Type.Optional(Type.Boolean({ default: true, description: 'Whether the factor gamma is learned.' })),
    },
    { additionalProperties: false },
  ),
  build(context, input, options) {
    const x = channelsLast(input);
    const axis = x.shape.length - 1;
    const channels = x.shape[axis]!;
    const fans = { fanIn: channels, fanOut: channels };
    const one = context.graph.constant(new Float32Array(channels).fill(1), [channels]);
    const perRow = [...x.shape.slice(0, -1), 1];
    const [normal] = context.graph.node('LayerNormalization', [x, one], [x.shape, perRow, perRow], {
      axis,
      epsilon: { float: options.epsilon },
    });
    const gamma = options.scale ? context.parameter('gamma', [channels], { ...fans, initializer: 'ones' }) : undefined;
    const beta = options.center ? context.parameter('beta', [channels], { ...fans, initializer: 'zeros' }) : undefined;
    const scaled = gamma ? multiply(normal!, gamma) : normal!;
    return { tensor: beta ? add(scaled, beta) : scaled, channels: 'last' };
  },
});
