/**
 * Optimizers, with Keras's names, defaults and formulas (https://keras.io/api/optimizers/).
 *
 * Parameters, gradient and moments are flat vectors, so an update is a few operators whatever the
 * network. What changes from step to step (learning rate, bias correction) comes in as scalars.
 */
import { Type, type Static } from '@prosodia/core';
import type { Tensor } from './graph.ts';
import {
  add,
  clip,
  concat,
  divide,
  minimum,
  multiply,
  offset,
  reshape,
  scale,
  squareRoot,
  subtract,
  sumOfSquares,
} from './ops.ts';
import { readOptions, type Resolved } from './options.ts';

const rate = (fallback: number) =>
  Type.Optional(Type.Number({ exclusiveMinimum: 0, default: fallback, description: 'The step size.' }));
const decay = (fallback: number, description: string) =>
  Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1, default: fallback, description }));

const clipping = {
  clipnorm: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'The gradient of each weight is scaled down to at most this norm.',
    }),
  ),
  global_clipnorm: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'The gradient of all weights together is scaled down to at most this norm.',
    }),
  ),
  clipvalue: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'Each element of the gradient is limited to plus or minus this.' }),
  ),
};

const adamOptions = {
  learning_rate: rate(0.001),
  beta_1: decay(0.9, 'Decay of the mean of gradients.'),
  beta_2: decay(0.999, 'Decay of the mean of squared gradients.'),
  epsilon: Type.Optional(Type.Number({ exclusiveMinimum: 0, default: 1e-7, description: 'Added to the denominator.' })),
  ...clipping,
};

const AdamOptions = Type.Object(adamOptions, { additionalProperties: false, description: 'Kingma and Ba, 2014.' });
const AdamWOptions = Type.Object(
  {
    ...adamOptions,
    weight_decay: Type.Optional(
      Type.Number({
        minimum: 0,
        default: 0.004,
        description: 'Every step shrinks weights by learning_rate times this.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Adam with decoupled weight decay (Loshchilov and Hutter, 2017).' },
);
const SgdOptions = Type.Object(
  {
    learning_rate: rate(0.01),
    momentum: decay(0, 'Share of the last step in this one.'),
    nesterov: Type.Optional(Type.Boolean({ default: false, description: 'Nesterov momentum: look ahead one step.' })),
    weight_decay: Type.Optional(
      Type.Number({ minimum: 0, default: 0, description: 'Every step shrinks weights by learning_rate times this.' }),
    ),
    ...clipping,
  },
  { additionalProperties: false, description: 'Stochastic gradient descent.' },
);

export const OptimizerSchema = Type.Object(
  { adam: Type.Optional(AdamOptions), adamw: Type.Optional(AdamWOptions), sgd: Type.Optional(SgdOptions) },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    default: { adam: {} },
    description: 'How weights follow the gradient.',
  },
);

export type OptimizerSpec = Static<typeof OptimizerSchema>;

export interface Optimizer {
  readonly learningRate: number;
  /** Flat vectors kept from step to step, all zero at first. */
  readonly slotCount: number;
  /** The scalars of a step. @param step counted from 1 */
  rates(learningRate: number, step: number): Float32Array[];
  /** Number of scalars. */
  readonly rateCount: number;
  /** Appends the update. @param gradients one per weight, in order; `parameters` is their concatenation */
  build(update: Update): { parameters: Tensor; slots: readonly Tensor[] };
}

export interface Update {
  parameters: Tensor;
  gradients: readonly Tensor[];
  slots: readonly Tensor[];
  rates: readonly Tensor[];
}

/** Throws a RequestError if the description does not fit. */
export function readOptimizer(spec: OptimizerSpec): Optimizer {
  const read = readOptions(OptimizerSchema, spec, 'optimizer');
  if (read.sgd) return sgd(read.sgd as SgdSettings);
  return adam((read.adam ?? read.adamw) as AdamSettings);
}

type ClippingSettings = { readonly [K in keyof typeof clipping]?: number };
type SgdSettings = Resolved<Omit<Static<typeof SgdOptions>, keyof typeof clipping>> & ClippingSettings;
type AdamSettings = Resolved<Omit<Static<typeof AdamOptions>, keyof typeof clipping>> &
  ClippingSettings & { weight_decay?: number };

/**
 * The moments are kept divided by (1 - beta), which saves two passes over all weights; step size and
 * epsilon make up for it.
 */
function adam(options: AdamSettings): Optimizer {
  const { beta_1: beta1, beta_2: beta2, weight_decay: weightDecay = 0 } = options;
  const squareUnit = Math.sqrt(1 - beta2);
  return {
    learningRate: options.learning_rate,
    slotCount: 2,
    rateCount: 2,
    rates(learningRate, step) {
      const corrected = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
      return [Float32Array.of((corrected * (1 - beta1)) / squareUnit), Float32Array.of(1 - learningRate * weightDecay)];
    },
    build({ parameters, gradients, slots: [mean, square], rates: [step, shrink] }) {
      const gradient = clipped(gradients, options);
      const newMean = add(scale(mean!, beta1), gradient);
      const newSquare = add(scale(square!, beta2), multiply(gradient, gradient));
      const denominator = offset(squareRoot(newSquare), options.epsilon / squareUnit);
      const kept = weightDecay > 0 ? multiply(parameters, shrink!) : parameters;
      const moved = subtract(kept, divide(multiply(newMean, step!), denominator));
      return { parameters: moved, slots: [newMean, newSquare] };
    },
  };
}

function sgd(options: SgdSettings): Optimizer {
  const { momentum, nesterov, weight_decay: weightDecay } = options;
  return {
    learningRate: options.learning_rate,
    slotCount: momentum > 0 ? 1 : 0,
    rateCount: 2,
    rates: (learningRate) => [Float32Array.of(learningRate), Float32Array.of(1 - learningRate * weightDecay)],
    build({ parameters, gradients, slots: [velocity], rates: [learningRate, shrink] }) {
      const step = multiply(clipped(gradients, options), learningRate!);
      const kept = weightDecay > 0 ? multiply(parameters, shrink!) : parameters;
      if (!velocity) return { parameters: subtract(kept, step), slots: [] };
      const newVelocity = subtract(scale(velocity, momentum), step);
      const move = nesterov ? subtract(scale(newVelocity, momentum), step) : newVelocity;
      return { parameters: add(kept, move), slots: [newVelocity] };
    },
  };
}

/** The gradients as one flat vector, after clipping. */
function clipped(gradients: readonly Tensor[], { clipnorm, global_clipnorm, clipvalue }: ClippingSettings): Tensor {
  const flat = gradients.map((gradient) => {
    const vector = reshape(gradient, [gradient.shape.reduce((product, size) => product * size, 1)]);
    return clipnorm === undefined ? vector : limitNorm(vector, clipnorm);
  });
  const all = concat(flat, 0);
  const limited = global_clipnorm === undefined ? all : limitNorm(all, global_clipnorm);
  return clipvalue === undefined ? limited : clip(limited, -clipvalue, clipvalue);
}

function limitNorm(vector: Tensor, limit: number): Tensor {
  // The offset keeps a gradient of zero from dividing by zero.
  const norm = offset(squareRoot(sumOfSquares(vector, [0])), 1e-12);
  return multiply(vector, minimum(divide(vector.graph.scalar(limit), norm), vector.graph.scalar(1)));
}
