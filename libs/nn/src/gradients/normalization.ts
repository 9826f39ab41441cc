/** Gradient rules of the normalizations. */
import type { Tensor } from '../graph.ts';
import { add, affine, divide, matmul, mean, multiply, reshape, scale, subtract, sum, transpose } from '../ops.ts';
import { elements, rule, type GradientRule, type RuleContext } from './rule.ts';

/**
 * With n elements per channel, z = (x - mean) / deviation and sums over all axes but the channel:
 * d gamma = sum(g z), d beta = sum(g), d x = gamma / deviation (g - sum(g) / n - z d gamma / n).
 */
function batchNormTraining({ node, gradients: [arriving], inputs: [x, gamma, beta] }: RuleContext): Tensor[] {
  const { normalized, deviation } = node.saved as Record<'normalized' | 'deviation', Tensor>;
  const g = arriving!;
  const channel = node.attributes['channel'] as number;
  const axes = x!.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const count = elements(x!) / elements(deviation);
  const sumG = sum(g, axes, false);
  const gradientGamma =
    channel === 1 && x!.shape[0] === 1 ? rowProducts(g, normalized) : sum(multiply(g, normalized), axes, false);
  const even = add(g, affine(normalized, channel, scale(gradientGamma, -1 / count), scale(sumG, -1 / count)));
  const perChannel = x!.shape.map((size, axis) => (axis === channel ? size : 1));
  const gradientX = multiply(even, reshape(divide(gamma!, deviation), perChannel));
  return [gradientX, reshape(gradientGamma, gamma!.shape), reshape(sumG, beta!.shape)];
}

/** The inner product of each channel of `a` and `b`, `[1, channels, ...]`: of rows, without writing the products. */
function rowProducts(a: Tensor, b: Tensor): Tensor {
  const channels = a.shape[1]!;
  const rows = (tensor: Tensor): Tensor => reshape(tensor, [channels, 1, elements(tensor) / channels]);
  return reshape(matmul(rows(a), transpose(rows(b), [0, 2, 1])), [channels]);
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
