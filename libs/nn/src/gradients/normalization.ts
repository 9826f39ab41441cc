/** Gradient rules of the normalizations. */
import type { Tensor } from '../graph.ts';
import { add, affine, channelProducts, divide, mean, multiply, reshape, scale, subtract, sum } from '../ops.ts';
import { elements, rule, scalePerChannel, type GradientRule, type RuleContext } from './rule.ts';

/**
 * With n elements per channel, u = x - mean, r = 1 / deviation and sums over all axes but the channel:
 * d gamma = r sum(g u), d beta = sum(g), d x = gamma r (g - sum(g) / n - u r d gamma / n).
 */
function batchNormTraining({ node, gradients: [arriving], inputs: [x, gamma, beta] }: RuleContext): Tensor[] {
  const { centered, deviation, factor } = node.saved as Record<'centered' | 'deviation' | 'factor', Tensor>;
  const g = arriving!;
  const channel = node.attributes['channel'] as number;
  const axes = x!.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const perChannel = x!.shape.map((size, axis) => (axis === channel ? size : 1));
  const count = elements(x!) / elements(deviation);
  const sumG = sum(g, axes, false);
  const gradientGamma = divide(channelProducts(g, centered, channel), deviation);
  const slope = scale(divide(gradientGamma, deviation), -1 / count);
  const even = add(g, affine(centered, channel, slope, scale(sumG, -1 / count)));
  const gradientX = scalePerChannel(even, reshape(factor, perChannel));
  return [gradientX, reshape(gradientGamma, gamma!.shape), reshape(sumG, beta!.shape)];
}

/** With y = (x - mean) r along the last axis: d x = r (g - mean(g) - y mean(g y)). */
const layerNormalization = rule((g, _inputs, y, { node }) => {
  const inverse = node.outputs[2]!;
  const last = [y.shape.length - 1];
  const slope = mean(multiply(g, y), last);
  return [multiply(inverse, subtract(subtract(g, mean(g, last)), multiply(y, slope)))];
});

export const normalizationRules: Readonly<Record<string, GradientRule>> = {
  BatchNormTraining: batchNormTraining,
  LayerNormalization: layerNormalization,
};
