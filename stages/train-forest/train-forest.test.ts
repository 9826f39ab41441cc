import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  clipsOf,
  describeStage,
  featureRows,
  featuresOf,
  itemRow,
  seenAs,
  splitOf,
  toyClips,
  toyFeatures,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({
    // Labels that a tree cannot part at once, so that another seed grows other trees.
    params: { n_estimators: 5, max_features: 1 },
    inputs: { features: featuresOf(clips, { apart: 1 }), split: splitOf(clips), clips: clipsOf(clips) },
  }),
  empty: 'refused',
  one_row: 'refused',
  badParams: [{ params: { max_features: 'all' }, path: 'max_features' }],
});

interface Contract {
  labels: string[];
  input: { name: string; width: number };
  output: { name: string; classes: number };
  oob_score?: number;
  feature_importances: Record<string, number>;
  permutation_importances?: Record<string, { mean: number; std: number }>;
}

describe('train-forest', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 96, emotions: ['angry', 'happy', 'sad'] });
  const { names, rows } = toyFeatures(clips);
  const inputs = { features: featureRows(names, rows), split: splitOf(clips), clips: clipsOf(clips) };
  const usual = () => bench.run(stage, { params: { n_estimators: 20, oob_score: true }, inputs });

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
      params: { n_estimators: 2 },
      inputs: {
        ...inputs,
        features: featureRows(names, [extra, ...rows]),
        split: splitOf(clips.slice(0, 90)),
      },
    });
    const { rows: predicted } = await outputs.predictions.all();
    expect(predicted).toEqual(
      clips.slice(0, 90).map(({ clip_id, role, emotion }) => ({
        clip_id,
        item_id: clip_id,
        fold: 0,
        role,
        label: emotion,
        seen: seenAs(role),
      })),
    );
  });

  it('records what it was fitted on: validation rows too where it was told so', async () => {
    const { outputs } = await bench.run(stage, {
      params: { n_estimators: 2, fit_on: ['train', 'validation'] },
      inputs,
    });
    for (const { role, seen } of (await outputs.predictions.all()).rows) {
      expect(seen).toBe(role === 'test' ? 'unseen' : 'fitted');
    }
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

  it('records its contract, its importances and its accuracy on rows left out of each tree', async () => {
    const { outputs, metrics } = await usual();
    const contract = await outputs.model.json<Contract>('model.json');
    expect(contract).toMatchObject({ labels: ['angry', 'happy', 'sad'], output: { classes: 3 }, input: { width: 4 } });
    expect(Object.keys(contract.feature_importances)).toEqual(names);
    expect(Object.values(contract.feature_importances).reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 6);
    expect(contract.oob_score).toBe(metrics['oob_score']);
    expect(metrics['oob_score']).toBeGreaterThan(0.9);
  });

  it('weighs classes by label as told, and refuses a label that is none', async () => {
    const share = async (class_weight: unknown) => {
      const { outputs } = await bench.run(stage, { params: { n_estimators: 10, max_depth: 1, class_weight }, inputs });
      const { probabilities } = await outputs.predictions.all();
      return (
        [...probabilities].filter((_, i) => i % 3 === 2).reduce((sum, p) => sum + p, 0) / (probabilities.length / 3)
      );
    };
    const [plain, heavy] = [await share('none'), await share({ sad: 5 })];
    expect(heavy).toBeGreaterThan(plain + 0.05);
    await expect(share({ sat: 5 })).rejects.toThrow(/unknown class "sat"[^]*did you mean "sad"\?/);
  });

  it('lets altered copies weigh nothing, or what they are told to', async () => {
    const noise = rows.map(({ item, values }, i) => ({
      item: itemRow(item.clip_id, {
        item_id: `${item.item_id}+1`,
        parent_item_id: item.item_id,
        augmentation: 'gain',
      }),
      // A copy that says the opposite: the features of a clip of another label.
      values: rows[(i + 1) % rows.length]!.values.map((x, c) => x + 0 * values[c]!),
    }));
    const right = async (augmented_weight: number) => {
      const { outputs } = await bench.run(stage, {
        params: { n_estimators: 10, augmented_weight },
        inputs: { ...inputs, features: featureRows(names, [...rows, ...noise]) },
      });
      const { rows: predicted, probabilities } = await outputs.predictions.all();
      const { labels } = outputs.predictions;
      return predicted.reduce((sum, { label }, r) => sum + probabilities[3 * r + labels.indexOf(label)]!, 0) / 96;
    };
    const [ignored, equal] = [await right(0), await right(1)];
    expect(ignored).toBeGreaterThan(0.8);
    expect(equal).toBeLessThan(ignored - 0.2);
  });

  it('says what shuffling a feature costs on validation rows', async () => {
    const params = { n_estimators: 20, permutation_repeats: 3 };
    const { outputs } = await bench.run(stage, { params, inputs });
    const { permutation_importances = {} } = await outputs.model.json<Contract>('model.json');
    expect(Object.keys(permutation_importances)).toEqual(names);
    expect(Math.max(...Object.values(permutation_importances).map(({ mean }) => mean))).toBeGreaterThan(0.05);
    expect((await (await usual()).outputs.model.json<Contract>('model.json')).permutation_importances).toBeUndefined();
  });

  it('refuses to judge features on rows it was fitted on (planted leak), or on none', async () => {
    const params = { n_estimators: 2, permutation_repeats: 1 };
    const leaking = { ...params, fit_on: ['train', 'validation'] };
    await expect(bench.run(stage, { params: leaking, inputs })).rejects.toThrow(/validation rows[^]*were fitted on/);
    const others = { ...inputs, split: splitOf(clips.filter(({ role }) => role !== 'validation')) };
    await expect(bench.run(stage, { params, inputs: others })).rejects.toThrow(/no validation rows to shuffle/);
  });

  it('refuses a label column that is not there, with the nearest name, and a clip that is not listed', async () => {
    await expect(bench.run(stage, { params: { label: 'emotoin' }, inputs })).rejects.toThrow(/did you mean emotion\?/);
    const few = { ...inputs, clips: clipsOf(clips.slice(1)) };
    await expect(bench.run(stage, { params: { n_estimators: 2 }, inputs: few })).rejects.toThrow(
      /got: {6}clip toy\/000/,
    );
  });
});
