/**
 * Optimizers, with Keras's names, defaults and formulas (https://keras.io/api/optimizers/).
 *
 * Clipping is part of the graph that computes the gradients; the update itself is not (`update-kernels.ts`
 * says why).
 */
import { Type, type Static } from '@prosodia/core';
import type { Tensor } from './graph.ts';
import { add, clip, divide, minimum, multiply, offset, squareRoot, sumOfSquares } from './ops.ts';
import type { UpdateMemory } from './update-kernels.ts';
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
  /** Vectors kept from step to step, one element per weight, all zero at first. */
  readonly slotCount: number;
  /** Appends the clipping of the gradients, one per weight. */
  clip(gradients: readonly Tensor[]): Tensor[];
  /**
   * Moves the weights by what is in the memory's gradient.
   * @param step counted from 1
   */
  update(memory: UpdateMemory, learningRate: number, step: number): void;
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

function adam(options: AdamSettings): Optimizer {
  const { beta_1: beta1, beta_2: beta2, epsilon, weight_decay: weightDecay = 0 } = options;
  return {
    learningRate: options.learning_rate,
    slotCount: 2,
    clip: (gradients) => clipped(gradients, options),
    update(memory, learningRate, step) {
      const corrected = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
      memory.update('adam', [beta1, beta2, corrected, epsilon, 1 - learningRate * weightDecay]);
    },
  };
}

function sgd(options: SgdSettings): Optimizer {
  const { momentum, nesterov, weight_decay: weightDecay } = options;
  return {
    learningRate: options.learning_rate,
    slotCount: momentum > 0 ? 1 : 0,
    clip: (gradients) => clipped(gradients, options),
    update(memory, learningRate) {
      const keep = 1 - learningRate * weightDecay;
      if (momentum === 0) memory.update('sgd', [learningRate, keep]);
      else memory.update('momentum', [momentum, learningRate, keep, Number(nesterov)]);
    },
  };
}

function clipped(gradients: readonly Tensor[], { clipnorm, global_clipnorm, clipvalue }: ClippingSettings): Tensor[] {
  const perWeight =
    clipnorm === undefined
      ? gradients
      : gradients.map((gradient) => multiply(gradient, shrinkage(squaredNorm(gradient), clipnorm)));
  const limited = global_clipnorm === undefined ? perWeight : limitTogether(perWeight, global_clipnorm);
  return limited.map((gradient) => (clipvalue === undefined ? gradient : clip(gradient, -clipvalue, clipvalue)));
}

function limitTogether(gradients: readonly Tensor[], limit: number): Tensor[] {
  const factor = shrinkage(gradients.map(squaredNorm).reduce(add), limit);
  return gradients.map((gradient) => multiply(gradient, factor));
}

function squaredNorm(tensor: Tensor): Tensor {
  return sumOfSquares(
    tensor,
    tensor.shape.map((_, axis) => axis),
    false,
  );
}

/** What something of this squared norm is multiplied by, to have a norm of at most `limit`. */
function shrinkage(squared: Tensor, limit: number): Tensor {
  const { graph } = squared;
  // The offset keeps a gradient of zero from dividing by zero.
  return minimum(divide(graph.scalar(limit), offset(squareRoot(squared), 1e-12)), graph.scalar(1));
}
