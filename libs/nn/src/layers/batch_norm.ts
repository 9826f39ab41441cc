/**
 * Batch normalization (Ioffe and Szegedy, 2015).
 *
 * In training it is one composite, so that its gradient is three passes over the large tensor instead
 * of ten. The variance is that of x - mean, not E[x^2] - mean^2, which loses all digits where the mean
 * is large against the deviation; the gradient reuses x - mean, for the same reason.
 * As in Keras the moving variance follows the biased variance of the batch.
 */
import { Type } from '@prosodia/core';
import type { Tensor } from '../graph.ts';
import {
  add,
  affine,
  channelProducts,
  divide,
  mean,
  multiply,
  offset,
  reshape,
  scale,
  squareRoot,
  subtract,
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

    const [y, batchMean, batchVariance] = batchNormTraining(input, gamma, beta, options.epsilon);
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

/**
 * The outputs are y, and the mean and (biased) variance of the batch.
 *
 * ONNX's own operator in training mode would do, but ONNX Runtime runs it on one thread.
 */
function batchNormTraining(input: Value, gamma: Tensor, beta: Tensor, epsilon: number): readonly Tensor[] {
  const x = input.tensor;
  const channel = channelAxis(input);
  const axes = x.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const channels = [x.shape[channel]!];
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  return x.graph.composite('BatchNormTraining', [x, gamma, beta], { channel }, () => {
    const average = mean(x, axes);
    const centered = subtract(x, average);
    const variance = scale(channelProducts(centered, centered, channel), 1 / count);
    const deviation = squareRoot(offset(variance, epsilon));
    const factor = divide(gamma, deviation);
    const y = affine(centered, channel, factor, beta);
    return { outputs: [y, reshape(average, channels), variance], saved: { centered, deviation, factor } };
  });
}
