/**
 * The boundary to parquet-wasm: Arrow tables to Parquet bytes and back.
 *
 * zstd for all tables but those with samples, which get LZ4: zstd takes three times as long over them and
 * saves little more (docs/decisions/parquet.md has the figures).
 */
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Schema, type Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import {
  Compression,
  EnabledStatistics,
  ParquetFile,
  Table as WasmTable,
  WriterPropertiesBuilder,
  readParquet,
  writeParquet,
} from 'parquet-wasm';
import { DataError, messageOf } from '@prosodia/core';
import type { TableSchema } from './schema.ts';

/** Parquet bytes of a table whose columns follow `schema`. Same table, same bytes. */
export function encodeParquet(table: Table, schema: TableSchema): Uint8Array {
  const audio = schema.columns.some(({ type }) => type === 'list');
  let properties = new WriterPropertiesBuilder()
    .setCompression(audio ? Compression.LZ4_RAW : Compression.ZSTD)
    .setDictionaryEnabled(false)
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .setCreatedBy('prosodia');
  for (const { name, type } of schema.columns) {
    if (type === 'utf8') properties = properties.setColumnDictionaryEnabled(name, true);
  }
  return writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), properties.build());
}

/** Reads a whole Parquet file. Throws a DataError if it cannot be read or is not Parquet. */
export function readWhole(path: string, where: string): Promise<Table> {
  return guarded(where, async () => tableFromIPC(readParquet(await readFile(path)).intoIPCStream()));
}

/** Reads some columns of a Parquet file, and no other bytes of it. Throws as {@link readWhole}. */
export function readColumns(path: string, where: string, columns: readonly string[]): Promise<Table> {
  return withFile(path, where, async (file) =>
    tableFromIPC((await file.read({ columns: [...columns] })).intoIPCStream()),
  );
}

/** The Arrow schema of a Parquet file, from its footer. Throws as {@link readWhole}. */
export function readSchema(path: string, where: string): Promise<Schema> {
  return withFile(path, where, (file) => Promise.resolve(tableFromIPC(file.schema().intoIPCStream()).schema));
}

/** Number of rows of a Parquet file, from its footer. Throws as {@link readWhole}. */
export function readRowCount(path: string, where: string): Promise<number> {
  return withFile(path, where, (file) => Promise.resolve(file.metadata().fileMetadata().numRows()));
}

function withFile<T>(path: string, where: string, use: (file: ParquetFile) => Promise<T>): Promise<T> {
  return guarded(where, async () => {
    const file = await ParquetFile.fromFile(await openAsBlob(path));
    try {
      return await use(file);
    } finally {
      file.free();
    }
  });
}

async function guarded<T>(where: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new DataError(
      {
        problem: 'not a readable Parquet file',
        got: messageOf(cause),
        where,
        fix: 'if it came from the store, run again: damaged artifacts are recomputed',
      },
      { cause },
    );
  }
}
