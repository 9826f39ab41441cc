/**
 * Batch normalization (Ioffe and Szegedy, 2015).
 *
 * How it is computed in training: `../normalization-ops.ts`. As in Keras the moving variance follows the
 * biased variance of the batch.
 */
import { Type } from '@prosodia/core';
import type { Tensor } from '../graph.ts';
import { batchNormTraining } from '../normalization-ops.ts';
import { add, divide, multiply, offset, squareRoot, subtract } from '../ops.ts';
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

    const [y, batchMean, batchVariance] = batchNormTraining(input.tensor, axis, gamma, beta, options.epsilon);
    context.updateStatistic('moving_mean', batchMean!, options.momentum);
    context.updateStatistic('moving_variance', batchVariance!, options.momentum);
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
