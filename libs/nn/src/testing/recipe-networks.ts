/** Networks as large as those of the recipes, for tests of what depends on their operators and size. */
import type { LayerSpec } from '../layers/index.ts';

export interface TestNetwork {
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerSpec[];
}

const dense = (...units: number[]): LayerSpec[] =>
  units.flatMap((count) => [{ dense: { units: count, activation: 'relu' } }, { dropout: 0.3 }]);

const convolution1d = (filters: number, size: number): LayerSpec[] => [
  { conv1d: { filters, kernel_size: size, padding: 'same', activation: 'relu' } },
  { batch_norm: {} },
];

const convolution2d = (filters: number): LayerSpec[] => [
  { conv2d: { filters, kernel_size: 3, padding: 'same', activation: 'relu' } },
  { batch_norm: {} },
  { max_pool2d: {} },
  { dropout: 0.25 },
];

const residual = (filters: number, strides: number): LayerSpec => ({
  residual: {
    layers: [
      { conv1d: { filters, kernel_size: 3, padding: 'same', strides } },
      { batch_norm: {} },
      { activation: 'relu' },
      { conv1d: { filters, kernel_size: 3, padding: 'same' } },
      { batch_norm: {} },
    ],
    projection_batch_norm: true,
  },
});

const bothWays = (units: number, sequences: boolean): LayerSpec => ({
  bidirectional: { lstm: { units, return_sequences: sequences } },
});

const overlapping = (pool_size: number): LayerSpec => ({ max_pool1d: { pool_size, strides: 2, padding: 'same' } });

export const recipeNetworks: Readonly<Record<string, TestNetwork>> = {
  ensemble: { inputShape: [180], layers: dense(512, 256, 128) },
  cnn2d: {
    inputShape: [32, 94, 2],
    layers: [...[32, 64, 128].flatMap(convolution2d), { global_pool: 'avg' }, ...dense(128)],
  },
  'architectures, residual': {
    inputShape: [130, 128],
    layers: [
      ...convolution1d(64, 5),
      residual(64, 1),
      residual(128, 2),
      residual(256, 2),
      { global_pool: 'both' },
      ...dense(128),
    ],
  },
  'architectures, recurrent': {
    inputShape: [130, 40],
    layers: [bothWays(128, true), bothWays(64, false), ...dense(64)],
  },
  'architectures, functionals': { inputShape: [520], layers: dense(512, 256, 128) },
  'cnn-lstm': {
    inputShape: [174, 40],
    layers: [
      ...convolution1d(64, 5),
      { max_pool1d: {} },
      ...convolution1d(128, 3),
      { max_pool1d: {} },
      bothWays(64, true),
      bothWays(32, false),
      ...dense(128),
    ],
  },
  'handcrafted-cnn': {
    inputShape: [2376, 1],
    layers: [
      ...convolution1d(128, 5),
      overlapping(5),
      ...convolution1d(128, 5),
      overlapping(5),
      ...convolution1d(64, 3),
      overlapping(5),
      ...convolution1d(64, 3),
      overlapping(3),
      { flatten: {} },
      ...dense(128),
    ],
  },
};
