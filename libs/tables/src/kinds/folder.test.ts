import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '@prosodia/core';
import { Report } from './folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const schema = {
  columns: [
    { name: 'clip_id', type: 'utf8' as const },
    { name: 'correct', type: 'bool' as const },
    { name: 'p_happy', type: 'float32' as const },
  ],
  metadata: {},
};

describe('FolderWriter.parquet', () => {
  it('writes one file that other tools open', async () => {
    const report = await Report.create(folder, { where: 'test' });
    await report.parquet('predictions.parquet', schema, [
      { clip_id: 'lab/1', correct: true, p_happy: 0.75 },
      { clip_id: 'lab/2', correct: false, p_happy: 0.25 },
    ]);
    await report.close();
    const connection = await (await DuckDBInstance.create()).connect();
    const result = await connection.runAndReadAll(`select * from '${join(folder, 'predictions.parquet')}'`);
    expect(result.getRows()).toEqual([
      ['lab/1', true, 0.75],
      ['lab/2', false, 0.25],
    ]);
  });

  it('names the column that a cell does not fit', async () => {
    const report = await Report.create(folder, { where: 'test' });
    const bad = report.parquet('x.parquet', schema, [{ clip_id: 'lab/1', correct: 'yes', p_happy: 0 }]);
    await expect(bad).rejects.toThrow(DataError);
    await expect(bad).rejects.toThrow(/column correct/);
  });
});
