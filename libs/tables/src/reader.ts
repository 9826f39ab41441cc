/**
 * Reads a table part by part, restricted to the rows its view allows.
 *
 * The view is applied here, below every other access, so that a stage holding a training view has no
 * way to reach a test row.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError, type OpenOptions, type RowView, messageOf, nearest } from '@prosodia/core';
import { type Cell, type ColumnValues, type Row, arrowColumns } from './columns.ts';
import { HeldPart, type PartColumns } from './held.ts';
import { readColumns, readRowCount, readSchema, readWhole } from './parquet.ts';
import { type TableSchema, fromArrowSchema } from './schema.ts';

/** Some rows of a table, column by column. */
export class Batch<R extends object = Row> {
  readonly #part: PartColumns;
  readonly #rows: Int32Array | undefined;
  readonly #where: string;
  readonly #columns = new Map<string, ColumnValues>();
  readonly #names: ReadonlySet<string>;
  readonly length: number;

  /** @param rows indices of the visible rows; all of them if undefined */
  constructor(part: PartColumns, rows: Int32Array | undefined, where: string) {
    this.#part = part;
    this.#names = new Set(part.names);
    this.#rows = rows;
    this.#where = where;
    this.length = rows?.length ?? part.length;
  }

  /** Values of one column for the visible rows. Throws a DataError if there is no such column. */
  column<T extends Cell = Cell>(name: string): ColumnValues<T> {
    const values = this.#column(name);
    const rows = this.#rows;
    if (!rows) return values as ColumnValues<T>;
    return { length: rows.length, at: (row) => values.at(rows[row]!) as T };
  }

  /** One row as an object. */
  row(index: number): R {
    const entries = this.#part.names.map((name) => [name, this.column(name).at(index)] as const);
    return Object.fromEntries(entries) as R;
  }

