import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError, LeakError, type StageDefinition } from '@prosodia/core';
import { readModel } from '@prosodia/nn';
import type { FolderWriter } from '@prosodia/tables';
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
import type { Quantized } from './quantized.ts';
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
  input: { name: string; width: number; features: unknown };
  output: { name: string; classes: number };
  best_epoch: number;
  parameters: number;
}

describe('train-network', () => {
  const bench = useWorkbench();
  const { clips, names, rows, inputs } = toyInputs();
  const params = {
    layers: [{ dense: { units: 16, activation: 'relu' } }],
    optimizer: { adam: { learning_rate: 0.02 } },
    batch_size: 8,
    epochs: 30,
  };
  const usual = () => bench.run(stage, { params, inputs });

  it('trains on as many threads as its parameter says, and its model tells how many', async () => {
    const { outputs } = await bench.run(stage, { params: { ...params, epochs: 1, threads: 3 }, inputs });
    const { metadata } = readModel(await outputs.model.bytes('model.onnx'));
    expect(JSON.parse(metadata['training']!)).toMatchObject({ threads: 3 });
  });

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
      clips.slice(0, 90).map(({ clip_id, role, emotion }) => ({
        clip_id,
        item_id: clip_id,
        fold: 0,
        role,
        label: emotion,
        seen: { train: 'fitted', validation: 'selected', test: 'unseen' }[role],
      })),
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

  it('says in the model what it was fed with: labels, features and where they come from', async () => {
    const { outputs } = await usual();
    const { metadata } = readModel(await outputs.model.bytes('model.onnx'));
    expect(JSON.parse(metadata['labels']!)).toEqual(['angry', 'happy', 'sad']);
    expect(JSON.parse(metadata['features']!)).toEqual({ layout: { form: 'scalars', names }, settings: {} });
    expect((await outputs.model.json<Contract>('model.json')).input.features).toEqual(
      JSON.parse(metadata['features']!),
    );
  });
});

