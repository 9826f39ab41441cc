/**
 * Batch normalization (Ioffe and Szegedy, 2015).
 *
 * In training it is one composite, so that its gradient is three passes over the large tensor instead
 * of ten. The variance is that of x - mean, not E[x^2] - mean^2, which loses all digits where the mean
 * is large against the deviation; what the gradient reuses is the normalized x, for the same reason.
 * As in Keras the moving variance follows the biased variance of the batch.
 */
import { Type } from '@prosodia/core';
import type { Tensor } from '../graph.ts';
import {
  add,
  affine,
  divide,
  mean,
  multiply,
  offset,
  reshape,
  scale,
  squareRoot,
  subtract,
  sumOfSquares,
} from '../ops.ts';
import { channelAxis, defineLayer, type Value } from './layer.ts';

export const batch_norm = defineLayer({
  summary: 'Per channel: mean 0 and deviation 1 over the batch, then a learned scale and shift.',
  options: Type.Object(
    {
      momentum: Type.Optional(
        Type.Number({
          minimum: 0,
          exclusiveMaximum: 1,
          default: 0.99,
          description: 'Share of the past in the moving statistics.',
        }),
      ),
      epsilon: Type.Optional(
        Type.Number({ exclusiveMinimum: 0, default: 0.001, description: 'Added to the variance.' }),
      ),
      center: Type.Optional(Type.Boolean({ default: true, description: 'Whether the shift beta is learned.' })),
      scale: Type.Optional(Type.Boolean({ default: true, description: 'Whether the factor gamma is learned.' })),
    },
    { additionalProperties: false },
  ),
  build(context, input, options) {
    const { graph } = context;
    const axis = channelAxis(input);
    const channels = input.tensor.shape[axis]!;
    const fans = { fanIn: channels, fanOut: channels };
    const learned = (name: string, initializer: 'ones' | 'zeros'): Tensor =>
      context.parameter(name, [channels], { ...fans, initializer });
    const fixed = (value: number): Tensor => graph.constant(new Float32Array(channels).fill(value), [channels]);
    const gamma = options.scale ? learned('gamma', 'ones') : fixed(1);
    const beta = options.center ? learned('beta', 'zeros') : fixed(0);
    const movingMean = context.statistic('moving_mean', [channels], 0);
    const movingVariance = context.statistic('moving_variance', [channels], 1);
    if (!context.training) return frozen(input, gamma, beta, movingMean, movingVariance, options.epsilon);

    const [y, batchMean, batchVariance] = batchNormTraining(
      input,
      gamma,
      beta,
      [movingMean, movingVariance],
      options.epsilon,
    );
    const moved = (old: Tensor, now: Tensor): Tensor =>
      add(scale(old, options.momentum), scale(now, 1 - options.momentum));
    context.updateStatistic('moving_mean', moved(movingMean, batchMean!));
    context.updateStatistic('moving_variance', moved(movingVariance, batchVariance!));
    return { tensor: y!, channels: input.channels };
  },
});

/** The standard operator, which runtimes fold into a convolution before it; it wants channels on axis 1. */
function frozen(
  input: Value,
  gamma: Tensor,
  beta: Tensor,
  movingMean: Tensor,
  movingVariance: Tensor,
  epsilon: number,
): Value {
  const { graph, shape } = input.tensor;
  if (channelAxis(input) === 1) {
    const inputs = [input.tensor, gamma, beta, movingMean, movingVariance];
    const [y] = graph.node('BatchNormalization', inputs, [shape], { epsilon: { float: epsilon } });
    return { tensor: y!, channels: input.channels };
  }
  const factor = divide(gamma, squareRoot(offset(movingVariance, epsilon)));
  const y = add(multiply(input.tensor, factor), subtract(beta, multiply(movingMean, factor)));
  return { tensor: y, channels: input.channels };
}

/** The outputs are y, and the mean and (biased) variance of the batch. */
function batchNormTraining(
  input: Value,
  gamma: Tensor,
  beta: Tensor,
  statistics: readonly Tensor[],
  epsilon: number,
): readonly Tensor[] {
  const x = input.tensor;
  const channel = channelAxis(input);
  return x.graph.composite('BatchNormTraining', [x, gamma, beta], { channel }, () => {
    const { normalized, average, variance } =
      input.channels === 'outermost' ? standardizeAtOnce(x, statistics, epsilon) : standardize(x, channel, epsilon);
    const y = affine(normalized, channel, gamma, beta);
    const deviation = squareRoot(offset(variance, epsilon));
    return { outputs: [y, average, variance], saved: { normalized, deviation } };
  });
}

interface Standardized {
  readonly normalized: Tensor;
  /** One per channel. */
  readonly average: Tensor;
  readonly variance: Tensor;
}

/**
 * One operator instead of four: ONNX's in training mode. Its statistics move from old ones by the momentum
 * given; by momentum 0 they become those of the batch. ONNX Runtime writes them over the old ones, so these
 * must be tensors that nothing else reads: they are made here.
 */
function standardizeAtOnce(x: Tensor, statistics: readonly Tensor[], epsilon: number): Standardized {
  const channels = [x.shape[1]!];
  const filled = (value: number): Tensor => x.graph.constant(new Float32Array(channels[0]!).fill(value), channels);
  const scratch = statistics.map((tensor) => multiply(tensor, x.graph.scalar(0)));
  const inputs = [x, filled(1), filled(0), ...scratch];
  const attributes = { training_mode: 1, momentum: { float: 0 }, epsilon: { float: epsilon } };
  const [normalized, average, variance] = x.graph.node(
    'BatchNormalization',
    inputs,
    [x.shape, channels, channels],
    attributes,
  );
  return { normalized: normalized!, average: average!, variance: variance! };
}

function standardize(x: Tensor, channel: number, epsilon: number): Standardized {
  const axes = x.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  const average = mean(x, axes);
  const centered = subtract(x, average);
  const variance = scale(sumOfSquares(centered, axes), 1 / count);
  const normalized = divide(centered, squareRoot(offset(variance, epsilon)));
  return {
    normalized,
    average: reshape(average, [x.shape[channel]!]),
    variance: reshape(variance, [x.shape[channel]!]),
  };
}
