import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError, Shelf } from '@prosodia/core';
import {
  AudioTable,
  FeatureTable,
  PredictionTable,
  SplitTable,
  TableReader,
  TableWriter,
  type AudioRow,
  type ItemRow,
} from './index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-tables-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const here = { where: 'test' };

function item(i: number): ItemRow {
  return {
    clip_id: `demo/clip-${i}`,
    item_id: `demo/clip-${i}@0`,
    parent_item_id: i % 2 ? `demo/clip-${i}` : null,
    start_s: 0,
    end_s: i / 7,
    augmentation: null,
    augmentation_params: null,
    seed: null,
  };
}

function audio(i: number, length: number): AudioRow {
  const samples = Float32Array.from({ length }, (_, n) => Math.sin(n * 0.1 + i));
  return { ...item(i), sample_rate: 16000, samples };
}

function bytesOf({ samples }: AudioRow): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}

async function digest(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort()) hash.update(await readFile(join(folder, name)));
  return hash.digest('hex');
}

describe('audio table', () => {
  it('gives back samples bit for bit, across several parts, empty clips included', async () => {
    const writer = await AudioTable.create(folder, here);
    const rows = [audio(0, 0), ...Array.from({ length: 10 }, (_, i) => audio(i + 1, 1_000_000 + i))];
    for (const row of rows) await writer.append(row);
    await writer.close();
    expect((await readdir(folder)).length).toBe(2); // 40 MB of samples, 32 MiB a part
    const reader = await AudioTable.open(folder, here);
    let i = 0;
    for await (const row of reader.rows()) {
      expect(Buffer.compare(Buffer.from(row.samples.slice().buffer), Buffer.from(rows[i]!.samples.buffer))).toBe(0);
      const { samples: _a, ...rest } = row;
      const { samples: _b, ...expected } = rows[i]!;
      expect(rest).toEqual(expected);
      i++;
    }
    expect(i).toBe(rows.length);
  });

  it('shows only the rows of its view, whatever columns are asked for', async () => {
    const writer = await AudioTable.create(folder, here);
    for (let i = 0; i < 6; i++) await writer.append(audio(i, 10 + i));
    await writer.close();
    const view = { description: 'even clips', keep: (id: string) => Number(id.at(-1)) % 2 === 0 };
    const reader = await AudioTable.open(folder, { ...here, view });
    expect(await reader.count()).toBe(3);
    const lengths: number[] = [];
    for await (const batch of reader.batches(['samples'])) {
      const samples = batch.column<Float32Array>('samples');
      for (let i = 0; i < batch.length; i++) lengths.push(samples.at(i).length);
    }
    expect(lengths).toEqual([10, 12, 14]);
  });
});

