import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { readModel } from './model-file.ts';
import { EditableModel } from './onnx/edit.ts';
import { loadModel } from './predictor.ts';
import { clusters } from './testing/toy-data.ts';
import { train, type TrainOptions } from './trainer.ts';

const base: TrainOptions = {
  layers: [{ dense: { units: 8, activation: 'relu' } }, { batch_norm: { momentum: 0.9 } }, { dropout: 0.2 }],
  inputShape: [4],
  classes: 3,
  data: clusters(50, 4, 3, 1),
  validation: clusters(30, 4, 3, 2),
  batch_size: 16,
  epochs: 4,
  seed: 11,
};

/** One network of each kind that keeps weights in its own way. */
const networks: [string, Pick<TrainOptions, 'layers' | 'inputShape'>][] = [
  ['dense', base],
  [
    'conv2d',
    {
      layers: [
        { conv2d: { filters: 3, kernel_size: 2, padding: 'same', activation: 'relu' } },
        { batch_norm: {} },
        { residual: { layers: [{ conv2d: { filters: 4, kernel_size: 1 } }] } },
        { global_pool: 'both' },
      ],
      inputShape: [4, 3, 2],
    },
  ],
  [
    'recurrent',
    {
      layers: [
        { conv1d: { filters: 3, kernel_size: 3, padding: 'same' } },
        { bidirectional: { lstm: { units: 3, return_sequences: true } } },
        { gru: { units: 4, return_sequences: true } },
        { attention_pool: {} },
        { layer_norm: {} },
      ],
      inputShape: [6, 4],
    },
  ],
];

async function predict(model: Uint8Array, x: Float32Array, rows: number): Promise<Float32Array> {
  const served = await loadModel(model);
  try {
    return await served.predict(x, rows);
  } finally {
    await served.dispose();
  }
}

describe('a model says of itself', () => {
  it('what its network is, how it was trained, and what the caller adds', async () => {
    const metadata = { labels: '["angry","calm","sad"]' };
    const { model, history } = await train({ ...base, metadata });
    const stored = readModel(model);
    expect(stored.metadata['labels']).toBe(metadata.labels);
    expect(stored.network).toMatchObject({ inputShape: [4], classes: 3 });
    expect(stored.network.layers[1]).toEqual({
      batch_norm: { momentum: 0.9, epsilon: 0.001, center: true, scale: true },
    });
    const { engine, ...training } = JSON.parse(stored.metadata['training']!) as Record<string, unknown>;
    expect(engine).toMatch(/^onnxruntime-node \d/);
    expect(training).toEqual({
      device: 'cpu',
      threads: 1,
      seed: 11,
      rows: 50,
      validation_rows: 30,
      batch_size: 16,
      epochs: 4,
      best_epoch: 4,
      stopped_reason: 'epochs',
      loss: history[3]!.loss,
      accuracy: history[3]!.accuracy,
      val_loss: history[3]!.val_loss,
      val_accuracy: history[3]!.val_accuracy,
    });
  });

  it('the figures of the epoch that was kept', async () => {
    const { model, history, best_epoch } = await train({
      ...base,
      epochs: 30,
      optimizer: { sgd: { learning_rate: 1 } },
      callbacks: { early_stopping: { patience: 2 } },
    });
    expect(best_epoch).toBeLessThan(history.length);
    const training = JSON.parse(readModel(model).metadata['training']!) as Record<string, unknown>;
    expect(training).toMatchObject({ best_epoch, val_loss: history[best_epoch - 1]!.val_loss });
  });
});

