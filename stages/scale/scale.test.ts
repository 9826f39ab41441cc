import { type FittedScaler, invertScaler } from '@prosodia/stats';
import type { FeatureWriter } from '@prosodia/tables';
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
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { features: featuresOf(clips), split: splitOf(clips) } }),
  empty: 'refused',
  one_row: 'works',
});

describe('scale', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 32 });
  const { names, rows } = toyFeatures(clips);
  const given = rows.flatMap(({ values }) => [...values]);
  const split = splitOf(clips);
  const run = (params = {}) => bench.run(stage, { params, inputs: { features: featureRows(names, rows), split } });
  const training = rows.filter((_, i) => clips[i]!.role === 'train').map(({ values }) => values);

  it.each(['standard', 'minmax', 'robust'])(
    'applies the %s scaler it has written, and it can be undone',
    async (kind) => {
      const { outputs, notices } = await run({ kind });
      expect(notices).toEqual([]);
      const scaler = await outputs.scaler.json<FittedScaler>('scaler.json');
      expect(scaler).toMatchObject({ kind, rows: training.length, names, constant: [] });
      const { values, items } = await outputs.features.all();
      expect(items).toEqual(rows.map(({ item }) => item));
      values.forEach((value, i) => {
        const j = i % names.length;
        expect(value).toBeCloseTo((given[i]! - scaler.center[j]!) / scaler.scale[j]! + scaler.offset, 5);
      });
      const restored = invertScaler(scaler, { data: values, rows: rows.length, cols: names.length });
      restored.data.forEach((value, i) => expect(value).toBeCloseTo(given[i]!, 4));
    },
  );

  it('writes the scaler as an ONNX model that gives the same features', async () => {
    const { outputs } = await run({ kind: 'robust' });
    const session = await InferenceSession.create(await outputs.scaler.bytes('scaler.onnx'));
    const tensor = new Tensor('float32', Float32Array.from(given), [rows.length, names.length]);
    const { transformed } = await session.run({ features: tensor });
    expect(transformed!.data).toEqual((await outputs.features.all()).values);
  });

  it('brings training rows to mean 0 and deviation 1, or into the range 0 to 1', async () => {
    const scaled = async (kind: string) => {
      const { values } = await (await run({ kind })).outputs.features.all();
      return names.map((_, j) =>
        [...clips.keys()].filter((i) => clips[i]!.role === 'train').map((i) => values[i * 4 + j]!),
      );
    };
    for (const column of await scaled('standard')) {
      const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
      expect(mean).toBeCloseTo(0, 5);
      expect(column.reduce((sum, x) => sum + x * x, 0) / column.length).toBeCloseTo(1, 5);
    }
    for (const column of await scaled('minmax')) expect([Math.min(...column), Math.max(...column)]).toEqual([0, 1]);
  });

  it('says which features are constant in the training rows, and makes them zero there', async () => {
    const constant = clips.map(({ clip_id, role }, i) => ({
      item: itemRow(clip_id),
      values: [i, role === 'train' ? 7 : i],
    }));
    const { outputs, notices } = await bench.run(stage, {
      inputs: { features: featureRows(['varies', 'stays'], constant), split },
    });
    expect(notices).toEqual(['1 features are constant in the training rows: stays']);
    const { values } = await outputs.features.all();
    clips.forEach(({ role }, i) => expect(values[i * 2 + 1]).toBe(role === 'train' ? 0 : i - 7));
  });

  it('keeps the layout and settings of a matrix per item', async () => {
    const { outputs } = await bench.run(stage, {
      inputs: {
        split,
        features: async (writer) => {
          writer.begin({ form: 'matrix', shape: [3, 2], axes: ['frame', 'band'] }, { hop_length: '128' });
          for (const [i, { clip_id }] of clips.entries()) {
            await writer.append(itemRow(clip_id), Float32Array.of(i, 2 * i, -i, i, 1, 0.5 * i));
          }
        },
      },
    });
    expect(outputs.features.layout).toEqual({ form: 'matrix', shape: [3, 2], axes: ['frame', 'band'] });
    expect(outputs.features.metadata).toEqual({
      hop_length: '128',
      scaled: 'standard',
      units: '{"*":"standard deviations"}',
    });
  });

  describe('of a matrix per item', () => {
    const matrix =
      (shape: number[], axes: string[], value: (clip: number, i: number) => number) =>
      async (writer: FeatureWriter) => {
        writer.begin({ form: 'matrix', shape, axes });
        const width = shape.reduce((product, n) => product * n, 1);
        for (const [c, { clip_id }] of clips.entries()) {
          const values = Float32Array.from({ length: width }, (_, i) => value(c, i));
          await writer.append(itemRow(clip_id), values, (c % 4) / 4);
        }
      };
    const trained = clips.flatMap(({ role }, i) => (role === 'train' ? [i] : []));
    const stretch = async (features: ReturnType<typeof matrix>, params = {}) => {
      const { outputs } = await bench.run(stage, { params, inputs: { features, split } });
      const { values, width, padding } = await outputs.features.all();
      const scaler = await outputs.scaler.json<FittedScaler>('scaler.json');
      return { rows: trained.map((i) => values.subarray(i * width, (i + 1) * width)), scaler, padding };
    };
    const variance = (values: number[]) => {
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length };
    };
    /** Band 1 a hundred times band 0, and rising over time. */
    const rising = matrix([3, 2], ['frame', 'band'], (c, i) => (i % 2 ? 100 : 1) * (c + (i >> 1)));

    it('scales all frames of a band alike, and hands the share of padding on', async () => {
      const { rows, scaler, padding } = await stretch(rising);
      for (const band of [0, 1]) {
        const all = rows.flatMap((row) => [0, 1, 2].map((frame) => row[frame * 2 + band]!));
        expect(variance(all).mean).toBeCloseTo(0, 5);
        expect(variance(all).variance).toBeCloseTo(1, 4);
        expect(rows[0]![4 + band]!).toBeGreaterThan(rows[0]![band]!);
      }
      expect(scaler.center).toHaveLength(6);
      expect(scaler.center[0]).toBe(scaler.center[4]);
      expect(scaler.rows).toBe(trained.length);
      expect([...padding!]).toEqual(clips.map((_, c) => (c % 4) / 4));
    });

    it('scales each number by itself on request, as after flattening', async () => {
      const { rows } = await stretch(rising, { per: 'column' });
      for (const i of [0, 3, 5]) expect(variance(rows.map((row) => row[i]!)).variance).toBeCloseTo(1, 4);
    });

    it('scales stacked channels per band of a channel, or per channel', async () => {
      const value = (c: number, i: number) => (i % 2 ? 1000 : 1) * (c + i) + (i < 6 ? 0 : 5);
      const stacked = matrix([2, 3, 2], ['band', 'frame', 'channel'], value);
      const band = await stretch(stacked);
      for (const [b, channel] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const all = band.rows.flatMap((row) => [0, 1, 2].map((frame) => row[(b * 3 + frame) * 2 + channel]!));
        expect(variance(all).variance).toBeCloseTo(1, 4);
      }
      const whole = await stretch(stacked, { per: 'channel' });
      const all = whole.rows.flatMap((row) => [...row].filter((_, i) => i % 2 === 1));
      expect(variance(all).variance).toBeCloseTo(1, 4);
      expect(new Set(whole.scaler.center).size).toBe(2);
    });

    it('refuses bands of features that have none', async () => {
      await expect(run({ per: 'band' })).rejects.toThrow(/no bands[^]*named columns/);
    });
  });
});