describe('feature table', () => {
  const layout = { form: 'scalars', names: ['mfcc_00_mean', 'rms_std'] } as const;

  it('keeps names, metadata and numbers of scalar columns', async () => {
    const writer = await FeatureTable.create(folder, here);
    writer.begin(layout, { hop_length: '512' });
    for (let i = 0; i < 5; i++) await writer.append(item(i), Float32Array.of(i + 0.1, -i));
    await writer.close();
    const reader = await FeatureTable.open(folder, here);
    expect(reader.layout).toEqual(layout);
    expect(reader.metadata).toEqual({ hop_length: '512' });
    const { items, values } = await reader.all();
    expect(items).toEqual(Array.from({ length: 5 }, (_, i) => item(i)));
    expect(values).toEqual(Float32Array.from([0.1, -0, 1.1, -1, 2.1, -2, 3.1, -3, 4.1, -4]));
  });

  it('keeps the shape of matrices', async () => {
    const writer = await FeatureTable.create(folder, here);
    writer.begin({ form: 'matrix', shape: [2, 3], axes: ['band', 'frame'] });
    await writer.append(item(1), Float32Array.of(1, 2, 3, 4, 5, 6));
    await writer.close();
    const reader = await FeatureTable.open(folder, here);
    expect(reader.layout).toEqual({ form: 'matrix', shape: [2, 3], axes: ['band', 'frame'] });
    expect(reader.columnNames()[4]).toBe('values[1,1]');
    expect((await reader.all()).values).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it('gives the numbers of one part, in any order, restricted to its view', async () => {
    const writer = await FeatureTable.create(folder, here);
    writer.begin({ form: 'matrix', shape: [1000, 1000], axes: ['frame', 'band'] });
    const row = (i: number) => new Float32Array(1_000_000).fill(i);
    for (let i = 0; i < 12; i++) await writer.append(item(i), row(i));
    await writer.close();
    const reader = await FeatureTable.open(folder, here);
    expect(reader.table.partCount).toBe(2);
    const second = await reader.values(1);
    const first = await reader.values(0);
    const all = await reader.all();
    expect(first.length + second.length).toBe(12_000_000);
    expect(
      Buffer.compare(Buffer.from(all.values.buffer), Buffer.concat([first, second].map((x) => Buffer.from(x.buffer)))),
    ).toBe(0);
    expect(all.items).toHaveLength(12);
    expect(all.padding).toHaveLength(12);
    const view = { description: 'one row', keep: (id: string) => id === item(10).clip_id };
    const one = await FeatureTable.open(folder, { ...here, view });
    expect([(await one.values(0)).length, (await one.values(1))[0]]).toEqual([0, 10]);
  });

  it('has a schema even without a row', async () => {
    const writer = await FeatureTable.create(folder, here);
    writer.begin(layout);
    await writer.close();
    const reader = await FeatureTable.open(folder, here);
    expect(reader.layout).toEqual(layout);
    expect((await reader.all()).items).toEqual([]);
  });

  it('refuses a number that is not finite, naming the item', async () => {
    const writer = await FeatureTable.create(folder, here);
    writer.begin(layout);
    await expect(writer.append(item(3), Float32Array.of(1, NaN))).rejects.toThrow(/item demo\/clip-3@0/);
  });
});

describe('predictions', () => {
  const row = { clip_id: 'a', item_id: 'a', fold: 0, role: 'test', label: 'sad', seen: 'unseen' } as const;

  it('keeps labels and probabilities', async () => {
    const writer = await PredictionTable.create(folder, here);
    writer.begin(['angry', 'sad']);
    await writer.append(row, Float32Array.of(0.25, 0.75));
    await writer.close();
    const reader = await PredictionTable.open(folder, here);
    expect(reader.labels).toEqual(['angry', 'sad']);
    expect(await reader.all()).toEqual({ rows: [row], probabilities: Float32Array.of(0.25, 0.75) });
  });

  it('refuses numbers that are no probabilities', async () => {
    const writer = await PredictionTable.create(folder, here);
    writer.begin(['angry', 'sad']);
    await expect(writer.append(row, Float32Array.of(0.5, 0.75))).rejects.toThrow(DataError);
    await expect(writer.append(row, Float32Array.of(NaN, 1))).rejects.toThrow(DataError);
  });
});

describe('reading what is not right', () => {
  it('names a missing fold and those there are', async () => {
    const writer = await SplitTable.create(folder, here);
    await writer.append({ clip_id: 'a', fold: 0, role: 'train' });
    await writer.close();
    const reader = await SplitTable.open(folder, here);
    expect(await reader.roles(0)).toEqual(new Map([['a', 'train']]));
    await expect(reader.roles(4)).rejects.toThrow(/no fold 4[\s\S]*one of: 0/);
  });

  it('refuses a table of another kind', async () => {
    const writer = await SplitTable.create(folder, here);
    await writer.close();
    await expect(AudioTable.open(folder, here)).rejects.toThrow(/expected: kind audio[\s\S]*got: {6}kind split/);
  });

  it('says which file is damaged', async () => {
    await writeFile(join(folder, 'part-00000.parquet'), 'no parquet');
    await expect(TableReader.open(folder, here)).rejects.toThrow(/part-00000\.parquet: not a readable Parquet file/);
    await rm(join(folder, 'part-00000.parquet'));
    const writer = await SplitTable.create(folder, here);
    await writer.append({ clip_id: 'a', fold: 0, role: 'train' });
    await writer.close();
    await truncate(join(folder, 'part-00000.parquet'), 40);
    await expect(SplitTable.open(folder, here)).rejects.toThrow(DataError);
  });

  it('refuses a cell of the wrong type, naming the column', async () => {
    const writer = await SplitTable.create(folder, here);
    const bad = { clip_id: 'a', fold: 0.5, role: 'train' } as const;
    await expect(writer.append(bad)).rejects.toThrow(/column fold/);
  });
});

describe('a table on a shelf', () => {
  const columns = [
    { name: 'clip_id', type: 'utf8' as const },
    { name: 'n', type: 'int32' as const, metadata: { unit: 's' } },
    { name: 'x', type: 'float64' as const, nullable: true },
    { name: 'third', type: 'float32' as const },
    { name: 'ok', type: 'bool' as const },
    { name: 'samples', type: 'list' as const },
    { name: 'matrix', type: { fixed: 2 } },
    { name: 'a', type: 'float32' as const },
    { name: 'b', type: 'float32' as const },
  ];
  const view = { description: 'odd rows', keep: (id: string) => Number(id.slice(4)) % 2 === 1 };

  /** Everything a reader says of seven rows, written with this shelf. */
  async function told(shelf: Shelf | undefined) {
    const own = await mkdtemp(join(folder, 'table-'));
    const schema = { columns, metadata: { kind: 'mixed', sample_rate: '8000' } };
    const writer = new TableWriter(own, schema, { ...here, shelf }, 2);
    for (let i = 0; i < 7; i++) {
      const numbers = Float32Array.of(i / 3, -i);
      const x = i % 3 === 0 ? null : i / 7;
      const samples = Float32Array.from({ length: i }, (_, k) => k / 3);
      const row = { clip_id: `clip${i}`, n: i - 3, x, third: i / 3, ok: i > 2, samples, matrix: numbers.slice() };
      await writer.append(row, numbers);
    }
    await writer.close();
    const answers: unknown[] = [];
    for (const options of [
      { ...here, shelf },
      { ...here, shelf, view },
    ]) {
      const reader = await TableReader.open(own, options);
      answers.push(reader.schema, await reader.count(), await reader.all(), await reader.all(['x', 'samples']));
      for await (const batch of reader.batches()) {
        answers.push(batch.block(['a', 'b']), batch.block(['b', 'third']), batch.column('a').at(1), batch.row(0));
        expect(() => batch.column('c')).toThrow(/no column c/);
        expect(() => batch.block(['n'])).toThrow(/not float32/);
      }
      for await (const batch of reader.batches(['x'])) expect(() => batch.block(['a', 'b'])).toThrow(/no column a/);
    }
    return { files: await readdir(own), answers };
  }

  it('says what the files would say, number by number', async () => {
    const inFiles = await told(undefined);
    const held = await told(new Shelf(10_000));
    expect(inFiles.files).toEqual(['part-00000.parquet']);
    expect(held.files).toEqual([]);
    expect(held.answers).toEqual(inFiles.answers);
    expect(await told(new Shelf(0))).toEqual(inFiles);
  });

  it('lies partly in files where there is no room for all of it', async () => {
    const rows = Array.from({ length: 10 }, (_, i) => audio(i, 2_000_000 + i));
    const shelf = new Shelf(40 * 2 ** 20);
    const writer = await AudioTable.create(folder, { ...here, shelf });
    for (const row of rows) await writer.append(row);
    await writer.close();
    expect(await readdir(folder)).toEqual(['part-00001.parquet']);
    const reader = await AudioTable.open(folder, { ...here, shelf });
    expect(await reader.count()).toBe(10);
    let i = 0;
    for await (const { item_id, samples } of reader.rows()) {
      expect(item_id).toBe(rows[i]!.item_id);
      expect(bytesOf({ samples } as AudioRow).equals(bytesOf(rows[i++]!))).toBe(true);
    }
  });

  it('hands every reader lists of its own', async () => {
    const shelf = new Shelf(10_000);
    const writer = await AudioTable.create(folder, { ...here, shelf });
    await writer.append(audio(0, 10));
    await writer.close();
    const read = async () => (await (await AudioTable.open(folder, { ...here, shelf })).all())[0]!.samples;
    (await read()).fill(9);
    expect(await read()).toEqual(audio(0, 10).samples);
  });
});

describe('the files', () => {
  it('are the same bytes for the same rows', async () => {
    const digests = [];
    for (let round = 0; round < 2; round++) {
      const writer = await AudioTable.create(folder, here);
      for (let i = 0; i < 4; i++) await writer.append(audio(i, 5000));
      await writer.close();
      digests.push(await digest());
      for (const name of await readdir(folder)) await rm(join(folder, name));
    }
    expect(digests[0]).toBe(digests[1]);
  });

  it('open in DuckDB with the documented columns', async () => {
    const writer = new TableWriter(
      folder,
      {
        columns: [
          { name: 'clip_id', type: 'utf8' },
          { name: 'n', type: 'int32' },
          { name: 'x', type: 'float64', nullable: true },
          { name: 'ok', type: 'bool' },
          { name: 'samples', type: 'list' },
          { name: 'matrix', type: { fixed: 2 } },
        ],
        metadata: { sample_rate: '16000' },
      },
      here,
    );
    await writer.append({
      clip_id: 'ä',
      n: 3,
      x: null,
      ok: true,
      samples: Float32Array.of(1, 2, 3),
      matrix: Float32Array.of(4, 5),
    });
    await writer.append({
      clip_id: 'b',
      n: -3,
      x: 0.5,
      ok: false,
      samples: new Float32Array(),
      matrix: Float32Array.of(6, 7),
    });
    await writer.close();
    const connection = await (await DuckDBInstance.create()).connect();
    const result = await connection.runAndReadAll(
      `select clip_id, n, x, ok, len(samples) as len, list_sum(samples) as total, list_extract(matrix, 2) as second
       from read_parquet('${folder}/*.parquet') order by n desc`,
    );
    expect(result.getRowObjects()).toEqual([
      { clip_id: 'ä', n: 3, x: null, ok: true, len: 3n, total: 6, second: 5 },
      { clip_id: 'b', n: -3, x: 0.5, ok: false, len: 0n, total: null, second: 7 },
    ]);
  });
});
