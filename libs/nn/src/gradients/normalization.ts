/** Gradient rules of the normalizations. */
import type { Tensor } from '../graph.ts';
import { add, affine, divide, mean, multiply, reshape, scale, subtract, sum } from '../ops.ts';
import { elements, rule, type GradientRule, type RuleContext } from './rule.ts';

/**
 * With n elements per channel, u = x - mean, r = 1 / deviation, a = gamma r, and sums over all axes but
 * the channel: d gamma = r sum(g u), d beta = sum(g), d x = a (g - sum(g) / n - u r d gamma / n).
 */
function batchNormTraining({ node, gradients: [g], inputs: [x, gamma, beta] }: RuleContext): Tensor[] {
  const { centered, deviation, factor } = node.saved as Record<'centered' | 'deviation' | 'factor', Tensor>;
  const channel = node.attributes['channel'] as number;
  const axes = x!.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const count = elements(x!) / elements(deviation);
  const sumG = sum(g!, axes);
  const gradientGamma = divide(sum(multiply(g!, centered), axes), deviation);
  const slope = scale(divide(multiply(factor, gradientGamma), deviation), -1 / count);
  const shift = scale(multiply(factor, sumG), -1 / count);
  const gradientX = add(multiply(g!, factor), affine(centered, channel, slope, shift));
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
