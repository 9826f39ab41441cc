/** The networks of the benchmark; `peer.py` builds the same ones. */
import type { LayerSpec } from '../../libs/nn/src/index.ts';

export interface Benchmark {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerSpec[];
  readonly batchSizes: readonly number[];
}

const block1d = (filters: number, strides: number): LayerSpec => ({
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

const residual1d: LayerSpec[] = [
  { conv1d: { filters: 64, kernel_size: 5, padding: 'same', activation: 'relu' } },
  block1d(64, 1),
  block1d(128, 2),
  block1d(256, 2),
  { global_pool: 'avg' },
  { dense: { units: 128, activation: 'relu' } },
];

const block2d = (filters: number): LayerSpec[] => [
  { conv2d: { filters, kernel_size: 3, padding: 'same', activation: 'relu' } },
  { batch_norm: {} },
  { max_pool2d: {} },
];

/** A block whose pools overlap: each covers more steps than it moves on by. */
const block1dOverlapping = (filters: number, kernel_size: number, pool_size: number): LayerSpec[] => [
  { conv1d: { filters, kernel_size, padding: 'same', activation: 'relu' } },
  { batch_norm: {} },
  { max_pool1d: { pool_size, strides: 2, padding: 'same' } },
];

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'dense-512-256-128',
    inputShape: [180],
    layers: [512, 256, 128].map((units) => ({ dense: { units, activation: 'relu' } })),
    batchSizes: [16, 32],
  },
  { name: 'residual-cnn1d-40x174', inputShape: [174, 40], layers: residual1d, batchSizes: [16, 32] },
  { name: 'residual-cnn1d-128x130', inputShape: [130, 128], layers: residual1d, batchSizes: [16, 32] },
  {
    name: 'cnn2d-32x94x2',
    inputShape: [32, 94, 2],
    layers: [...[32, 64, 128].flatMap(block2d), { global_pool: 'avg' }, { dense: { units: 64, activation: 'relu' } }],
    batchSizes: [16, 32],
  },
  {
    name: 'bilstm2-130x40',
    inputShape: [130, 40],
    layers: [
      { bidirectional: { lstm: { units: 128, return_sequences: true } } },
      { bidirectional: { lstm: { units: 64 } } },
      { dense: { units: 64, activation: 'relu' } },
    ],
    batchSizes: [16, 32],
  },
  {
    name: 'cnn-bilstm2-174x40',
    inputShape: [174, 40],
    layers: [
      { conv1d: { filters: 64, kernel_size: 5, padding: 'same', activation: 'relu' } },
      { batch_norm: {} },
      { max_pool1d: {} },
      { conv1d: { filters: 128, kernel_size: 3, padding: 'same', activation: 'relu' } },
      { batch_norm: {} },
      { max_pool1d: {} },
      { bidirectional: { lstm: { units: 64, return_sequences: true } } },
      { bidirectional: { lstm: { units: 32 } } },
      { dense: { units: 128, activation: 'relu' } },
    ],
    batchSizes: [16, 32],
  },
  {
    name: 'cnn1d-overlapping-2376x1',
    inputShape: [2376, 1],
    layers: [
      ...block1dOverlapping(128, 5, 5),
      ...block1dOverlapping(128, 5, 5),
      ...block1dOverlapping(64, 3, 5),
      ...block1dOverlapping(64, 3, 3),
      { flatten: {} },
      { dense: { units: 128, activation: 'relu' } },
    ],
    batchSizes: [16, 32],
  },
];
