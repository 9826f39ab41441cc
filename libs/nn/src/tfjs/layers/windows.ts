/**
 * Convolution and pooling.
 *
 * TensorFlow.js has no causal padding, no dilation together with strides, no gradient of a dilated
 * convolution, and a wrong gradient of average pooling with `same` padding (it divides by the whole
 * window at the edges, where the mean is over less). The first two become further Keras layers, the
 * last two another way to compute the same.
 */
import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { ActivationName } from '../../layers/activation.ts';
import { perAxis, type PaddingName, type SizeValue } from '../../layers/spatial.ts';
import { makeWindow, type Window } from '../../spatial-ops.ts';
import type { Tf } from '../runtime.ts';
import { override, refuse, regularizer, shapeOf, type BuildTfLayer, type TfLayerContext } from './layer.ts';
import { activate } from './simple.ts';

interface ConvolutionOptions {
  filters: number;
  kernel_size: SizeValue;
  strides: SizeValue;
  padding: PaddingName;
  dilation_rate: SizeValue;
  activation: ActivationName;
  use_bias: boolean;
  kernel_regularizer?: { l2: number };
}

type Pair = [number, number];

function convolution(rank: 1 | 2): BuildTfLayer<ConvolutionOptions> {
  return (context, input, options) => {
    const { tf, scope, apply } = context;
    const { filters, use_bias: useBias } = options;
    const size = perAxis(options.kernel_size, rank);
    const strides = perAxis(options.strides, rank);
    const dilations = perAxis(options.dilation_rate, rank);
    const dilated = dilations.some((rate) => rate > 1);
    const apart = dilated && strides.some((by) => by > 1);
    const padded = options.padding === 'causal' || apart;
    const window = makeWindow(shapeOf(input).slice(0, rank), size, strides, dilations, options.padding);
    const x = padded ? zeroPad(context, input, window) : input;
    const padding = padded ? 'valid' : (options.padding as 'same' | 'valid');
    const common = {
      name: scope,
      filters,
      useBias,
      padding,
      kernelInitializer: 'zeros' as const,
      ...regularizer(context, options.kernel_regularizer),
    };
    const taken = apart ? perAxis(1, rank) : strides;
    const layer =
      rank === 1
        ? tf.layers.conv1d({ ...common, kernelSize: size[0]!, strides: taken[0]!, dilationRate: dilations[0]! })
        : tf.layers.conv2d({
            ...common,
            kernelSize: [...size],
            strides: [...taken] as Pair,
            dilationRate: [...dilations] as Pair,
          });
    const axes = rank === 1 ? [2, 1, 0] : [2, 3, 1, 0];
    const bindings = [{ name: 'kernel', axes }, ...(useBias ? [{ name: 'bias' }] : [])];
    let output = apply(layer, x, bindings);
    if (dilated) {
      override(layer, (image) => {
        const [kernel, bias] = layer.trainableWeights.map((variable) => variable.read());
        return convolve(tf, image, spread(tf, kernel!, dilations), bias, padding);
      });
    }
    if (apart) output = subsample(context, output, strides);
    return activate(context, output, options.activation);
  };
}

/** A kernel with zeros between its taps: dilation, for a convolution that has a gradient. */
function spread(tf: Tf, kernel: Tensor, dilations: readonly number[]): Tensor {
  return dilations.reduce((wide, rate, axis) => {
    const { shape } = wide;
    const [before, count, after] = [shape.slice(0, axis), shape[axis]!, shape.slice(axis + 1)];
    const apart = tf.reshape(wide, [...before, count, 1, ...after]);
    const zeros = apart.shape.map((_, i): Pair => [0, i === axis + 1 ? rate - 1 : 0]);
    const filled = tf.reshape(tf.pad(apart, zeros), [...before, count * rate, ...after]);
    const end = filled.shape.map((length, i) => (i === axis ? (count - 1) * rate + 1 : length));
    return tf.slice(
      filled,
      end.map(() => 0),
      end,
    );
  }, kernel);
}

function convolve(tf: Tf, x: Tensor, kernel: Tensor, bias: Tensor | undefined, padding: 'same' | 'valid'): Tensor {
  const y =
    x.rank === 3
      ? tf.conv1d(x as Tensor3D, kernel as Tensor3D, 1, padding)
      : tf.conv2d(x as Tensor4D, kernel as Tensor4D, 1, padding);
  return bias ? tf.add(y, bias) : y;
}

