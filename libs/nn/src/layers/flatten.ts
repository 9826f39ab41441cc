/** Layers that change only the shape. */
import { Type } from '@prosodia/core';
import { ShapeError, describeShape, sizeOf } from '../graph.ts';
import { reshape, transpose } from '../ops.ts';
import { channelsLast, defineLayer, shapeOf } from './layer.ts';

export const flatten = defineLayer({
  summary: 'All axes as one, channels varying fastest.',
  options: Type.Object({}, { additionalProperties: false }),
  build(_context, input) {
    const x = channelsLast(input);
    return { tensor: reshape(x, [x.shape[0]!, sizeOf(shapeOf(input))]), channels: 'last' };
  },
});

const reshapeLayer = defineLayer({
  summary: 'The same values in another shape, for example [180] as [180, 1].',
  options: Type.Array(Type.Integer({ minimum: 1 }), {
    minItems: 1,
    maxItems: 3,
    description: 'Shape without the batch.',
  }),
  build(_context, input, shape) {
    const from = shapeOf(input);
    if (sizeOf(from) !== sizeOf(shape)) {
      throw new ShapeError({
        problem: 'the shape does not have as many values as arrive',
        expected: `${sizeOf(from)} values: ${describeShape(from)}`,
        got: `${sizeOf(shape)} values: ${describeShape(shape)}`,
      });
    }
    const x = channelsLast(input);
    return { tensor: reshape(x, [x.shape[0]!, ...shape]), channels: 'last' };
  },
});

export const permute = defineLayer({
  summary: 'Axes in another order: [2, 1] turns [bands, frames] into [frames, bands].',
  options: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2, maxItems: 3, description: 'Axes, counted from 1.' }),
  build(_context, input, axes) {
    const shape = shapeOf(input);
    if ([...axes].sort().join() !== shape.map((_, i) => i + 1).join()) {
      throw new ShapeError({
        problem: 'the axes are not those that arrive, each once',
        expected: `an order of ${shape.map((_, i) => i + 1).join(', ')}`,
        got: axes.join(', '),
      });
    }
    return { tensor: transpose(channelsLast(input), [0, ...axes]), channels: 'last' };
  },
});

export { reshapeLayer as reshape };
