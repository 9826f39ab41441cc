import { Rng } from '@prosodia/core';
import {
  type ToyClip,
  type ToyItemRow,
  describeStage,
  featureRows,
  featuresOf,
  itemRow,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

/** Three segments of an item, numbered from 0. */
const segmentsOf = (clip_id: string, of: string, fields: Partial<ToyItemRow> = {}) =>
  [0, 1, 2].map((i) =>
    itemRow(clip_id, { ...fields, item_id: `${of}@${i}`, parent_item_id: of, start_s: i, end_s: i + 2 }),
  );

const valuesOf = ({ item_id }: ToyItemRow, width = 3) => {
  const rng = new Rng(0, item_id);
  return Array.from({ length: width }, () => rng.normal());
};

const segments = (clips: readonly ToyClip[]) =>
  featureRows(
    ['a', 'b', 'c'],
    clips.flatMap(({ clip_id }) => segmentsOf(clip_id, clip_id)).map((item) => ({ item, values: valuesOf(item) })),
  );

describeStage(stage, {
  fixture: (clips) => ({ inputs: { features: segments(clips) } }),
  empty: 'works',
  one_row: 'works',
  badParams: [{ params: { functionals: ['mean', 'median'] }, path: 'functionals.1' }],
});

describe('aggregate', () => {
  const bench = useWorkbench();
  const run = async (items: readonly ToyItemRow[], params = {}) => {
    const rows = items.map((item) => ({ item, values: valuesOf(item) }));
    const { outputs } = await bench.run(stage, { params, inputs: { features: featureRows(['a', 'b', 'c'], rows) } });
    return { reader: outputs.features, ...(await outputs.features.all()) };
  };

  it('takes mean, population deviation, minimum and maximum of every column, however rows are mixed', async () => {
    const mixed = new Rng(3).shuffle(['toy/1', 'toy/2', 'toy/3'].flatMap((id) => segmentsOf(id, id)));
    const { reader, items, values, width } = await run(mixed);
    expect(reader.columnNames()).toEqual(
      ['mean', 'std', 'min', 'max'].flatMap((name) => ['a', 'b', 'c'].map((column) => `${column}_${name}`)),
    );
    expect(items).toHaveLength(3);
    for (const [r, { item_id }] of items.entries()) {
      const rows = segmentsOf(item_id, item_id).map((item) => Float32Array.from(valuesOf(item)));
      for (let c = 0; c < 3; c++) {
        const column = rows.map((row) => row[c]!);
        const mean = column.reduce((sum, x) => sum + x, 0) / 3;
        const std = Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3);
        const found = [0, 1, 2, 3].map((f) => values[r * width + f * 3 + c]!);
        [mean, std, Math.min(...column), Math.max(...column)].forEach((x, f) => expect(found[f]).toBeCloseTo(x, 6));
      }
    }
  });

  it('takes only the functionals asked for, in their order', async () => {
    const { reader } = await run(segmentsOf('toy/1', 'toy/1'), { functionals: ['max', 'mean'] });
    expect(reader.columnNames()).toEqual(['a_max', 'b_max', 'c_max', 'a_mean', 'b_mean', 'c_mean']);
  });

  it('writes the row of the item the segments were cut from', async () => {
    const { items } = await run(segmentsOf('toy/1', 'toy/1'));
    expect(items).toEqual([itemRow('toy/1', { end_s: 4 })]);
  });

  it('keeps an augmented copy apart from its clip, with what was done to it', async () => {
    const done = { augmentation: 'gain', augmentation_params: '{"db":3}', seed: 5 };
    const { items } = await run([...segmentsOf('toy/1', 'toy/1'), ...segmentsOf('toy/1', 'toy/1+1', done)]);
    expect(items).toEqual([
      itemRow('toy/1', { end_s: 4 }),
      itemRow('toy/1', { ...done, item_id: 'toy/1+1', parent_item_id: 'toy/1', end_s: 4 }),
    ]);
  });

  it('makes an item that was cut from nothing a group of its own', async () => {
    const { items, values } = await run([itemRow('toy/1')], { functionals: ['mean', 'std'] });
    expect(items).toEqual([itemRow('toy/1')]);
    expect(values).toEqual(Float32Array.from([...valuesOf(itemRow('toy/1')), 0, 0, 0]));
  });

  it('refuses to mix a clip with copies that were never cut into segments', async () => {
    const copy = { augmentation: 'gain', augmentation_params: '{"db":3}', item_id: 'toy/1+1', parent_item_id: 'toy/1' };
    await expect(run([itemRow('toy/1'), itemRow('toy/1', copy)])).rejects.toThrow(
      /item toy\/1\+1: rows of one item were altered in different ways/,
    );
  });

  it('keeps the settings of the features', async () => {
    const { outputs } = await bench.run(stage, {
      inputs: {
        features: async (writer) => {
          writer.begin({ form: 'scalars', names: ['a'] }, { sample_rate: '8000' });
          await writer.append(itemRow('toy/1'), Float32Array.of(1));
        },
      },
    });
    expect(outputs.features.metadata).toEqual({ sample_rate: '8000' });
  });

  it('puts segments side by side in order of time, however rows are mixed', async () => {
    const mixed = new Rng(4).shuffle(['toy/1', 'toy/2'].flatMap((id) => segmentsOf(id, id)));
    const { reader, items, values, width } = await run(mixed, { segments: 'in_order' });
    expect(reader.columnNames()).toEqual([1, 2, 3].flatMap((part) => ['a', 'b', 'c'].map((c) => `${c}_part${part}`)));
    for (const [r, { item_id }] of items.entries()) {
      const expected = segmentsOf(item_id, item_id).flatMap((item) => [...Float32Array.from(valuesOf(item))]);
      expect([...values.subarray(r * width, (r + 1) * width)]).toEqual(expected);
    }
  });

  it('refuses to put different numbers of segments side by side', async () => {
    const uneven = [...segmentsOf('toy/1', 'toy/1'), ...segmentsOf('toy/2', 'toy/2').slice(1)];
    await expect(run(uneven, { segments: 'in_order' })).rejects.toThrow(
      /item toy\/2: items have different numbers of segments[^]*3, as toy\/1 has/,
    );
  });

  it('takes a table with no columns of its own', async () => {
    const { outputs } = await bench.run(stage, { inputs: { features: featuresOf([], { columns: 0 }) } });
    expect(await outputs.features.all()).toMatchObject({ items: [], width: 0 });
  });
});
