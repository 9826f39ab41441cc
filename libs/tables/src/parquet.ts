/**
 * The boundary to parquet-wasm: Arrow tables to Parquet bytes and back.
 *
 * zstd for all tables but those with samples, which get LZ4: zstd takes three times as long over them and
 * saves little more (docs/decisions/parquet.md has the figures).
 */
import { type Schema, type Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import {
  Compression,
  EnabledStatistics,
  type ReaderOptions,
  Table as WasmTable,
  WriterPropertiesBuilder,
  readParquet,
  readSchema,
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

/** Reads a whole Parquet file, or some of its columns. Throws a DataError if the bytes are not Parquet. */
export function decodeParquet(bytes: Uint8Array, where: string, columns?: readonly string[]): Table {
  const options: ReaderOptions = columns ? { columns: [...columns] } : {};
  return guarded(where, () => tableFromIPC(readParquet(bytes, options).intoIPCStream()));
}

/** The Arrow schema of a Parquet file. Throws a DataError if the bytes are not Parquet. */
export function decodeParquetSchema(bytes: Uint8Array, where: string): Schema {
  return guarded(where, () => tableFromIPC(readSchema(bytes).intoIPCStream()).schema);
}

function guarded<T>(where: string, read: () => T): T {
  try {
    return read();
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
