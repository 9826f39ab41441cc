/** Layer normalization (Ba and others, 2016). */
import { Type } from '@prosodia/core';
import type { Tensor } from '../graph.ts';
import { add, multiply } from '../ops.ts';
import { channelsLast, defineLayer } from './layer.ts';

/** Mean 0 and deviation 1 along the last axis. */
export function standardize(x: Tensor, epsilon: number): Tensor {
  const axis = x.shape.length - 1;
  const size = x.shape[axis]!;
  const one = x.graph.constant(new Float32Array(size).fill(1), [size]);
  const perRow = [...x.shape.slice(0, -1), 1];
  const attributes = { axis, epsilon: { float: epsilon } };
  return x.graph.node('LayerNormalization', [x, one], [x.shape, perRow, perRow], attributes)[0]!;
}

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
    const channels = x.shape.at(-1)!;
    const fans = { fanIn: channels, fanOut: channels };
    const normal = standardize(x, options.epsilon);
    const gamma = options.scale ? context.parameter('gamma', [channels], { ...fans, initializer: 'ones' }) : undefined;
    const beta = options.center ? context.parameter('beta', [channels], { ...fans, initializer: 'zeros' }) : undefined;
    const scaled = gamma ? multiply(normal, gamma) : normal;
    return { tensor: beta ? add(scaled, beta) : scaled, channels: 'last' };
  },
});
