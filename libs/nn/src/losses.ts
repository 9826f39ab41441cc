/**
 * Losses: what is minimized, as one number per row, computed from the logarithms of the probabilities.
 *
 * Targets are a row of probabilities (one-hot, smoothed or mixed), made outside the graph, so that
 * label smoothing and mixup cost no operator. The loss of a batch is the sum of weight times loss over
 * the batch, divided by the number of rows: as in Keras, not divided by the sum of the weights.
 */
import { Type, type Static } from '@prosodia/core';
import type { Tensor } from './graph.ts';
import { exp, multiply, negate, offset, power, clip, sum } from './ops.ts';
import { readOptions, type Resolved } from './options.ts';

const label_smoothing = Type.Optional(
  Type.Number({
    minimum: 0,
    exclusiveMaximum: 1,
    default: 0,
    description: 'Share s of each target spread over all classes: (1 - s) y + s / classes.',
  }),
);

const CrossEntropyOptions = Type.Object({ label_smoothing }, { additionalProperties: false });

const FocalOptions = Type.Object(
  {
    gamma: Type.Optional(
      Type.Number({ minimum: 0, default: 2, description: 'How strongly easy rows are discounted: (1 - p)^gamma.' }),
    ),
    alpha: Type.Optional(
      Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Array(Type.Number({ exclusiveMinimum: 0 }))], {
        default: 0.25,
        description: 'Weight of the loss: one number, or one per class.',
      }),
    ),
    label_smoothing,
  },
  { additionalProperties: false },
);

export const LossSchema = Type.Object(
  {
    categorical_crossentropy: Type.Optional(
      Type.Unsafe<Static<typeof CrossEntropyOptions>>({
        ...CrossEntropyOptions,
        description: 'The negative logarithm of the probability given to the right class.',
      }),
    ),
    focal: Type.Optional(
      Type.Unsafe<Static<typeof FocalOptions>>({
        ...FocalOptions,
        description: 'Cross-entropy times alpha (1 - p)^gamma (Lin and others, 2017), for classes of unlike size.',
      }),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    default: { categorical_crossentropy: {} },
    description: 'What training minimizes.',
  },
);

export type LossSpec = Static<typeof LossSchema>;

export interface Loss {
  readonly labelSmoothing: number;
  /**
   * The loss of each row.
   * @param logP logarithms of the probabilities, `[batch, classes]`
   * @param targets `[batch, classes]`, rows that sum to 1
   */
  build(logP: Tensor, targets: Tensor): Tensor;
}

/** Throws a RequestError if the description does not fit. */
export function readLoss(spec: LossSpec, classes: number): Loss {
  const read = readOptions(LossSchema, spec, 'loss');
  if (read.focal) {
    const { gamma, alpha, label_smoothing: labelSmoothing } = read.focal as Resolved<typeof read.focal>;
    const weights = typeof alpha === 'number' ? alpha : readAlpha(alpha, classes);
    return { labelSmoothing, build: (logP, targets) => focal(logP, targets, gamma, weights) };
  }
  const { label_smoothing: labelSmoothing } = read.categorical_crossentropy as Resolved<
    Static<typeof CrossEntropyOptions>
  >;
  return { labelSmoothing, build: crossEntropy };
}

function readAlpha(alpha: readonly number[], classes: number): readonly number[] {
  const schema = Type.Array(Type.Number(), { minItems: classes, maxItems: classes });
  return readOptions(schema, alpha, 'loss.focal.alpha') as readonly number[];
}

function crossEntropy(logP: Tensor, targets: Tensor): Tensor {
  return negate(sum(multiply(targets, logP), [1], false));
}

function focal(logP: Tensor, targets: Tensor, gamma: number, alpha: number | readonly number[]): Tensor {
  // Kept off 0, where the slope of a power below 1 is infinite.
  const doubt = clip(offset(negate(exp(logP)), 1), 1e-7, 1);
  const { graph } = logP;
  const weights =
    typeof alpha === 'number' ? graph.scalar(alpha) : graph.constant(Float32Array.from(alpha), [alpha.length]);
  const terms = multiply(multiply(targets, weights), multiply(power(doubt, gamma), logP));
  return negate(sum(terms, [1], false));
}