  /**
   * Float32 columns side by side: row-major `[length, names.length]`.
   * Throws a DataError if a column is missing or not float32.
   */
  block(names: readonly string[]): Float32Array {
    const out = new Float32Array(this.length * names.length);
    const whole = this.#part.rows?.(names);
    if (whole) {
      for (let r = 0; r < this.length; r++) out.set(whole[this.#rows ? this.#rows[r]! : r]!, r * names.length);
      return out;
    }
    names.forEach((name, c) => {
      this.#require(name);
      const source = this.#part.floats(name);
      if (!source) throw new DataError({ problem: `column ${name} is not float32`, where: this.#where });
      for (let r = 0; r < this.length; r++) out[r * names.length + c] = source[this.#rows ? this.#rows[r]! : r]!;
    });
    return out;
  }

  #column(name: string): ColumnValues {
    let values = this.#columns.get(name);
    if (!values) {
      this.#require(name);
      values = this.#part.values(name);
      this.#columns.set(name, values);
    }
    return values;
  }

  #require(name: string): void {
    if (!this.#names.has(name)) throw missingColumn(name, this.#part.names, this.#where);
  }
}

/** A part file, or what is kept in its place. */
interface Part {
  path: string;
  held: HeldPart | undefined;
}

export class TableReader<R extends object = Row> {
  readonly schema: TableSchema;
  /** For messages: which stage reads which input. */
  readonly where: string;
  readonly #parts: readonly Part[];
  readonly #view: RowView | undefined;

  private constructor(parts: readonly Part[], schema: TableSchema, options: OpenOptions) {
    this.#parts = parts;
    this.schema = schema;
    this.where = options.where;
    this.#view = options.view;
  }

  /** Opens a folder of part files. Throws a DataError if there are none or they cannot be read. */
  static async open<R extends object = Row>(folder: string, options: OpenOptions): Promise<TableReader<R>> {
    let names: string[];
    try {
      names = (options.shelf?.names(folder) ?? (await readdir(folder)))
        .filter((name) => name.endsWith('.parquet'))
        .sort();
    } catch (cause) {
      throw new DataError(
        { problem: 'the table cannot be opened', got: messageOf(cause), where: options.where },
        { cause },
      );
    }
    if (names.length === 0) {
      throw new DataError({
        problem: 'the table has no part files',
        expected: 'part-00000.parquet',
        where: options.where,
      });
    }
    const parts = names.map((name) => {
      const held = options.shelf?.get(folder, name);
      return { path: join(folder, name), held: held instanceof HeldPart ? held : undefined };
    });
    const { path, held } = parts[0]!;
    const schema =
      held?.schema ?? fromArrowSchema(await readSchema(path, `${options.where}, ${names[0]!}`), options.where);
    return new TableReader<R>(parts, schema, options);
  }

  /** Value of a metadata entry that the table must carry, such as `sample_rate`. */
  requireMetadata(name: string): string {
    const value = this.schema.metadata[name];
    if (value === undefined) {
      throw new DataError({
        problem: `the table does not say its ${name}`,
        expected: `schema metadata ${name}`,
        where: this.where,
      });
    }
    return value;
  }

  /** Throws a DataError unless every named column is there. */
  requireColumns(names: readonly string[]): void {
    const present = this.schema.columns.map((column) => column.name);
    for (const name of names) if (!present.includes(name)) throw missingColumn(name, present, this.where);
  }

  /** Number of part files. */
  get partCount(): number {
    return this.#parts.length;
  }

  /** The visible rows of one part; `columns` limits what is read from disk. For reading parts in another order. */
  async part(index: number, columns?: readonly string[]): Promise<Batch<R>> {
    if (columns) this.requireColumns(columns);
    const view = this.#view;
    const wanted = columns && view && !columns.includes('clip_id') ? [...columns, 'clip_id'] : columns;
    const part = this.#parts[index]!;
    const where = `${this.where}, ${basename(part.path)}`;
    const own =
      part.held?.select(wanted) ??
      arrowColumns(await (wanted ? readColumns(part.path, where, wanted) : readWhole(part.path, where)));
    return new Batch<R>(own, view && visibleRows(own, view, where), where);
  }

  /** Part by part; `columns` limits what is read from disk. Empty parts are left out. */
  async *batches(columns?: readonly string[]): AsyncGenerator<Batch<R>, void, undefined> {
    for (const index of this.#parts.keys()) {
      const batch = await this.part(index, columns);
      if (batch.length > 0) yield batch;
    }
  }

  /** Row by row, in file order. */
  async *rows(columns?: readonly string[]): AsyncGenerator<R, void, undefined> {
    for await (const batch of this.batches(columns)) {
      for (let i = 0; i < batch.length; i++) yield batch.row(i);
    }
  }

  /** All rows in memory; for small tables such as clips and split. */
  async all(columns?: readonly string[]): Promise<R[]> {
    const rows: R[] = [];
    for await (const row of this.rows(columns)) rows.push(row);
    return rows;
  }

  /** Number of visible rows; without a view, from the footers alone. */
  async count(): Promise<number> {
    let count = 0;
    if (this.#view) {
      for await (const batch of this.batches(['clip_id'])) count += batch.length;
    } else {
      for (const part of this.#parts) {
        count += part.held?.length ?? (await readRowCount(part.path, `${this.where}, ${basename(part.path)}`));
      }
    }
    return count;
  }
}

function visibleRows(part: PartColumns, view: RowView, where: string): Int32Array {
  if (!part.names.includes('clip_id')) throw missingColumn('clip_id', part.names, where);
  const clipIds = part.values('clip_id');
  const rows: number[] = [];
  for (let i = 0; i < part.length; i++) if (view.keep(clipIds.at(i) as string)) rows.push(i);
  return Int32Array.from(rows);
}

function missingColumn(name: string, present: readonly string[], where: string): DataError {
  const near = nearest(name, present);
  return new DataError({
    problem: `the table has no column ${name}`,
    expected: `a column ${name}${near ? ` (there is ${near})` : ''}`,
    got:
      present.length > 12 ? `${present.slice(0, 12).join(', ')} and ${present.length - 12} more` : present.join(', '),
    where,
  });
}
