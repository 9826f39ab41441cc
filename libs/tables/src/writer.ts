/**
 * Writes a table as a folder of Parquet part files.
 *
 * Parts are cut where the accumulated rows reach a fixed size in memory, so the same rows give the
 * same files whatever computed them, and a reader never needs more than one part at a time. With a shelf, parts stay
 * in memory while there is room.
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenOptions } from '@prosodia/core';
import { type Cell, type Row, buildTable, checkCell } from './columns.ts';
import { HeldPart } from './held.ts';
import { encodeParquet } from './parquet.ts';
import type { TableSchema } from './schema.ts';

const MAX_PART_BYTES = 32 * 1024 * 1024;

export class TableWriter<R extends object = Row> {
  readonly schema: TableSchema;
  readonly #folder: string;
  readonly #where: string;
  readonly #shelf: OpenOptions['shelf'];
  #values: Cell[][];
  #block: Float32Array[] = [];
  readonly #blockWidth: number;
  #rows = 0;
  #bytes = 0;
  #parts = 0;
  #totalRows = 0;
  #closed = false;

  /**
   * @param folder empty folder; one that does not exist is made when it is needed
   * @param schema the columns; the last `blockWidth` of them, all float32, are given as one array per row
   * @param options `where` for messages, `shelf` for what need not become a file
   */
  constructor(folder: string, schema: TableSchema, { where, shelf }: OpenOptions, blockWidth = 0) {
    this.schema = schema;
    this.#folder = folder;
    this.#where = where;
    this.#shelf = shelf;
    this.#blockWidth = blockWidth;
    this.#values = this.#emptyValues();
  }

  /** Rows appended so far. */
  get rowCount(): number {
    return this.#totalRows;
  }

  /**
   * Adds a row. `block` holds the float32 columns declared as a block and is copied.
   * @throws DataError if a cell does not fit its column
   */
  async append(row: R, block?: Float32Array): Promise<void> {
    const { columns } = this.schema;
    const named = columns.length - this.#blockWidth;
    let bytes = 0;
    for (let c = 0; c < named; c++) {
      const column = columns[c]!;
      const cell = (row as Row)[column.name];
      checkCell(column, cell, this.#where);
      this.#values[c]!.push(cell!);
      bytes += cell instanceof Float32Array ? cell.byteLength : typeof cell === 'string' ? cell.length : 8;
    }
    if (this.#blockWidth > 0) {
      if (block?.length !== this.#blockWidth) {
        throw new RangeError(
          `${this.#where}: expected ${this.#blockWidth} values per row, got ${block?.length ?? 'none'}`,
        );
      }
      this.#block.push(block.slice());
      bytes += block.byteLength;
    }
    this.#rows++;
    this.#totalRows++;
    this.#bytes += bytes;
    if (this.#bytes >= MAX_PART_BYTES) await this.#flush();
  }

  /** Writes what is left. A table without rows still gets one part, which carries its schema. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#rows > 0 || this.#parts === 0) await this.#flush();
  }

  async #flush(): Promise<void> {
    const name = `part-${String(this.#parts).padStart(5, '0')}.parquet`;
    if (!this.#hold(name)) await this.#write(name);
    this.#parts++;
    this.#values = this.#emptyValues();
    this.#block = [];
    this.#rows = 0;
    this.#bytes = 0;
  }

  #hold(name: string): boolean {
    if (!this.#shelf) return false;
    const part = new HeldPart(this.schema, this.#values, this.#block, this.#rows);
    return this.#shelf.put(this.#folder, name, part, this.#bytes);
  }

  async #write(name: string): Promise<void> {
    const columns: (readonly Cell[] | Float32Array)[] = [...this.#values, ...this.#blockColumns()];
    const bytes = encodeParquet(buildTable(this.schema, columns, this.#rows), this.schema);
    await mkdir(this.#folder, { recursive: true });
    const file = await open(join(this.#folder, name), 'wx');
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  }

  #blockColumns(): Float32Array[] {
    return Array.from({ length: this.#blockWidth }, (_, c) => Float32Array.from(this.#block, (row) => row[c]!));
  }

  #emptyValues(): Cell[][] {
    return Array.from({ length: this.schema.columns.length - this.#blockWidth }, () => []);
  }
}
