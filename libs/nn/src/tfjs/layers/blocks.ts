/** Layers made of several Keras layers: the residual block and attention pooling. */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { ActivationName } from '../../layers/activation.ts';
import type { AnyLayer } from '../../layers/layer.ts';
import { sameShape } from '../../graph.ts';
import { shapeOf, type BuildTfLayer, type TfLayerContext } from './layer.ts';
import { activate } from './simple.ts';

interface ResidualOptions {
  layers: readonly AnyLayer[];
  activation: ActivationName;
  projection_batch_norm: boolean;
}

export const residual: BuildTfLayer<ResidualOptions> = (context, input, options) => {
  const { tf, scope, append, apply } = context;
  const main = options.layers.reduce((value, inner, i) => append(inner, `layers[${i}]`, value), input);
  const shortcut = project(context, input, main, options.projection_batch_norm);
  const sum = apply(tf.layers.add({ name: `${scope}/add` }), [main, shortcut]);
  return activate(context, sum, options.activation);
};

/** The input in the shape of what the layers return; the same layers as in our own residual block. */
function project(
  { append }: TfLayerContext,
  input: SymbolicTensor,
  main: SymbolicTensor,
  normalize: boolean,
): SymbolicTensor {
  const [from, target] = [shapeOf(input), shapeOf(main)];
  if (sameShape(from, target)) return input;
  const filters = target[target.length - 1]!;
  const strides = target.slice(0, -1).map((size, i) => Math.ceil(from[i]! / size));
  const projection: AnyLayer[] = [
    { dense: { units: filters } },
    { conv1d: { filters, kernel_size: 1, strides: strides[0] } },
    { conv2d: { filters, kernel_size: 1, strides } },
  ];
  const projected = append(projection[strides.length]!, 'projection', input);
  return normalize ? append({ batch_norm: {} }, 'projection', projected) : projected;
}

export const attention_pool: BuildTfLayer<{ units: number }> = ({ tf, scope, apply }, input, { units }) => {
  const [steps, channels] = shapeOf(input) as [number, number];
  const name = (part: string): string => `${scope}/${part}`;
  const kernelInitializer = 'zeros';
  const hidden = apply(tf.layers.dense({ name: name('hidden'), units, activation: 'tanh', kernelInitializer }), input, [
    { name: 'kernel' },
    { name: 'bias' },
  ]);
  const query = tf.layers.dense({ name: name('query'), units: 1, useBias: false, kernelInitializer });
  const scores = apply(query, hidden, [{ name: 'query' }]);
  const flat = apply(tf.layers.reshape({ name: name('scores'), targetShape: [steps] }), scores);
  const shares = apply(tf.layers.activation({ name: name('softmax'), activation: 'softmax' }), flat);
  const column = apply(tf.layers.reshape({ name: name('weights'), targetShape: [steps, 1] }), shares);
  const mean = apply(tf.layers.dot({ name: name('mean'), axes: [1, 1] }), [column, input]);
  return apply(tf.layers.reshape({ name: scope, targetShape: [channels] }), mean);
};
