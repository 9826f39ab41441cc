import { CancelledError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import type { TrainingData } from '../data.ts';
import type { LayerSpec } from '../layers/index.ts';
import { readModel } from '../model-file.ts';
import type { OptimizerSpec } from '../optimizers.ts';
import { loadModel } from '../predictor.ts';
import { clusters } from '../testing/toy-data.ts';
import { train, type TrainOptions } from '../trainer.ts';
import { openTfjs } from './runtime.ts';

const dense: TrainOptions = {
  layers: [{ dense: { units: 8, activation: 'relu' } }, { batch_norm: { momentum: 0.9 } }, { dropout: 0.2 }],
  inputShape: [4],
  classes: 3,
  data: clusters(40, 4, 3, 1),
  validation: clusters(30, 4, 3, 2),
  batch_size: 16,
  epochs: 4,
  optimizer: { adam: { learning_rate: 0.01 } },
  seed: 11,
};

const sequence: LayerSpec[] = [
  { reshape: [6, 2] },
  { conv1d: { filters: 3, kernel_size: 3, padding: 'same', activation: 'relu', kernel_regularizer: { l2: 0.01 } } },
  { bidirectional: { lstm: { units: 2, return_sequences: true } } },
  { dropout: 0.2 },
  { gru: { units: 3 } },
];

/** Both engines, and the largest difference of their weights and statistics. */
async function both(options: TrainOptions) {
  const [onnx, tfjs] = [await train(options), await train({ ...options, engine: 'tfjs', device: 'cpu' })];
  const [ours, theirs] = [readModel(onnx.model), readModel(tfjs.model)];
  const flat = [
    [ours.parameters, theirs.parameters],
    [ours.statistics, theirs.statistics],
  ] as const;
  const apart = Math.max(0, ...flat.flatMap(([a, b]) => [...a].map((value, i) => Math.abs(value - b[i]!))));
  return { onnx, tfjs, apart };
}

describe('the engine tfjs trains the same network as the engine onnx', () => {
  it('over 12 steps, with dropout, batch norm and class weights: losses, weights and probabilities to 1e-3', async () => {
    const { onnx, tfjs, apart } = await both({ ...dense, class_weight: 'balanced', mixup: { alpha: 0.3 } });
    expect(apart).toBeLessThan(1e-3);
    for (const [i, row] of onnx.history.entries()) {
      const other = tfjs.history[i]!;
      expect(Math.abs(row.loss - other.loss)).toBeLessThan(1e-3);
      expect(Math.abs(row.val_loss! - other.val_loss!)).toBeLessThan(1e-3);
      expect(other.learning_rate).toBe(row.learning_rate);
    }
    const [a, b] = await Promise.all([onnx, tfjs].map(({ model }) => loadModel(model)));
    const { x, rows } = clusters(30, 4, 3, 2);
    const [p, q] = [await a!.predict(x, rows), await b!.predict(x, rows)];
    p.forEach((value, i) => expect(Math.abs(value - q[i]!)).toBeLessThan(1e-3));
    await Promise.all([a!.dispose(), b!.dispose()]);
  });

  it('convolution with a penalty, LSTM both ways, dropout of sequences, GRU', async () => {
    const data = clusters(30, 12, 3, 1);
    const { apart, onnx, tfjs } = await both({ ...dense, layers: sequence, inputShape: [12], data, validation: data });
    expect(apart).toBeLessThan(1e-3);
    expect(Math.abs(onnx.history.at(-1)!.val_loss! - tfjs.history.at(-1)!.val_loss!)).toBeLessThan(1e-3);
  });

  it('on rows that are read block by block', async () => {
    const { x, y, rows } = dense.data as TrainingData;
    const blocks = [15, 15, 10];
    const read = (block: number) => Promise.resolve(x.slice(block * 15 * 4, (block * 15 + blocks[block]!) * 4));
    const { apart } = await both({ ...dense, data: { y, rows, blocks, shuffle_rows: 20, read } });
    expect(apart).toBeLessThan(1e-3);
  });

  const optimizers: OptimizerSpec[] = [
    { adam: { learning_rate: 0.02, epsilon: 0.01, beta_1: 0.8, clipnorm: 0.1 } },
    { adamw: { learning_rate: 0.02, weight_decay: 0.1, global_clipnorm: 0.2 } },
    { sgd: { learning_rate: 0.1 } },
    { sgd: { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.05, clipvalue: 0.02 } },
    { sgd: { learning_rate: 0.1, momentum: 0.9, nesterov: true } },
  ];
  it.each(optimizers)('%j', async (optimizer) => {
    const { apart } = await both({ ...dense, optimizer, schedule: { cosine: { warmup_epochs: 1 } } });
    expect(apart).toBeLessThan(1e-3);
  });
});

describe('the engine tfjs', () => {
  const options: TrainOptions = { ...dense, engine: 'tfjs', device: 'cpu' };

  it('says what computed, in the result and in the model', async () => {
    const { provider, model } = await train(options);
    expect(provider).toEqual({ device: 'cpu', version: expect.stringMatching(/^@tensorflow\/tfjs-(core|node) 4/) });
    expect(JSON.parse(readModel(model).metadata['training']!)).toMatchObject({ engine: provider.version });
  });

  it('gives the same bytes for the same seed', async () => {
    expect(Buffer.compare((await train(options)).model, (await train(options)).model)).toBe(0);
  });

  it('gives the bytes of a whole training when it goes on from a checkpoint', async () => {
    const checkpoints: Uint8Array[] = [];
    const whole = await train({ ...options, onCheckpoint: (bytes) => void checkpoints.push(bytes) });
    const resumed = await train({ ...options, resume: checkpoints[1]! });
    expect(Buffer.compare(resumed.model, whole.model)).toBe(0);
    expect(resumed.history).toEqual(whole.history);
  });

  it('stops early and gives back the best epoch', async () => {
    const callbacks = { early_stopping: { patience: 1, min_delta: 10 } };
    const { history, best_epoch, stopped_reason } = await train({ ...options, callbacks });
    expect({ epochs: history.length, best_epoch, stopped_reason }).toEqual({
      epochs: 2,
      best_epoch: 1,
      stopped_reason: 'early_stopping',
    });
  });

  it('leaves no tensor behind', async () => {
    const { tf } = await openTfjs('cpu');
    const before = tf.memory().numTensors;
    await train({ ...options, layers: [...dense.layers, { reshape: [4, 2] }, ...sequence.slice(1)] });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('can be stopped between two steps', async () => {
    const controller = new AbortController();
    const stopped = train({ ...options, epochs: 1000, signal: controller.signal, onEpoch: () => controller.abort() });
    await expect(stopped).rejects.toThrow(CancelledError);
  });

  it('says when training diverges', async () => {
    const optimizer: OptimizerSpec = { sgd: { learning_rate: 1e30 } };
    await expect(train({ ...options, optimizer })).rejects.toThrow(/training has diverged/);
  });

  it('names the layer that TensorFlow.js cannot build', async () => {
    const layers: LayerSpec[] = [{ reshape: [6, 2] }, { max_pool1d: { padding: 'causal' } }, { flatten: {} }];
    const data = clusters(12, 12, 3, 1);
    const asked = train({ ...options, layers, inputShape: [12], data, validation: undefined });
    await expect(asked).rejects.toThrow(/layers\[1\] \(max_pool1d\)[^]*causal pooling/);
  });

  it('refuses threads, devices it cannot use, and other engines', async () => {
    await expect(train({ ...options, engine: 'torch' as 'tfjs' })).rejects.toThrow(/no such engine[^]*onnx, tfjs/);
    await expect(train({ ...options, threads: 2 })).rejects.toThrow(RequestError);
    await expect(train({ ...options, device: 'webgpu' })).rejects.toThrow(/cannot use the device webgpu/);
  });
});
