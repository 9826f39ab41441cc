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

  it('refuses a label column that is not there, with the nearest name, and a clip that is not listed', async () => {
    await expect(bench.run(stage, { params: { label: 'emotoin' }, inputs })).rejects.toThrow(/did you mean emotion\?/);
    const few = { ...inputs, clips: clipsOf(clips.slice(1)) };
    await expect(bench.run(stage, { params: { n_estimators: 2 }, inputs: few })).rejects.toThrow(
      /got: {6}clip toy\/000/,
    );
  });
});
