import { DataError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { readMetadata } from './onnx/read.ts';
import { loadModel } from './predictor.ts';
import { quantizeModel } from './quantize.ts';
import { clusters } from './testing/toy-data.ts';
import { train, type TrainOptions } from './trainer.ts';

const cases: [string, Pick<TrainOptions, 'layers' | 'inputShape'>, dynamic: string[], weightOnly: string[]][] = [
  [
    'dense',
    { layers: [{ dense: { units: 64, activation: 'relu' } }, { batch_norm: {} }], inputShape: [24] },
    ['0_dense/kernel', 'output/kernel'],
    [],
  ],
  [
    'conv2d, strided and padded, without a bias in one place',
    {
      layers: [
        { conv2d: { filters: 8, kernel_size: 3, padding: 'same', activation: 'relu' } },
        { batch_norm: {} },
        { conv2d: { filters: 8, kernel_size: 3, strides: 2, use_bias: false } },
        { flatten: {} },
      ],
      inputShape: [8, 6, 2],
    },
    ['0_conv2d/kernel', '2_conv2d/kernel', 'output/kernel'],
    [],
  ],
  [
    'conv1d and a bidirectional lstm',
    {
      layers: [
        { conv1d: { filters: 8, kernel_size: 3, padding: 'causal' } },
        { bidirectional: { lstm: { units: 8, return_sequences: true } } },
        { lstm: { units: 8, return_sequences: true } },
        { attention_pool: { units: 4 } },
      ],
      inputShape: [12, 6],
    },
    [
      '0_conv1d/kernel',
      '1_bidirectional/forward/kernel',
      '1_bidirectional/backward/kernel',
      '1_bidirectional/forward/recurrent_kernel',
      '1_bidirectional/backward/recurrent_kernel',
      '2_lstm/kernel',
      '2_lstm/recurrent_kernel',
      '3_attention_pool/kernel',
      '3_attention_pool/query',
      'output/kernel',
    ],
    [],
  ],
  [
    'gru, whose weights alone are quantized',
    { layers: [{ gru: { units: 8 } }], inputShape: [10, 5] },
    ['output/kernel'],
    ['0_gru/kernel', '0_gru/recurrent_kernel'],
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

describe('quantizeModel', () => {
  it.each(cases)('keeps what a network has learned (%s)', async (_, { layers, inputShape }, dynamic, weightOnly) => {
    const width = inputShape.reduce((product, size) => product * size, 1);
    const data = clusters(48, width, 3, 1);
    const options = {
      classes: 3,
      data,
      batch_size: 8,
      epochs: 6,
      seed: 3,
      optimizer: { adam: { learning_rate: 0.01 } },
    };
    const { model } = await train({ ...options, layers, inputShape, metadata: { labels: '["a","b","c"]' } });
    const quantized = quantizeModel(model);
    expect(quantized.dynamic).toEqual(dynamic);
    expect(quantized.weight_only).toEqual(weightOnly);
    expect(readMetadata(quantized.model)).toEqual({ ...readMetadata(model), quantization: 'int8' });

    const rows = clusters(30, width, 3, 2);
    const [before, after] = [await predict(model, rows.x, 30), await predict(quantized.model, rows.x, 30)];
    const change = before.reduce((most, p, i) => Math.max(most, Math.abs(p - after[i]!)), 0);
    expect(change).toBeGreaterThan(0);
    expect(change).toBeLessThan(0.05);
    expect(Buffer.compare(quantizeModel(model).model, quantized.model)).toBe(0);
  });

  it('makes the file of a large network about a quarter of the size', async () => {
    const layers: TrainOptions['layers'] = [{ dense: { units: 256, activation: 'relu' } }, { dense: { units: 256 } }];
    const { model } = await train({
      layers,
      inputShape: [40],
      classes: 3,
      data: clusters(8, 40, 3, 1),
      epochs: 1,
      seed: 1,
    });
    expect(quantizeModel(model).model.length / model.length).toBeLessThan(0.3);
  });

  it('gives channels of zeros zeros', async () => {
    const layers: TrainOptions['layers'] = [{ dense: { units: 4, kernel_initializer: 'zeros' } }];
    const data = clusters(8, 4, 3, 1);
    const { model } = await train({
      ...{ layers, inputShape: [4], classes: 3, data, epochs: 1, seed: 1 },
      optimizer: { sgd: { learning_rate: 1e-30 } },
    });
    const p = await predict(quantizeModel(model).model, data.x, 8);
    p.forEach((value) => expect(value).toBeCloseTo(1 / 3, 6));
  });

  it('refuses what is quantized already, and what was not trained here', async () => {
    const { model } = await train({
      layers: [],
      inputShape: [4],
      classes: 3,
      data: clusters(8, 4, 3, 1),
      epochs: 1,
      seed: 1,
    });
    expect(() => quantizeModel(quantizeModel(model).model)).toThrow(/a model in int8/);
    expect(() => quantizeModel(new Uint8Array([8, 8]))).toThrow(DataError);
  });
});
