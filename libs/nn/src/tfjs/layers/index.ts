/** Every layer of ours in TensorFlow.js; the compiler refuses a registry that lacks one. */
import type { LayerName } from '../../layers/index.ts';
import { attention_pool, residual } from './blocks.ts';
import type { BuildTfLayer } from './layer.ts';
import { bidirectional, gru, lstm } from './recurrent.ts';
import {
  activation,
  batch_norm,
  dense,
  dropout,
  flatten,
  gaussian_noise,
  group_norm,
  layer_norm,
  permute,
  reshape,
  spatial_dropout,
} from './simple.ts';
import { avg_pool1d, avg_pool2d, conv1d, conv2d, global_pool, max_pool1d, max_pool2d } from './windows.ts';

/** Options have been read against the layer's schema, so each function gets those it declares. */
export const tfLayers: Readonly<Record<LayerName, BuildTfLayer<never>>> = {
  activation,
  attention_pool,
  avg_pool1d,
  avg_pool2d,
  batch_norm,
  bidirectional,
  conv1d,
  conv2d,
  dense,
  dropout,
  flatten,
  gaussian_noise,
  global_pool,
  group_norm,
  gru,
  layer_norm,
  lstm,
  max_pool1d,
  max_pool2d,
  permute,
  reshape,
  residual,
  spatial_dropout,
};