describe('train-network, quantizing', () => {
  const bench = useWorkbench();
  const { inputs } = toyInputs();

  it.each(['auto', 8])('writes the int8 model and what it costs (buffer %s)', async (shuffle_buffer) => {
    const params = { ...SMALL, layers: [{ dense: { units: 64 } }], epochs: 20, shuffle_buffer, quantize: 'int8' };
    const { outputs, metrics, summary } = await bench.run(stage, { params, inputs });
    const { quantized } = await outputs.model.json<{ quantized: Quantized['facts'] }>('model.json');
    const int8 = await outputs.model.bytes(quantized.file);
    expect(quantized).toMatchObject({
      bytes: int8.length,
      dynamic: ['0_dense/kernel', 'output/kernel'],
      weight_only: [],
    });
    expect(quantized.validation!.rows).toBe(24);
    expect(quantized.validation!.agreement).toBeGreaterThan(0.9);
    expect(metrics).toMatchObject({
      int8_bytes: int8.length,
      int8_accuracy_change: quantized.validation!.int8_accuracy - quantized.validation!.accuracy,
    });
    expect(summary).toMatch(/^int8: \d+ kB instead of \d+ kB; validation accuracy [\d.]+ instead of [\d.]+ \([+-]/);
  });

  it('says so if there are no validation rows to judge by', async () => {
    const split = splitOf(toyInputs().clips.filter(({ role }) => role !== 'validation'));
    const { summary } = await bench.run(stage, {
      params: { ...SMALL, quantize: 'int8' },
      inputs: { ...inputs, split },
    });
    expect(summary).toMatch(/without validation rows its accuracy is not known/);
  });
});

describe('train-network, stopped on its way', () => {
  const bench = useWorkbench();
  const { inputs } = toyInputs();
  const params = { ...SMALL, epochs: 6, callbacks: { early_stopping: { patience: 5 } } };

  /** Runs until the checkpoint of the first epoch is kept, and cancels. Returns the scratch folder. */
  async function interrupted(): Promise<string> {
    const controller = new AbortController();
    const { job, run } = await bench.prepare(
      stopping(() => controller.abort()),
      { params, inputs } as never,
      {
        signal: controller.signal,
      },
    );
    await expect(run()).rejects.toThrow(CancelledError);
    return job.scratch;
  }

  it('goes on after the epoch it has kept, says so, and ends with the same bytes', async () => {
    const whole = await bench.run(stage, { params, inputs });
    expect(whole.notices).toEqual([]);
    const resumed = await bench.run(stage, { params, inputs }, { scratch: await interrupted() });
    expect(resumed.notices).toEqual(['goes on after epoch 1, where an earlier run was stopped']);
    expect(resumed.files).toEqual(whole.files);
  });

  it('does not trust a damaged checkpoint: says so and starts from the beginning, with the same bytes', async () => {
    const whole = await bench.run(stage, { params, inputs });
    const scratch = await interrupted();
    const file = join(scratch, 'checkpoint');
    const bytes = await readFile(file);
    bytes[bytes.length - 9]! ^= 1;
    for (const damaged of [bytes, bytes.subarray(0, 100), Buffer.from('')]) {
      await writeFile(file, damaged);
      const { notices, files } = await bench.run(stage, { params, inputs }, { scratch });
      expect(notices).toEqual([expect.stringMatching(/^starts from the beginning: the checkpoint .* cannot be used/)]);
      expect(files).toEqual(whole.files);
    }
  });

  it('trains on where no checkpoint can be written, and says so once', async () => {
    const whole = await bench.run(stage, { params, inputs });
    const scratch = join(await mkdtemp(join(tmpdir(), 'no-folder-')), 'file');
    await writeFile(scratch, '');
    const { notices, files } = await bench.run(stage, { params, inputs }, { scratch });
    expect(notices).toEqual([expect.stringMatching(/^no checkpoint could be written/)]);
    expect(files).toEqual(whole.files);
  });
});

describe('train-network on more rows than it holds', () => {
  const bench = useWorkbench();
  const { clips, names, rows, inputs } = toyInputs();

  it('reads them in each epoch, says so, and gives the same bytes twice', async () => {
    const params = { ...SMALL, shuffle_buffer: 20 };
    const first = await bench.run(stage, { params, inputs });
    expect(first.notices).toEqual(['features are read in each epoch, 20 rows of 48 held to draw from']);
    const second = await bench.run(stage, { params, inputs });
    expect(second.files).toEqual(first.files);
    expect((await first.outputs.predictions.all()).rows).toHaveLength(clips.length);
  });

  it('holds them all if they fit, and then the order is that of rows in memory', async () => {
    const held = await bench.run(stage, { params: { ...SMALL, shuffle_buffer: 48 }, inputs });
    const usual = await bench.run(stage, { params: SMALL, inputs });
    expect(held.notices).toEqual([]);
    expect(await held.outputs.model.bytes('model.onnx')).toEqual(await usual.outputs.model.bytes('model.onnx'));
  });

  it('refuses a row whose clip is not listed', async () => {
    const stranger = { ...rows[0]!, item: itemRow('toy/999') };
    const split = splitOf([...clips, { ...clips[0]!, clip_id: 'toy/999', role: 'train' }]);
    const attempt = bench.run(stage, {
      params: SMALL,
      inputs: { ...inputs, split, features: featureRows(names, [stranger, ...rows]) },
    });
    await expect(attempt).rejects.toThrow(/a feature row has no emotion[^]*clip toy\/999/);
  });
});

describe('train-network, starting from a model', () => {
  const bench = useWorkbench();
  const { clips, names, rows, inputs } = toyInputs();
  const params = { layers: [{ dense: { units: 8, activation: 'relu' } }], batch_size: 8, epochs: 12 };

  async function trained(change: object = {}, others: object = {}) {
    const { folders } = await bench.run(stage, { params: { ...params, ...change }, inputs: { ...inputs, ...others } });
    return modelIn(folders.model);
  }

  it('goes on from its weights: the first epoch is as good as its last', async () => {
    const first = await bench.run(stage, { params, inputs });
    const initial_model = modelIn(first.folders.model);
    const second = await bench.run(stage, { params: { ...params, epochs: 1 }, inputs: { ...inputs, initial_model } });
    const fresh = await bench.run(stage, { params: { ...params, epochs: 1 }, inputs });
    const loss = async ({ outputs }: typeof first) =>
      (await (await outputs.model.table('history')).all()).at(-1)!['val_loss'] as number;
    expect(await loss(second)).toBeLessThan((await loss(first)) + 0.05);
    expect(await loss(fresh)).toBeGreaterThan((await loss(first)) + 0.2);
  });

  it('refuses other layers, other labels and other features, and names them', async () => {
    const initial_model = await trained();
    const attempt = (change: object, others: object = {}) =>
      bench.run(stage, { params: { ...params, ...change }, inputs: { ...inputs, initial_model, ...others } });
    await expect(attempt({ layers: [{ dense: { units: 9, activation: 'relu' } }] })).rejects.toThrow(
      /layers\[0\][^]*has another network[^]*"units":8[^]*"units":9/,
    );
    await expect(attempt({ label: 'speaker' })).rejects.toThrow(/trained on other labels[^]*"angry"/);
    const renamed = names.map((name) => `${name}_other`);
    await expect(attempt({}, { features: featureRows(renamed, rows) })).rejects.toThrow(
      /trained on other features[^]*_other/,
    );
  });

  it('refuses a model that has seen a clip to be tested on, also by way of a third model', async () => {
    const swapped = clips.map((clip) => ({ ...clip, role: clip.role === 'test' ? ('train' as const) : clip.role }));
    const all = await trained({}, { split: splitOf(swapped) });
    const attempt = bench.run(stage, { params, inputs: { ...inputs, initial_model: all } });
    await expect(attempt).rejects.toThrow(LeakError);
    await expect(attempt).rejects.toThrow(/trained or validated on test clips[^]*24 of them/);
    const part = splitOf(clips.filter(({ role }) => role !== 'test'));
    const between = await trained({}, { split: part, initial_model: all });
    await expect(bench.run(stage, { params, inputs: { ...inputs, initial_model: between } })).rejects.toThrow(
      LeakError,
    );
  });
});

/** Clips of three emotions with features that tell them apart. */
function toyInputs() {
  const clips = toyClips({ clips: 96, emotions: ['angry', 'happy', 'sad'] });
  const { names, rows } = toyFeatures(clips);
  return {
    clips,
    names,
    rows,
    inputs: { features: featureRows(names, rows), split: splitOf(clips), clips: clipsOf(clips) },
  };
}

/** The stage, stopped as soon as it has kept something to go on from. */
function stopping(stop: () => void): StageDefinition {
  const { fit } = stage as unknown as StageDefinition;
  return {
    ...(stage as unknown as StageDefinition),
    fit: (context) => {
      const { scratch } = context;
      const kept: typeof scratch = {
        read: (name) => scratch.read(name),
        write: (name, bytes) => scratch.write(name, bytes).then(stop),
      };
      return fit!(Object.assign(Object.create(context) as typeof context, { scratch: kept }));
    },
  };
}

/** Fills an input with a copy of a model. */
function modelIn(folder: string) {
  return (writer: FolderWriter) => cp(folder, writer.folder, { recursive: true });
}
