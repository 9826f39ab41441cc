import { type FittedPca, inverseTransformPca } from '@prosodia/stats';
import {
  describeStage,
  featureRows,
  featuresOf,
  itemRow,
  splitOf,
  toyClips,
  toyFeatures,
  useWorkbench,
} from '@prosodia/runner/conformance';
import type { FolderReader } from '@prosodia/tables';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { features: featuresOf(clips), split: splitOf(clips) } }),
  empty: 'refused',
  one_row: 'refused',
});

interface Spectrum {
  rows: number;
  whiten: boolean;
  noise_variance: number;
  explained_variance: number[];
  explained_variance_ratio: number[];
  singular_values: number[];
}

/** The fitted transform as it was written. */
async function written(folder: FolderReader) {
  const spectrum = await folder.json<Spectrum>('pca.json');
  const rows = await (
    await folder.table<{ feature: string; mean: number; [name: string]: unknown }>('components')
  ).all();
  const names = Object.keys(rows[0]!).slice(2);
  return {
    ...spectrum,
    features: rows.map(({ feature }) => feature),
    mean: rows.map(({ mean }) => mean),
    names,
    /** By component, its loadings. */
    components: names.map((name) => rows.map((row) => row[name] as number)),
  };
}

describe('pca', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 32 });
  const { names: columns, rows } = toyFeatures(clips, { columns: 5 });
  const given = rows.flatMap(({ values }) => [...values]);
  const inputs = { features: featureRows(columns, rows), split: splitOf(clips) };
  const run = (params: Record<string, unknown>) => bench.run(stage, { params, inputs });
  const source = async () => (await bench.run(stage, { inputs, params: { n_components: 5 } })).outputs.pca;

  it('projects every row by what it has written', async () => {
    for (const whiten of [false, true]) {
      const { outputs } = await run({ n_components: 3, whiten });
      const { mean, components, explained_variance, names } = await written(outputs.pca);
      expect(outputs.features.columnNames()).toEqual(names);
      expect(names).toEqual(['pc_0', 'pc_1', 'pc_2']);
      const { values, items } = await outputs.features.all();
      expect(items.map(({ item_id }) => item_id)).toEqual(clips.map(({ clip_id }) => clip_id));
      for (let r = 0; r < items.length; r++) {
        for (const [k, component] of components.entries()) {
          const dot = component.reduce((sum, loading, j) => sum + loading * (given[r * 5 + j]! - mean[j]!), 0);
          const expected = whiten ? dot / Math.sqrt(explained_variance[k]!) : dot;
          expect(values[r * 3 + k]).toBeCloseTo(expected, 4);
        }
      }
    }
  });

  it('writes the projection as an ONNX model that gives the same components', async () => {
    const { outputs } = await run({ n_components: 3, whiten: true });
    const session = await InferenceSession.create(await outputs.pca.bytes('pca.onnx'));
    const tensor = new Tensor('float32', Float32Array.from(given), [rows.length, 5]);
    const { transformed } = await session.run({ features: tensor });
    const { values } = await outputs.features.all();
    (transformed!.data as Float32Array).forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 6));
  });

  it('fits mean and orthonormal components on the training rows', async () => {
    const { mean, components, rows: fitted, features } = await written(await source());
    const training = [...clips.keys()].filter((i) => clips[i]!.role === 'train');
    expect(fitted).toBe(training.length);
    expect(features).toEqual(['f0', 'f1', 'f2', 'f3', 'f4']);
    mean.forEach((value, j) => {
      const expected = training.reduce((sum, i) => sum + given[i * 5 + j]!, 0) / training.length;
      expect(value).toBeCloseTo(expected, 6);
    });
    for (const [a, one] of components.entries()) {
      for (const [b, other] of components.entries()) {
        const dot = one.reduce((sum, x, j) => sum + x * other[j]!, 0);
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 8);
      }
    }
  });

  it('loses nothing with all components: the inverse gives the features back', async () => {
    const { outputs } = await run({ n_components: 5, whiten: true });
    const { mean, components, ...rest } = await written(outputs.pca);
    const pca: FittedPca = {
      ...rest,
      components: { data: Float64Array.from(components.flat()), rows: 5, cols: 5 },
      mean: Float64Array.from(mean),
      explained_variance: Float64Array.from(rest.explained_variance),
      explained_variance_ratio: Float64Array.from(rest.explained_variance_ratio),
      singular_values: Float64Array.from(rest.singular_values),
    };
    const { values, items } = await outputs.features.all();
    const restored = inverseTransformPca(pca, { data: values, rows: items.length, cols: 5 });
    restored.data.forEach((value, i) => expect(value).toBeCloseTo(given[i]!, 4));
  });

  it('keeps the fewest components whose share of variance exceeds the one asked for', async () => {
    const all = await written(await source());
    const { outputs, metrics } = await run({ n_components: 0.9 });
    const kept = outputs.features.width;
    const share = (n: number) => all.explained_variance_ratio.slice(0, n).reduce((sum, x) => sum + x, 0);
    expect(share(kept)).toBeGreaterThan(0.9);
    expect(share(kept - 1)).toBeLessThanOrEqual(0.9);
    expect(metrics).toEqual({
      components: kept,
      features: 5,
      variance_kept: expect.closeTo(share(kept), 10) as number,
    });
  });

  it('fits on validation rows too when told to', async () => {
    const { outputs } = await run({ fit_on: ['train', 'validation'] });
    expect((await written(outputs.pca)).rows).toBe(clips.filter(({ role }) => role !== 'test').length);
  });

  it('refuses more components than rows or columns can span, and rows that are all equal', async () => {
    await expect(run({ n_components: 6 })).rejects.toThrow(/more components than the rows can span/);
    const flat = featureRows(
      ['a', 'b'],
      clips.map(({ clip_id }) => ({ item: itemRow(clip_id), values: [1, 2] })),
    );
    await expect(bench.run(stage, { inputs: { ...inputs, features: flat } })).rejects.toThrow(/all rows are equal/);
  });

  it('refuses a matrix per item', async () => {
    await expect(
      bench.run(stage, {
        inputs: {
          ...inputs,
          features: async (writer) => {
            writer.begin({ form: 'matrix', shape: [2, 2], axes: ['frame', 'band'] });
            for (const { clip_id } of clips) await writer.append(itemRow(clip_id), new Float32Array(4));
          },
        },
      }),
    ).rejects.toThrow(/principal components are taken of named features/);
  });
});
