import { type FittedScaler, invertScaler } from '@prosodia/stats';
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
    expect(outputs.features.metadata).toEqual({ hop_length: '128', scaled: 'standard' });
  });
});
