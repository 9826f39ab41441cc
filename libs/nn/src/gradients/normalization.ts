/** Gradient rules of the normalizations. */
import type { Tensor } from '../graph.ts';
import type { SavedNormalization } from '../normalization-ops.ts';
import { add, affine, channelProducts, divide, mean, multiply, reshape, scale, subtract, sum } from '../ops.ts';
import { type LargestOfWindows, windowOf } from '../spatial-ops.ts';
import { maxPoolGradient } from './pooling.ts';
import { elements, rule, scalePerChannel, type GradientRule, type RuleContext } from './rule.ts';

/**
 * With n elements per channel, u = x - mean, r = 1 / deviation and sums over all axes but the channel:
 * d gamma = r sum(g u), d beta = sum(g), d x = gamma r (g - sum(g) / n - u r d gamma / n).
 *
 * @param seen the elements of u, turned, that the output was made of, and `g` the gradients there
 * @param everywhere those gradients where they belong in x
 */
function batchNorm(
  { node, inputs: [x, gamma, beta] }: RuleContext,
  { g, seen, everywhere }: Record<'g' | 'seen' | 'everywhere', Tensor>,
): Tensor[] {
  const { turned, sign, deviation } = node.saved as SavedNormalization;
  const channel = node.attributes['channel'] as number;
  const axes = x!.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const perChannel = x!.shape.map((size, axis) => (axis === channel ? size : 1));
  const share = -elements(deviation) / elements(x!);
  const sumG = sum(g, axes, false);
  const perDeviation = divide(channelProducts(g, seen, channel), deviation);
  const slope = scale(divide(perDeviation, deviation), share);
  const even = add(everywhere, affine(turned, channel, { factor: slope, shift: scale(sumG, share) }));
  const gradientX = scalePerChannel(even, reshape(divide(gamma!, deviation), perChannel));
  return [gradientX, reshape(multiply(perDeviation, sign), gamma!.shape), reshape(sumG, beta!.shape)];
}

function batchNormTraining(context: RuleContext): Tensor[] {
  const g = context.gradients[0]!;
  return batchNorm(context, { g, seen: (context.node.saved as SavedNormalization).turned, everywhere: g });
}

/** The pool took the largest of u, turned, so its gradient goes back there, and on to the normalization. */
function batchNormMaxPool(context: RuleContext): Tensor[] {
  const { node } = context;
  const g = context.gradients[0]!;
  const { turned, largest, pooled } = node.saved as SavedNormalization & { largest: Tensor; pooled: LargestOfWindows };
  const back = maxPoolGradient(reshape(g, pooled.largest.shape), pooled, windowOf(node.attributes));
  return batchNorm(context, { g, seen: largest, everywhere: reshape(back, turned.shape) });
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
  BatchNormMaxPool: batchNormMaxPool,
  LayerNormalization: layerNormalization,
};
