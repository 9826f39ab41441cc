/**
 * Batch normalization in training, and max pooling of its output.
 *
 * Each is one composite, so that its gradient is three passes over the large tensor instead of ten. The
 * variance is that of x - mean, not E[x^2] - mean^2, which loses all digits where the mean is large
 * against the deviation; the gradient reuses x - mean, for the same reason.
 *
 * What is kept is x - mean turned so that gamma is not negative: then the largest after the normalization
 * is the largest before it, and where a pool follows, scaling, shifting and most of the gradient are left
 * to do on what the pool returns, a quarter of the elements for a window of 2 x 2.
 */
import type { Tensor } from './graph.ts';
import { absolute, affine, channelProducts, divide, mean, offset, positive, scale, squareRoot } from './ops.ts';
import { maxPool, windowAttributes, type Window } from './spatial-ops.ts';

/** What the gradients of both composites use again; all but `turned` one number per channel. */
export type SavedNormalization = Readonly<Record<'turned' | 'sign' | 'deviation', Tensor>>;

/** The outputs are y, and the mean and (biased) variance of the batch. ONNX's own operator runs on one thread. */
export function batchNormTraining(
  x: Tensor,
  channel: number,
  gamma: Tensor,
  beta: Tensor,
  epsilon: number,
): readonly Tensor[] {
  const axes = x.shape.flatMap((_, axis) => (axis === channel ? [] : [axis]));
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  return x.graph.composite('BatchNormTraining', [x, gamma, beta], { channel }, () => {
    const average = mean(x, axes, false);
    const sign = offset(scale(positive(gamma), 2), -1);
    const turned = affine(x, channel, { mean: average, factor: sign });
    const variance = scale(channelProducts(turned, turned, channel), 1 / count);
    const deviation = squareRoot(offset(variance, epsilon));
    const y = affine(turned, channel, { factor: divide(absolute(gamma), deviation), shift: beta });
    return { outputs: [y, average, variance], saved: { turned, sign, deviation } satisfies SavedNormalization };
  });
}

/** Max pooling, of which a batch normalization that it follows in training is a part. */
export function maxPoolNormalized(x: Tensor, window: Window): Tensor {
  const { graph } = x;
  const normalization = graph.nodes.find(({ op, outputs }) => op === 'BatchNormTraining' && outputs[0] === x);
  if (!normalization) return maxPool(x, window).y;
  const { turned, deviation } = normalization.saved as SavedNormalization;
  const [, gamma, beta] = normalization.inputs as readonly Tensor[];
  const { channel } = normalization.attributes;
  const attributes = { ...windowAttributes(window), channel: channel! };
  return graph.composite('BatchNormMaxPool', normalization.inputs, attributes, () => {
    const { y: largest, ...pooled } = maxPool(turned, window);
    const y = affine(largest, channel as number, { factor: divide(absolute(gamma!), deviation), shift: beta! });
    return { outputs: [y], saved: { ...normalization.saved, largest, pooled } };
  })[0]!;
}
