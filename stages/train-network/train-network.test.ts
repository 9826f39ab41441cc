import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  clipsOf,
  describeStage,
  featureRows,
  featuresOf,
  itemRow,
  splitOf,
  toyClips,
  toyFeatures,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

const SMALL = { layers: [{ dense: { units: 4, activation: 'relu' } }, { dropout: 0.2 }], epochs: 2, batch_size: 4 };

describeStage(stage, {
  fixture: (clips) => ({
    params: { ...SMALL, callbacks: { early_stopping: { patience: 1 } } },
    inputs: { features: featuresOf(clips), split: splitOf(clips), clips: clipsOf(clips) },
  }),
  empty: 'refused',
  one_row: 'refused',
  badParams: [
    { params: { layers: [{ dense: { unit: 4 } }] }, path: 'layers.0.dense.unit' },
    { params: { layers: [{ dens: { units: 4 } }] }, path: 'layers.0.dens' },
    { params: { optimizer: { adam: { learning_rate: -1 } } }, path: 'optimizer.adam.learning_rate' },
    { params: { callbacks: { early_stopping: { monitor: 'test_loss' } } }, path: 'callbacks.early_stopping.monitor' },
  ],
});

interface Contract {
  labels: string[];
  input: { name: string; width: number };
  output: { name: string; classes: number };
  best_epoch: number;
  parameters: number;
}

describe('train-network', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 96, emotions: ['angry', 'happy', 'sad'] });
  const { names, rows } = toyFeatures(clips);
  const inputs = { features: featureRows(names, rows), split: splitOf(clips), clips: clipsOf(clips) };
  const params = {
    layers: [{ dense: { units: 16, activation: 'relu' } }],
    optimizer: { adam: { learning_rate: 0.02 } },
    batch_size: 8,
    epochs: 30,
  };
  const usual = () => bench.run(stage, { params, inputs });

  it('learns what can be learned: over 95 % of the test rows', async () => {
    const { outputs } = await usual();
    const { rows: predicted, probabilities } = await outputs.predictions.all();
    const { labels } = outputs.predictions;
    expect(labels).toEqual(['angry', 'happy', 'sad']);
    const right = predicted.map(({ label }, r) => {
      const own = [...probabilities.subarray(r * 3, r * 3 + 3)];
      return labels[own.indexOf(Math.max(...own))] === label;
    });
    const tested = predicted.flatMap(({ role }, r) => (role === 'test' ? [right[r]!] : []));
    expect(tested).toHaveLength(24);
    expect(tested.filter(Boolean).length / tested.length).toBeGreaterThan(0.95);
  });

  it('predicts every recorded item that has a role, and no augmented copy', async () => {
    const copy = itemRow(clips[0]!.clip_id, { item_id: 'toy/000+1', parent_item_id: 'toy/000', augmentation: 'gain' });
    const extra = { ...rows[0]!, item: copy };
    const { outputs } = await bench.run(stage, {
      params: SMALL,
      inputs: { ...inputs, features: featureRows(names, [extra, ...rows]), split: splitOf(clips.slice(0, 90)) },
    });
    const { rows: predicted } = await outputs.predictions.all();
    expect(predicted).toEqual(
      clips
        .slice(0, 90)
        .map(({ clip_id, role, emotion }) => ({ clip_id, item_id: clip_id, fold: 0, role, label: emotion })),
    );
  });

  it('serves what it trained: ONNX Runtime gives the same probabilities from the model file', async () => {
    const { outputs } = await usual();
    const contract = await outputs.model.json<Contract>('model.json');
    const session = await InferenceSession.create(await outputs.model.bytes('model.onnx'));
    const data = Float32Array.from(rows.flatMap(({ values }) => [...values]));
    const input = new Tensor('float32', data, [rows.length, contract.input.width]);
    const result = await session.run({ [contract.input.name]: input });
    const served = result[contract.output.name]!.data as Float32Array;
    const { probabilities } = await outputs.predictions.all();
    expect(served).toHaveLength(probabilities.length);
    served.forEach((p, i) => expect(Math.abs(p - probabilities[i]!)).toBeLessThan(1e-6));
    await session.release();
  });

  it('keeps one history row per epoch, with validation columns if there are validation rows', async () => {
    const { outputs, metrics } = await bench.run(stage, { params: SMALL, inputs });
    const history = await (await outputs.model.table('history')).all();
    expect(history.map((row) => row['epoch'])).toEqual([1, 2]);
    for (const row of history) {
      for (const column of ['loss', 'accuracy', 'val_loss', 'val_accuracy', 'learning_rate']) {
        expect(row[column]).toEqual(expect.any(Number));
      }
    }
    expect(metrics).toMatchObject({ epochs: 2, parameters: 4 * 4 + 4 + 4 * 3 + 3 });

    const unwatched = clips.filter(({ role }) => role !== 'validation');
    const without = await bench.run(stage, { params: SMALL, inputs: { ...inputs, split: splitOf(unwatched) } });
    const [first] = await (await without.outputs.model.table('history')).all();
    expect(first).toMatchObject({ val_loss: null, val_accuracy: null });
  });

  it('stops early by the validation rows and keeps the best epoch', async () => {
    const callbacks = { early_stopping: { patience: 2, min_delta: 10 } };
    const { outputs, metrics } = await bench.run(stage, { params: { ...params, callbacks }, inputs });
    expect(metrics['epochs']).toBe(3);
    expect((await outputs.model.json<Contract>('model.json')).best_epoch).toBe(metrics['best_epoch']);
  });

  it('takes a matrix per item in its shape', async () => {
    const { outputs } = await bench.run(stage, {
      params: { ...SMALL, layers: [{ conv1d: { filters: 3, kernel_size: 3, padding: 'same' } }, { flatten: {} }] },
      inputs: {
        ...inputs,
        features: async (writer) => {
          writer.begin({ form: 'matrix', shape: [6, 2], axes: ['frame', 'band'] });
          for (const { item, values } of rows) {
            await writer.append(
              item,
              Float32Array.from({ length: 12 }, (_, i) => values[i % 4]!),
            );
          }
        },
      },
    });
    const { rows: predicted } = await outputs.predictions.all();
    expect(predicted).toHaveLength(96);
  });
});