describe('a model is read back', () => {
  it.each(networks)('whole, with every weight (%s)', async (_, { layers, inputShape }) => {
    const width = inputShape.reduce((product, size) => product * size, 1);
    const data = clusters(24, width, 3, 4);
    const still = { ...base, layers, inputShape, data, validation: data, optimizer: { sgd: { learning_rate: 1e-30 } } };
    const first = await train({ ...base, layers, inputShape, data, validation: data, epochs: 2 });
    expect(readModel(first.model).parameters).toHaveLength(first.parameters);
    // A rate so small that no weight moves; the statistics would, so they start where they end.
    const again = await train({ ...still, epochs: 1, initial: first.model });
    const [before, after] = [readModel(first.model), readModel(again.model)];
    expect(after.parameters).toEqual(before.parameters);
    if (before.statistics.length === 0) {
      expect(await predict(again.model, data.x, 24)).toEqual(await predict(first.model, data.x, 24));
    }
  });

  it.each(networks)('by any runtime: all its operators are of the ONNX standard (%s)', async (_, net) => {
    const width = net.inputShape.reduce((product, size) => product * size, 1);
    const { model } = await train({
      ...base,
      ...net,
      data: clusters(8, width, 3, 4),
      validation: undefined,
      epochs: 1,
    });
    const { operators } = new EditableModel(model);
    expect(operators.filter(({ domain }) => domain !== '')).toEqual([]);
    expect(operators.length).toBeGreaterThan(1);
  });

  it('and training goes on from it: the first loss is about the last one, not that of random weights', async () => {
    const options = { ...base, optimizer: { adam: { learning_rate: 0.02 } }, epochs: 15 };
    const first = await train(options);
    const second = await train({ ...options, seed: 12, epochs: 2, initial: first.model });
    const fresh = await train({ ...options, seed: 12, epochs: 2 });
    expect(second.history[0]!.val_loss).toBeLessThan(first.history.at(-1)!.val_loss! + 0.1);
    expect(fresh.history[0]!.val_loss).toBeGreaterThan(first.history.at(-1)!.val_loss! + 0.2);
    const training = JSON.parse(readModel(second.model).metadata['training']!) as Record<string, unknown>;
    expect(training['continued_from']).toMatch(/^[\da-f]{64}$/);
  });

  it('and gives the same bytes twice, also if it was stopped and resumed on the way', async () => {
    const { model: initial } = await train(base);
    const kept: Uint8Array[] = [];
    const options = { ...base, seed: 12, initial };
    const whole = await train({ ...options, onCheckpoint: (bytes) => void kept.push(bytes) });
    const resumed = await train({ ...options, resume: kept[1] });
    expect(Buffer.compare(resumed.model, whole.model)).toBe(0);
    const { model: other } = await train({ ...base, seed: 99 });
    await expect(train({ ...options, initial: other, resume: kept[1] })).rejects.toThrow('of another training');
  });

  it('also under another dropout, other penalties and other initializers, which act on training only', async () => {
    const { model: initial } = await train(base);
    const layers: TrainOptions['layers'] = [
      { dense: { units: 8, activation: 'relu', kernel_regularizer: { l2: 0.1 }, kernel_initializer: 'he_normal' } },
      { batch_norm: { momentum: 0.9 } },
      { dropout: 0.5 },
    ];
    expect((await train({ ...base, layers, initial })).history).toHaveLength(4);
  });
});

describe('a model to start from is refused', () => {
  const others: [string, Partial<TrainOptions>, RegExp][] = [
    ['with other units', { layers: [{ dense: { units: 9 } }] }, /layers\[0\]: the model to start from has another/],
    ['with a layer more', { layers: [...base.layers, { dropout: 0.1 }] }, /layers\[3\][^]*no further layer/],
    [
      'with another activation',
      { layers: [{ dense: { units: 8, activation: 'tanh' } }, ...base.layers.slice(1)] },
      /layers\[0\][^]*expected:[^]*relu[^]*got:[^]*tanh/,
    ],
    ['with another number of classes', { classes: 4 }, /the labels[^]*3 classes[^]*got: +4/],
    [
      'with rows of another shape',
      { inputShape: [2], data: clusters(50, 2, 3, 1), validation: undefined },
      /the features[^]*4 values a row[^]*2 values/,
    ],
  ];
  it.each(others)('%s', async (_, change, message) => {
    const { model: initial } = await train({ ...base, epochs: 1 });
    const attempt = train({ ...base, ...change, initial });
    await expect(attempt).rejects.toThrow(RequestError);
    await expect(attempt).rejects.toThrow(message);
  });

  it('if it is no model of ours, or no model', async () => {
    await expect(train({ ...base, initial: new Uint8Array([8, 8]) })).rejects.toThrow(/does not say what its network/);
    const noise = Uint8Array.from({ length: 99 }, (_, i) => (i * 89) % 256);
    expect(() => readModel(noise)).toThrow(DataError);
  });
});