/** Zeros around, which Keras can say for two axes only. */
function zeroPad({ tf, scope, apply }: TfLayerContext, input: SymbolicTensor, window: Window): SymbolicTensor {
  const { before, after } = window;
  if ([...before, ...after].every((count) => count === 0)) return input;
  const [height, width] = before.map((count, axis): Pair => [count, after[axis]!]);
  const name = `${scope}/padding`;
  if (width) return apply(tf.layers.zeroPadding2d({ name, padding: [height!, width] }), input);
  const [steps, channels] = shapeOf(input);
  const image = apply(tf.layers.reshape({ name: `${name}_from`, targetShape: [steps!, 1, channels!] }), input);
  const padded = apply(tf.layers.zeroPadding2d({ name, padding: [height!, [0, 0]] }), image);
  const [longer] = shapeOf(padded);
  return apply(tf.layers.reshape({ name: `${name}_to`, targetShape: [longer!, channels!] }), padded);
}

/** Every n-th element: pooling with a window of one. */
function subsample({ tf, scope, apply }: TfLayerContext, input: SymbolicTensor, strides: readonly number[]) {
  const name = `${scope}/strides`;
  const layer =
    strides.length === 1
      ? tf.layers.maxPooling1d({ name, poolSize: 1, strides: strides[0]! })
      : tf.layers.maxPooling2d({ name, poolSize: [1, 1], strides: [...strides] as Pair });
  return apply(layer, input);
}

interface PoolOptions {
  pool_size: SizeValue;
  strides?: SizeValue;
  padding: PaddingName;
}

function pooling(rank: 1 | 2, what: 'max' | 'average'): BuildTfLayer<PoolOptions> {
  return ({ tf, scope, where, apply }, input, { pool_size, strides: given = pool_size, padding }) => {
    if (padding === 'causal') refuse(where, 'it has no causal pooling', 'use padding: same or valid');
    const size = [...perAxis(pool_size, rank)];
    const strides = [...perAxis(given, rank)];
    const options1d = { name: scope, poolSize: size[0]!, strides: strides[0]!, padding };
    const options2d = { name: scope, poolSize: size as Pair, strides: strides as Pair, padding };
    if (what === 'max') {
      return apply(rank === 1 ? tf.layers.maxPooling1d(options1d) : tf.layers.maxPooling2d(options2d), input);
    }
    const layer = rank === 1 ? tf.layers.averagePooling1d(options1d) : tf.layers.averagePooling2d(options2d);
    const spatial = shapeOf(input).slice(0, rank);
    const window = makeWindow(spatial, size, strides, perAxis(1, rank), padding);
    if (padding === 'same') override(layer, (x) => averagePool(tf, x, spatial, window));
    return apply(layer, input);
  };
}

/** The mean over what lies inside: that over the whole window, zeros around, times window / inside. */
function averagePool(tf: Tf, x: Tensor, spatial: readonly number[], { size, strides, before, after }: Window): Tensor {
  const [batch, channels] = [x.shape[0]!, x.shape[x.rank - 1]!];
  const two = (values: readonly number[], other: number): Pair => [values[0]!, values[1] ?? other];
  const image = tf.reshape(x, [batch, ...two(spatial, 1), channels]) as Tensor4D;
  const edges = two(before, 0).map((count, axis): Pair => [count, two(after, 0)[axis]!]);
  const padded = tf.pad(image, [[0, 0], ...edges, [0, 0]]);
  const y = tf.avgPool(padded, two(size, 1), two(strides, 1), 'valid');
  const factors = spatial.map((length, axis) => {
    const count = y.shape[axis + 1]!;
    return Array.from({ length: count }, (_, i) => {
      const from = i * strides[axis]! - before[axis]!;
      return size[axis]! / (Math.min(from + size[axis]!, length) - Math.max(from, 0));
    });
  });
  const [rows, columns = [1]] = factors;
  const factor = rows!.flatMap((a) => columns.map((b) => a * b));
  const mean = tf.mul(y, tf.tensor(factor, [1, rows!.length, columns.length, 1]));
  return tf.reshape(mean, [batch, ...y.shape.slice(1, 1 + spatial.length), channels]);
}

export const conv1d = convolution(1);
export const conv2d = convolution(2);
export const max_pool1d = pooling(1, 'max');
export const max_pool2d = pooling(2, 'max');
export const avg_pool1d = pooling(1, 'average');
export const avg_pool2d = pooling(2, 'average');

export const global_pool: BuildTfLayer<'avg' | 'max' | 'both'> = ({ tf, scope, apply }, input, mode) => {
  const one = shapeOf(input).length === 2;
  const pool = (kind: 'avg' | 'max', name: string): SymbolicTensor => {
    const { globalAveragePooling1d, globalAveragePooling2d, globalMaxPooling1d, globalMaxPooling2d } = tf.layers;
    if (kind === 'avg') return apply(one ? globalAveragePooling1d({ name }) : globalAveragePooling2d({ name }), input);
    return apply(one ? globalMaxPooling1d({ name }) : globalMaxPooling2d({ name }), input);
  };
  if (mode !== 'both') return pool(mode, scope);
  return apply(tf.layers.concatenate({ name: scope }), [pool('avg', `${scope}/avg`), pool('max', `${scope}/max`)]);
};
