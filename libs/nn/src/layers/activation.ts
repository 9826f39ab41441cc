/** Activation functions, as a layer and as the `activation` option of others. */
import { Type } from '@prosodia/core';
import { ShapeError, describeShape, type Tensor } from '../graph.ts';
import { elu, erf, multiply, offset, relu, scale, sigmoid, softmax, tanh } from '../ops.ts';
import { channelsLast, defineLayer, shapeOf, type Value } from './layer.ts';

const functions = {
  linear: (x: Tensor) => x,
  relu,
  elu: (x: Tensor) => elu(x),
  /** Exact, x Phi(x); Keras's default too. Hendrycks and Gimpel, 2016. */
  gelu: (x: Tensor) => multiply(scale(x, 0.5), offset(erf(scale(x, Math.SQRT1_2)), 1)),
  tanh,
  sigmoid,
  /** x sigmoid(x), also known as SiLU. Ramachandran and others, 2017. */
  swish: (x: Tensor) => multiply(x, sigmoid(x)),
  softmax,
};

export type ActivationName = keyof typeof functions;

export const activationNames = Object.keys(functions) as ActivationName[];

export function activationOption(description: string, fallback: ActivationName = 'linear') {
  return Type.Optional(Type.Enum(activationNames, { default: fallback, description }));
}

/** Applies an activation function; softmax goes over the channels. */
export function activate(name: ActivationName, value: Value): Value {
  if (name !== 'softmax') return { ...value, tensor: functions[name](value.tensor) };
  if (shapeOf(value).length === 0) {
    throw new ShapeError({ problem: 'softmax needs a feature axis', got: describeShape(value.tensor.shape) });
  }
  return { tensor: softmax(channelsLast(value)), channels: 'last' };
}

export const activation = defineLayer({
  summary: 'Applies an activation function to every element (softmax: along the last axis).',
  options: Type.Enum(activationNames, { description: 'The function.' }),
  build: (_context, input, name) => activate(name, input),
});
