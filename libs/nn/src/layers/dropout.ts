/** Layers that add randomness in training, and nothing afterwards. */
import { Type } from '@prosodia/core';
import { add, multiply } from '../ops.ts';
import { batchAxis, channelAxis, defineLayer } from './layer.ts';

export const dropout = defineLayer({
  summary: 'In training, sets a random fraction of elements to 0 and scales the others by 1 / (1 - rate).',
  options: Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'The fraction set to 0.' }),
  build(context, { tensor, channels }, rate) {
    if (!context.training || rate === 0) return { tensor, channels };
    return { tensor: multiply(tensor, context.random({ kind: 'dropout', rate }, tensor.shape)), channels };
  },
});

export const spatial_dropout = defineLayer({
  summary: 'In training, sets a random fraction of whole channels to 0 and scales the others by 1 / (1 - rate).',
  options: Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'The fraction of channels set to 0.' }),
  build(context, input, rate) {
    if (!context.training || rate === 0) return input;
    const channel = channelAxis(input);
    const batch = batchAxis(input);
    const shape = input.tensor.shape.map((size, axis) => (axis === batch || axis === channel ? size : 1));
    return { ...input, tensor: multiply(input.tensor, context.random({ kind: 'dropout', rate }, shape)) };
  },
});

export const gaussian_noise = defineLayer({
  summary: 'In training, adds normal noise with mean 0.',
  options: Type.Number({ minimum: 0, description: 'Standard deviation of the noise.' }),
  build(context, { tensor, channels }, deviation) {
    if (!context.training || deviation === 0) return { tensor, channels };
    return { tensor: add(tensor, context.random({ kind: 'normal', deviation }, tensor.shape)), channels };
  },
});
