/**
 * Recurrent layers.
 *
 * In training they are loops we can differentiate; the model that is served uses ONNX's own operator,
 * on the same weights. Gates are stored in ONNX's order.
 */
import { Type } from '@prosodia/core';
import { ShapeError, type Tensor } from '../graph.ts';
import { initializerOption, type InitializerName } from '../initializers.ts';
import { add, concat, matmul, multiply, reshape, scale, slice, transpose } from '../ops.ts';
import { lstm as lstmLoop, stack } from '../recurrent-ops.ts';
import { channelsLast, defineLayer, type LayerContext, type Value } from './layer.ts';
import { regularizerOption } from './regularizer.ts';
import { spatialShape } from './spatial.ts';

const recurrentOptions = Type.Object(
  {
    units: Type.Integer({ minimum: 1, description: 'Size of the hidden state.' }),
    return_sequences: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether every step is returned, or only the last.' }),
    ),
    kernel_initializer: initializerOption('glorot_uniform', 'How the kernel for the input starts.'),
    recurrent_initializer: initializerOption('orthogonal', 'How the kernel for the hidden state starts.'),
    kernel_regularizer: regularizerOption(),
  },
  { additionalProperties: false },
);

interface RecurrentOptions {
  units: number;
  return_sequences: boolean;
  kernel_initializer: InitializerName;
  recurrent_initializer: InitializerName;
  kernel_regularizer?: { l2: number };
}

/** The weights of one direction. */
interface Weights {
  readonly kernel: Tensor;
  readonly recurrent: Tensor;
  readonly bias: Tensor;
}

function lstmWeights(context: LayerContext, scope: string, channels: number, options: RecurrentOptions): Weights {
  const { units } = options;
  const width = 4 * units;
  return {
    kernel: context.parameter(`${scope}kernel`, [channels, width], {
      fanIn: channels,
      fanOut: width,
      initializer: options.kernel_initializer,
      ...options.kernel_regularizer,
    }),
    recurrent: context.parameter(`${scope}recurrent_kernel`, [units, width], {
      fanIn: units,
      fanOut: width,
      initializer: options.recurrent_initializer,
    }),
    bias: context.parameter(`${scope}bias`, [width], { fanIn: width, fanOut: width, initializer: 'lstm_bias' }),
  };
}

/** Hidden states `[steps, batch, units]` of each direction, in the order of time. */
function runLstm(context: LayerContext, x: Tensor, weights: readonly Weights[], units: number): readonly Tensor[] {
  const [steps, batch, channels] = x.shape as [number, number, number];
  if (context.training) {
    const rows = reshape(x, [steps * batch, channels]);
    const projections = weights.map(({ kernel, bias }) =>
      reshape(add(matmul(rows, kernel), bias), [steps, batch, 4 * units]),
    );
    return lstmLoop(
      projections,
      weights.map(({ recurrent }) => recurrent),
    );
  }
  const { graph } = context;
  const directions = weights.length;
  const turned = (name: 'kernel' | 'recurrent'): Tensor => stack(weights.map((each) => transpose(each[name], [1, 0])));
  const nothing = graph.constant(new Float32Array(4 * units), [4 * units]);
  const biases = stack(weights.map(({ bias }) => concat([bias, nothing], 0)));
  const inputs = [x, turned('kernel'), turned('recurrent'), biases];
  const direction = directions === 2 ? 'bidirectional' : 'forward';
  const [y] = graph.node('LSTM', inputs, [[steps, directions, batch, units]], { hidden_size: units, direction });
  return weights.map((_, d) => reshape(slice(y!, 1, d, d + 1), [steps, batch, units]));
}

export const lstm = defineLayer({
  summary: 'Long short-term memory over time: [steps, channels] to [units], or with return_sequences [steps, units].',
  options: recurrentOptions,
  build(context, input, given) {
    const options = given as RecurrentOptions;
    const [steps] = spatialShape(input, 1);
    const x = timeMajor(input);
    const weights = lstmWeights(context, '', x.shape[2]!, options);
    const [hidden] = runLstm(context, x, [weights], options.units);
    return options.return_sequences ? batchMajor(hidden!) : at(hidden!, steps! - 1);
  },
});

const mergeModes = ['concat', 'sum', 'ave', 'mul'] as const;

export const bidirectional = defineLayer({
  summary: 'A recurrent layer run forwards and, with weights of its own, backwards.',
  options: Type.Object(
    {
      lstm: Type.Optional(recurrentOptions),
      merge_mode: Type.Optional(
        Type.Enum([...mergeModes], { default: 'concat', description: 'How the two outputs become one.' }),
      ),
    },
    { additionalProperties: false },
  ),
  build(context, input, { lstm: given, merge_mode }) {
    if (!given) throw new ShapeError({ problem: 'there is no layer to run both ways', expected: 'lstm' });
    const options = given as RecurrentOptions;
    const [steps] = spatialShape(input, 1);
    const x = timeMajor(input);
    const weights = ['forward/', 'backward/'].map((scope) => lstmWeights(context, scope, x.shape[2]!, options));
    const [forward, backward] = runLstm(context, x, weights, options.units);
    if (options.return_sequences) return batchMajor(merge(forward!, backward!, merge_mode));
    // Each direction's last step: for the backward one that is the first in time.
    return { tensor: merge(at(forward!, steps! - 1).tensor, at(backward!, 0).tensor, merge_mode), channels: 'last' };
  },
});

function merge(a: Tensor, b: Tensor, mode: (typeof mergeModes)[number]): Tensor {
  switch (mode) {
    case 'concat':
      return concat([a, b], a.shape.length - 1);
    case 'sum':
      return add(a, b);
    case 'ave':
      return scale(add(a, b), 0.5);
    case 'mul':
      return multiply(a, b);
  }
}

/** `[batch, steps, channels]` as `[steps, batch, channels]`. */
function timeMajor(input: Value): Tensor {
  return transpose(channelsLast(input), [1, 0, 2]);
}

function batchMajor(tensor: Tensor): Value {
  return { tensor: transpose(tensor, [1, 0, 2]), channels: 'last' };
}

/** One time step. */
function at(hidden: Tensor, step: number): Value {
  const [, batch, units] = hidden.shape as [number, number, number];
  return { tensor: reshape(slice(hidden, 0, step, step + 1), [batch, units]), channels: 'last' };
}
