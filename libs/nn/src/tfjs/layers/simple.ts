/** Layers that Keras has just so: dense, activation, normalization, shapes, noise. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { ActivationName } from '../../layers/activation.ts';
import type { Tf } from '../runtime.ts';
import {
  override,
  refuse,
  regularizer,
  shapeOf,
  type BuildTfLayer,
  type TfLayer,
  type TfLayerContext,
} from './layer.ts';

/** Appends an activation function as a layer of its own. */
export function activate(
  { tf, scope, apply }: TfLayerContext,
  input: SymbolicTensor,
  activation: ActivationName,
): SymbolicTensor {
  if (activation === 'linear') return input;
  return apply(tf.layers.activation({ activation, name: `${scope}/${activation}` }), input);
}

export const activation: BuildTfLayer<ActivationName> = activate;

interface DenseOptions {
  units: number;
  activation: ActivationName;
  use_bias: boolean;
  kernel_regularizer?: { l2: number };
}

export const dense: BuildTfLayer<DenseOptions> = (context, input, options) => {
  const { tf, scope, apply } = context;
  const layer = tf.layers.dense({
    name: scope,
    units: options.units,
    useBias: options.use_bias,
    kernelInitializer: 'zeros',
    ...regularizer(context, options.kernel_regularizer),
  });
  const product = apply(layer, input, [{ name: 'kernel' }, ...(options.use_bias ? [{ name: 'bias' }] : [])]);
  return activate(context, product, options.activation);
};

interface NormOptions {
  epsilon: number;
  center: boolean;
  scale: boolean;
}

function learned({ scale, center }: NormOptions): { name: string }[] {
  return [...(scale ? [{ name: 'gamma' }] : []), ...(center ? [{ name: 'beta' }] : [])];
}

export const batch_norm: BuildTfLayer<NormOptions & { momentum: number }> = ({ tf, scope, apply }, input, options) => {
  const { epsilon, center, scale, momentum } = options;
  const layer = tf.layers.batchNormalization({ name: scope, epsilon, center, scale, momentum });
  const weights = [...learned(options), { name: 'moving_mean' }, { name: 'moving_variance' }];
  const output = apply(layer, input, weights);
  if (center && scale) return output;
  // In training the layer reads gamma and beta whether it has them or not.
  override(layer, (x, training, standard) => {
    if (!training) return standard();
    const axes = x.shape.slice(1).map((_, axis) => axis);
    const { mean, variance } = tf.moments(x, axes);
    layer.weights.slice(-2).forEach((variable, i) => {
      variable.write(tf.add(tf.mul(variable.read(), momentum), tf.mul([mean, variance][i]!, 1 - momentum)));
    });
    return normalize(tf, layer, options, x, mean, variance);
  });
  return output;
};

export const layer_norm: BuildTfLayer<NormOptions> = ({ tf, scope, apply }, input, options) => {
  const { epsilon, center, scale } = options;
  const layer = tf.layers.layerNormalization({ name: scope, epsilon, center, scale });
  const output = apply(layer, input, learned(options));
  if (center && scale) return output;
  // Without them the layer has no gradient.
  override(layer, (x) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return normalize(tf, layer, options, x, mean, variance);
  });
  return output;
};

export const group_norm: BuildTfLayer<unknown> = ({ where }) =>
  refuse(where, 'it has no GroupNormalization', 'use layer_norm, or the engine onnx');

/** Normalization by a layer that has one of gamma and beta, or none. */
function normalize(
  tf: Tf,
  layer: TfLayer,
  { epsilon, scale }: NormOptions,
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
): Tensor {
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  const [own] = layer.trainableWeights.map((variable) => variable.read());
  if (!own) return normal;
  return scale ? tf.mul(normal, own) : tf.add(normal, own);
}

export const flatten: BuildTfLayer<unknown> = ({ tf, scope, apply }, input) =>
  shapeOf(input).length === 1 ? input : apply(tf.layers.flatten({ name: scope }), input);

export const reshape: BuildTfLayer<readonly number[]> = ({ tf, scope, apply }, input, shape) =>
  apply(tf.layers.reshape({ name: scope, targetShape: [...shape] }), input);

export const permute: BuildTfLayer<readonly number[]> = ({ tf, scope, apply }, input, axes) =>
  apply(tf.layers.permute({ name: scope, dims: [...axes] }), input);

export const dropout: BuildTfLayer<number> = (context, input, rate) => drop(context, input, rate, false);

export const spatial_dropout: BuildTfLayer<number> = (context, input, rate) => drop(context, input, rate, true);

function drop(
  { tf, scope, apply, noise }: TfLayerContext,
  input: SymbolicTensor,
  rate: number,
  channels: boolean,
): SymbolicTensor {
  if (rate === 0) return input;
  const index = noise.next();
  const own = shapeOf(input);
  const shape = own.map((size, axis) => (channels && axis < own.length - 1 ? 1 : size));
  // Null stands for the size of the batch, which the declared type does not know.
  const noiseShape = [null, ...shape] as number[];
  const layer = tf.layers.dropout({ name: scope, rate, ...(channels ? { noiseShape } : {}) });
  override(layer, (x, training, standard) => {
    if (!training || !noise.draw) return standard();
    return tf.mul(x, noise.draw(index, { kind: 'dropout', rate }, [x.shape[0]!, ...shape]));
  });
  return apply(layer, input);
}

export const gaussian_noise: BuildTfLayer<number> = ({ tf, scope, apply, noise }, input, deviation) => {
  if (deviation === 0) return input;
  const index = noise.next();
  const layer = tf.layers.gaussianNoise({ name: scope, stddev: deviation });
  override(layer, (x, training, standard) => {
    if (!training || !noise.draw) return standard();
    return tf.add(x, noise.draw(index, { kind: 'normal', deviation }, x.shape));
  });
  return apply(layer, input);
};
