import { describeStage, featureRows, featuresOf, itemRow, useWorkbench } from '@prosodia/runner/conformance';
import type { FeatureWriter } from '@prosodia/tables';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({
    inputs: { features: { whole: featuresOf(clips), parts: featuresOf(clips, { columns: 2 }) } },
  }),
  empty: 'works',
  one_row: 'works',
});

describe('join-features', () => {
  const bench = useWorkbench();
  const table = (names: string[], rows: Record<string, number[]>) =>
    featureRows(
      names,
      Object.entries(rows).map(([id, values]) => ({ item: itemRow(id), values })),
    );
  const run = async (features: Record<string, ReturnType<typeof table>>) => {
    const { outputs } = await bench.run(stage, { inputs: { features } });
    const { items, values } = await outputs.features.all();
    return { ids: items.map(({ item_id }) => item_id), values: [...values], names: outputs.features.columnNames() };
  };

  it('puts columns side by side by item, in the order of the first table', async () => {
    const out = await run({
      a: table(['x', 'y'], { 'toy/1': [1, 2], 'toy/2': [3, 4] }),
      b: table(['z'], { 'toy/2': [6], 'toy/1': [5] }),
    });
    expect(out).toEqual({ ids: ['toy/1', 'toy/2'], names: ['x', 'y', 'z'], values: [1, 2, 5, 3, 4, 6] });
  });

  it('puts the name of the stage before a column that an earlier table has', async () => {
    const out = await run({ a: table(['x'], { 'toy/1': [1] }), b: table(['x', 'y'], { 'toy/1': [2, 3] }) });
    expect(out.names).toEqual(['x', 'b.x', 'y']);
  });

  it('refuses an item that one table lacks, whichever it is, and names it', async () => {
    const [one, both] = [table(['x'], { 'toy/1': [1] }), table(['y'], { 'toy/1': [1], 'toy/2': [2] })];
    await expect(run({ a: one, b: both })).rejects.toThrow(/item toy\/2 is not in every table/);
    await expect(run({ a: both, b: one })).rejects.toThrow(/item toy\/2 is not in every table/);
  });

  it('refuses matrices', async () => {
    const matrix = async (writer: FeatureWriter) => {
      writer.begin({ form: 'matrix', shape: [1, 2], axes: ['frame', 'band'] });
      await writer.append(itemRow('toy/1'), Float32Array.of(1, 2));
    };
    await expect(bench.run(stage, { inputs: { features: { a: matrix } } })).rejects.toThrow(
      /only named columns[^]*form matrix, shape \[1, 2\]/,
    );
  });
});
