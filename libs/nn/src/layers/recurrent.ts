/**
 * Recurrent layers.
 *
 * In training they are loops we can differentiate; the model that is served uses ONNX's own operator,
 * on the same weights. Gates are stored in ONNX's order.
 */
import { RequestError, Type, type Static } from '@prosodia/core';
import type { Tensor } from '../graph.ts';
import { initializerOption, type Initializer, type InitializerName } from '../initializers.ts';
import { add, concat, gemm, multiply, reshape, scale, slice, transpose } from '../ops.ts';
import { gru as gruLoop, lstm as lstmLoop, stack } from '../recurrent-ops.ts';
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
  /** GRU only: added to what the recurrent kernel gives. */
  readonly recurrentBias?: Tensor;
}

/** What sets one kind of recurrence apart. */
interface Cell {
  readonly gates: number;
  readonly operator: string;
  readonly attributes: Readonly<Record<string, number>>;
  readonly biasInitializer: Initializer;
  readonly recurrentBias: boolean;
  loop(projections: readonly Tensor[], weights: readonly Weights[]): readonly Tensor[];
}

const cells = {
  lstm: {
    gates: 4,
    operator: 'LSTM',
    attributes: {},
    biasInitializer: 'lstm_bias',
    recurrentBias: false,
    loop: (projections, weights) =>
      lstmLoop(
        projections,
        weights.map(({ recurrent }) => recurrent),
      ),
  },
  gru: {
    gates: 3,
    operator: 'GRU',
    attributes: { linear_before_reset: 1 },
    biasInitializer: 'zeros',
    recurrentBias: true,
    loop: (projections, weights) =>
      gruLoop(
        projections,
        weights.map(({ recurrent }) => recurrent),
        weights.map(({ recurrentBias }) => recurrentBias!),
      ),
  },
} satisfies Record<string, Cell>;

type CellName = keyof typeof cells;

function weightsOf(
  cell: Cell,
  context: LayerContext,
  scope: string,
  channels: number,
  options: RecurrentOptions,
): Weights {
  const { units } = options;
  const width = cell.gates * units;
  const bias = (name: string): Tensor =>
    context.parameter(`${scope}${name}`, [width], { fanIn: width, fanOut: width, initializer: cell.biasInitializer });
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
    bias: bias('bias'),
    ...(cell.recurrentBias ? { recurrentBias: bias('recurrent_bias') } : {}),
  };
}

/** Hidden states `[steps, batch, units]` of each direction, in the order of time. */
function run(
  cell: Cell,
  context: LayerContext,
  x: Tensor,
  weights: readonly Weights[],
  units: number,
): readonly Tensor[] {
  const [steps, batch, channels] = x.shape as [number, number, number];
  const width = cell.gates * units;
  if (context.training) {
    const rows = reshape(x, [steps * batch, channels]);
    const projections = weights.map(({ kernel, bias }) => reshape(gemm(rows, kernel, bias), [steps, batch, width]));
    return cell.loop(projections, weights);
  }
  const { graph } = context;
  const directions = weights.length;
  const turned = (name: 'kernel' | 'recurrent'): Tensor => stack(weights.map((each) => transpose(each[name], [1, 0])));
  const nothing = graph.constant(new Float32Array(width), [width]);
  const biases = stack(weights.map(({ bias, recurrentBias = nothing }) => concat([bias, recurrentBias], 0)));
  const inputs = [x, turned('kernel'), turned('recurrent'), biases];
  const direction = directions === 2 ? 'bidirectional' : 'forward';
  const attributes = { hidden_size: units, direction, ...cell.attributes };
  const [y] = graph.node(cell.operator, inputs, [[steps, directions, batch, units]], attributes);
  return weights.map((_, d) => reshape(slice(y!, 1, d, d + 1), [steps, batch, units]));
}

function recurrentLayer(name: CellName, summary: string) {
  return defineLayer({
    summary: `${summary} over time: [steps, channels] to [units], or with return_sequences [steps, units].`,
    options: recurrentOptions,
    build(context, input, given) {
      const options = given as RecurrentOptions;
      const [steps] = spatialShape(input, 1);
      const x = timeMajor(input);
      const weights = weightsOf(cells[name], context, '', x.shape[2]!, options);
      const [hidden] = run(cells[name], context, x, [weights], options.units);
      return options.return_sequences ? batchMajor(hidden!) : at(hidden!, steps! - 1);
    },
  });
}

export const lstm = recurrentLayer('lstm', 'Long short-term memory');
export const gru = recurrentLayer('gru', 'The gated recurrent unit');

function inside(description: string) {
  return Type.Optional(Type.Unsafe<Static<typeof recurrentOptions>>({ ...recurrentOptions, description }));
}

const mergeModes = ['concat', 'sum', 'ave', 'mul'] as const;

export const bidirectional = defineLayer({
  summary: 'A recurrent layer run forwards and, with weights of its own, backwards.',
  options: Type.Object(
    {
      lstm: inside('An LSTM layer; its options.'),
      gru: inside('A GRU layer; its options.'),
      merge_mode: Type.Optional(
        Type.Enum([...mergeModes], { default: 'concat', description: 'How the two outputs become one.' }),
      ),
    },
    { additionalProperties: false },
  ),
  build(context, input, { lstm: asLstm, gru: asGru, merge_mode }) {
    if (Boolean(asLstm) === Boolean(asGru)) {
      throw new RequestError({
        problem: 'a bidirectional layer runs one layer both ways',
        expected: 'either lstm or gru',
        got: asLstm ? 'both' : 'neither',
      });
    }
    const cell = asLstm ? cells.lstm : cells.gru;
    const options = (asLstm ?? asGru) as RecurrentOptions;
    const [steps] = spatialShape(input, 1);
    const x = timeMajor(input);
    const weights = ['forward/', 'backward/'].map((scope) => weightsOf(cell, context, scope, x.shape[2]!, options));
    const [forward, backward] = run(cell, context, x, weights, options.units);
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
