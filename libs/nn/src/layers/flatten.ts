/** Layers that change only the shape. */
import { Type } from '@prosodia/core';
import { sizeOf } from '../graph.ts';
import { reshape } from '../ops.ts';
import { channelsLast, defineLayer, shapeOf } from './layer.ts';

export const flatten = defineLayer({
  summary: 'All axes as one, channels varying fastest.',
  options: Type.Object({}, { additionalProperties: false }),
  build(_context, input) {
    const x = channelsLast(input);
    return { tensor: reshape(x, [x.shape[0]!, sizeOf(shapeOf(input))]), channels: 'last' };
  },
});
