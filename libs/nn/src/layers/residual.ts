/**
 * The residual block (He and others, 2015): what its layers compute is added to their input.
 *
 * Where they change the shape, the input goes through a projection: a convolution with a window of one
 * and the strides that give the new spatial sizes (for vectors, a dense layer).
 */
import { Type, type TSchema } from '@prosodia/core';
import { ShapeError, describeShape, sameShape, type Shape, type Tensor } from '../graph.ts';
import { add } from '../ops.ts';
import { activate, activationOption } from './activation.ts';
import {
  channelsLast,
  defineLayer,
  forWindows,
  shapeOf,
  type AnyLayer,
  type LayerContext,
  type Value,
} from './layer.ts';

/** @param layer schema of the layers inside; residual blocks do not nest */
export function residualLayer<Inner>(layer: TSchema) {
  return defineLayer({
    summary: 'activation(layers(x) + x), with x projected where the layers change its shape.',
    options: Type.Object(
      {
        layers: Type.Unsafe<Inner[]>(
          Type.Array(layer, { minItems: 1, description: 'The layers inside, first to last.' }),
        ),
        activation: activationOption('Applied to the sum.', 'relu'),
        projection_batch_norm: Type.Optional(
          Type.Boolean({ default: false, description: 'Whether batch norm follows the projection, if there is one.' }),
        ),
      },
      { additionalProperties: false },
    ),
    build(context, input, options) {
      const main = (options.layers as readonly AnyLayer[]).reduce(
        (value, inner, i) => context.append(inner, `layers[${i}]`, value),
        input,
      );
      const shortcut = project(context, input, shapeOf(main), options.projection_batch_norm);
      const { channels } = main;
      const arrange = (value: Value): Tensor =>
        channels === 'last' ? channelsLast(value) : forWindows(context, value).tensor;
      return activate(options.activation, { tensor: add(main.tensor, arrange(shortcut)), channels });
    },
  });
}

function project(context: LayerContext, input: Value, target: Shape, normalize: boolean): Value {
  const from = shapeOf(input);
  if (sameShape(from, target)) return input;
  const filters = target[target.length - 1]!;
  const strides = target.slice(0, -1).map((size, i) => Math.ceil(from[i]! / size));
  const fits = target.length === from.length && strides.every((by, i) => Math.ceil(from[i]! / by) === target[i]);
  if (!fits) {
    throw new ShapeError({
      problem: 'what the layers return cannot be added to what they receive',
      expected: `${describeShape(from)}, or spatial sizes divided by a stride`,
      got: describeShape(target),
      fix: 'use padding: same in the layers of the block',
    });
  }
  const projection: AnyLayer[] = [
    { dense: { units: filters } },
    { conv1d: { filters, kernel_size: 1, strides: strides[0] } },
    { conv2d: { filters, kernel_size: 1, strides } },
  ];
  const projected = context.append(projection[strides.length]!, 'projection', input);
  return normalize ? context.append({ batch_norm: {} }, 'projection', projected) : projected;
}
