/** Kinds that are plain folders of files: fitted transforms, models, reports. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ArtifactKind, DataError, type OpenOptions, messageOf } from '@prosodia/core';
import { type Row, buildTable, checkCell } from '../columns.ts';
import { encodeParquet, readWhole } from '../parquet.ts';
import { TableReader } from '../reader.ts';
import type { TableSchema } from '../schema.ts';
import { TableWriter } from '../writer.ts';

export class FolderReader {
  readonly folder: string;
  readonly where: string;

  constructor(folder: string, where: string) {
    this.folder = folder;
    this.where = where;
  }

  /** Bytes of one file. Throws a DataError if it is not there. */
  async bytes(name: string): Promise<Uint8Array> {
    try {
      return await readFile(join(this.folder, name));
    } catch (cause) {
      throw new DataError(
        { problem: `the file ${name} cannot be read`, got: messageOf(cause), where: this.where },
        { cause },
      );
    }
  }

  async json<T>(name: string): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.bytes(name))) as T;
  }

  /** Rows of a small table that is one file, as {@link FolderWriter.parquet} writes it. Throws a DataError if it cannot be read. */
  async parquet<R extends object = Row>(name: string): Promise<R[]> {
    const table = await readWhole(join(this.folder, name), `${this.where}, ${name}`);
    return table.toArray().map((row: { toJSON(): unknown }) => row.toJSON() as R);
  }

  /** A table stored in a folder inside this one. */
  table<R extends object = Row>(name: string): Promise<TableReader<R>> {
    return TableReader.open<R>(join(this.folder, name), { where: `${this.where}, ${name}` });
  }
}

export class FolderWriter {
  readonly folder: string;
  readonly where: string;
  readonly #tables: TableWriter<Row>[] = [];

  constructor(folder: string, where: string) {
    this.folder = folder;
    this.where = where;
  }

  async bytes(name: string, content: Uint8Array | string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { flag: 'wx' });
  }

  /** Writes a value as indented JSON. */
  async json(name: string, value: unknown): Promise<void> {
    await this.bytes(name, JSON.stringify(value, null, 2) + '\n');
  }

  /** Starts a table in a folder inside this one; it is closed with this writer. */
  async table<R extends object = Row>(name: string, schema: TableSchema): Promise<TableWriter<R>> {
    const folder = join(this.folder, name);
    await mkdir(folder, { recursive: true });
    const writer = new TableWriter<R>(folder, schema, { where: `${this.where}, ${name}` });
    this.#tables.push(writer as unknown as TableWriter<Row>);
    return writer;
  }

  /**
   * Writes a small table as one Parquet file, for people to open: `predictions.parquet`.
   * Throws a DataError if a cell does not fit its column.
   */
  async parquet(name: string, schema: TableSchema, rows: readonly Row[]): Promise<void> {
    const where = `${this.where}, ${name}`;
    const values = schema.columns.map((column) =>
      rows.map((row) => {
        checkCell(column, row[column.name], where);
        return row[column.name]!;
      }),
    );
    await this.bytes(name, encodeParquet(buildTable(schema, values, rows.length), schema));
  }

  async close(): Promise<void> {
    for (const table of this.#tables) await table.close();
  }
}

function folderKind(id: string, summary: string): ArtifactKind<FolderReader, FolderWriter> {
  return {
    id,
    summary,
    makesFolder: true,
    async open(folder: string, { where }: OpenOptions) {
      try {
        await readdir(folder);
      } catch (cause) {
        throw new DataError({ problem: `the ${id} cannot be opened`, got: messageOf(cause), where }, { cause });
      }
      return new FolderReader(folder, where);
    },
    create(folder, { where }) {
      return Promise.resolve(new FolderWriter(folder, where));
    },
  };
}

/** A fitted scaler, PCA or label encoder: JSON, with matrices as Parquet. */
export const Transform = folderKind('transform', 'A fitted transform: JSON, with Parquet for its matrices.');

/** A trained model: `model.onnx`, `model.json` (labels, input and output contract), `history/`. */
export const Model = folderKind('model', 'A trained model: ONNX, its contract as JSON, its history as Parquet.');

/** A finished report: HTML, metrics, predictions, pictures. */
export const Report = folderKind('report', 'A report: HTML, metrics as JSON, predictions, pictures.');

/** A row of `history`, the table in which a model that is trained in epochs keeps how it went. Null without validation rows. */
export interface EpochRow {
  epoch: number;
  loss: number;
  accuracy: number;
  val_loss: number | null;
  val_accuracy: number | null;
  learning_rate: number;
}
