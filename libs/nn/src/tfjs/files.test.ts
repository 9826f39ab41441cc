import { DataError, Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../graph.ts';
import type { LayerSpec } from '../layers/index.ts';
import { initialParameters, initialStatistics, takeInventory, type NetworkSpec } from '../network.ts';
import { loadModel } from '../predictor.ts';
import { inferenceModel } from '../programs.ts';
import { loadTfjsModel, toTfjsFiles } from './files.ts';

const networks: Record<string, NetworkSpec> = {
  dense: {
    layers: [{ dense: { units: 6, activation: 'gelu' } }, { batch_norm: {} }, { dropout: 0.3 }, { layer_norm: {} }],
    inputShape: [7],
    classes: 3,
  },
  'convolution, residual block, recurrence': {
    layers: [
      { conv1d: { filters: 4, kernel_size: 3, padding: 'causal', dilation_rate: 2, activation: 'swish' } },
      { residual: { layers: [{ conv1d: { filters: 6, kernel_size: 3, padding: 'same', strides: 2 } }] } },
      { spatial_dropout: 0.2 },
      { bidirectional: { lstm: { units: 3, return_sequences: true } } },
      { bidirectional: { gru: { units: 2, return_sequences: true }, merge_mode: 'sum' } },
      { gru: { units: 3, return_sequences: true } },
      { attention_pool: { units: 4 } },
    ],
    inputShape: [11, 3],
    classes: 4,
  },
  image: {
    layers: [
      { gaussian_noise: 0.1 },
      { conv2d: { filters: 3, kernel_size: 3, strides: 2, dilation_rate: 2, padding: 'same', activation: 'elu' } },
      { avg_pool2d: { pool_size: 2, strides: 1, padding: 'same' } },
      { permute: [2, 1, 3] },
      { global_pool: 'both' },
    ],
    inputShape: [8, 6, 2],
    classes: 2,
  },
};

/** Weights that are not those it starts with. */
function weightsOf(network: NetworkSpec) {
  const inventory = takeInventory(network);
  const rng = new Rng(1, 'trained');
  return {
    parameters: initialParameters(inventory, 3).map((value) => value + rng.normal(0, 0.1)),
    statistics: initialStatistics(inventory).map((value) => value + rng.uniform(0, 0.3)),
  };
}

const ROWS = 5;

function rowsOf({ inputShape }: NetworkSpec): Float32Array {
  const rng = new Rng(2, 'rows');
  return Float32Array.from({ length: ROWS * sizeOf(inputShape) }, () => rng.normal());
}

describe('model.json and weights', () => {
  it.each(Object.entries(networks))('%s: read again, it predicts what the ONNX model predicts', async (_, network) => {
    const { parameters, statistics } = weightsOf(network);
    const x = rowsOf(network);
    const served = await loadModel(inferenceModel(network, parameters, statistics));
    const read = await loadTfjsModel(await toTfjsFiles(network, parameters, statistics));
    expect(read.inputShape).toEqual(network.inputShape);
    const [ours, theirs] = [await served.predict(x, ROWS), await read.predict(x, ROWS)];
    expect(theirs).toHaveLength(ours.length);
    theirs.forEach((p, i) => expect(Math.abs(p - ours[i]!)).toBeLessThan(1e-5));
    await served.dispose();
    await read.dispose();
  });

  it('have the form that TensorFlow.js documents', async () => {
    const network = networks['dense']!;
    const { parameters, statistics } = weightsOf(network);
    const files = await toTfjsFiles(network, parameters, statistics, { labels: ['a', 'b', 'c'] });
    expect(Object.keys(files)).toEqual(['model.json', 'group1-shard1of1.bin']);
    expect(files['group1-shard1of1.bin']).toHaveLength(4 * (parameters.length + statistics.length));
    const json = JSON.parse(new TextDecoder().decode(files['model.json'])) as {
      format: string;
      userDefinedMetadata: unknown;
      weightsManifest: { paths: string[]; weights: { name: string; shape: number[]; dtype: string }[] }[];
    };
    expect(json.format).toBe('layers-model');
    expect(json.userDefinedMetadata).toEqual({ labels: ['a', 'b', 'c'] });
    const [{ paths, weights }] = json.weightsManifest as [(typeof json.weightsManifest)[0]];
    expect(paths).toEqual(['group1-shard1of1.bin']);
    expect(weights[0]).toMatchObject({ shape: [7, 6], dtype: 'float32' });
  });

  it('are the same bytes each time', async () => {
    const network = networks['convolution, residual block, recurrence']!;
    const { parameters, statistics } = weightsOf(network);
    const [first, second] = [
      await toTfjsFiles(network, parameters, statistics),
      await toTfjsFiles(network, parameters, statistics),
    ];
    expect(second).toEqual(first);
  });

  it('split large weights into shards of 4 MiB', async () => {
    const layers: LayerSpec[] = [{ dense: { units: 1100 } }, { dense: { units: 1000 } }];
    const network = { layers, inputShape: [2], classes: 2 };
    const { parameters, statistics } = weightsOf(network);
    const files = await toTfjsFiles(network, parameters, statistics);
    expect(Object.keys(files)).toEqual(['model.json', 'group1-shard1of2.bin', 'group1-shard2of2.bin']);
    expect(files['group1-shard1of2.bin']).toHaveLength(4 * 1024 * 1024);
    const read = await loadTfjsModel(files);
    const served = await loadModel(inferenceModel(network, parameters, statistics));
    const x = Float32Array.of(1, -1);
    expect((await read.predict(x, 1))[0]).toBeCloseTo((await served.predict(x, 1))[0]!, 5);
    await read.dispose();
    await served.dispose();
  });

  it('are refused where they are none, or not whole', async () => {
    const network = networks['dense']!;
    const { parameters, statistics } = weightsOf(network);
    const { 'model.json': json } = await toTfjsFiles(network, parameters, statistics);
    await expect(loadTfjsModel({})).rejects.toThrow(/missing[^]*model\.json/);
    await expect(loadTfjsModel({ 'model.json': json! })).rejects.toThrow(/missing[^]*group1-shard1of1\.bin/);
    await expect(loadTfjsModel({ 'model.json': new TextEncoder().encode('{') })).rejects.toThrow(DataError);
    await expect(loadTfjsModel({ 'model.json': new TextEncoder().encode('{}') })).rejects.toThrow(/modelTopology/);
  });
});
