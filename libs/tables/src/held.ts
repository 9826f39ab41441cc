/**
 * A part of a table that is not encoded: what was appended, column by column, as the files would give it back.
 *
 * Numbers are rounded as their column's type rounds them, and lists are copied when they are read, so that a reader
 * has memory of its own here as there.
 */
import type { Cell, ColumnValues } from './columns.ts';
import type { Column, TableSchema } from './schema.ts';

/** Some rows of a table by column, wherever they lie. */
export interface PartColumns {
  readonly length: number;
  readonly names: readonly string[];
  /** Values of a column that is there. */
  values(name: string): ColumnValues;
  /** All numbers of a float32 column that is there, not to be changed; undefined for other types. */
  floats(name: string): Float32Array | undefined;
  /** Row-major `[length, names.length]`, where this is quicker than column by column; undefined elsewhere. */
  rows?(names: readonly string[]): readonly Float32Array[] | undefined;
}

/** Cells of one column. */
type Cells = readonly Cell[] | Float32Array | Float64Array | Int32Array;

export class HeldPart {
  readonly schema: TableSchema;
  readonly length: number;
  readonly #columns: ReadonlyMap<string, Cells>;
  /** Names of the columns that are given as one array per row. */
  readonly #blockNames: readonly string[];
  readonly #block: readonly Float32Array[];

  /** @param values cells of the leading columns; `block` has the numbers of the others, an array for each row */
  constructor(
    schema: TableSchema,
    values: readonly (readonly Cell[])[],
    block: readonly Float32Array[],
    length: number,
  ) {
    this.schema = plainSchema(schema);
    this.length = length;
    const { columns } = schema;
    this.#columns = new Map(values.map((cells, c) => [columns[c]!.name, typed(columns[c]!, cells)]));
    this.#blockNames = columns.slice(values.length).map(({ name }) => name);
    this.#block = block;
  }

  /** The columns of these names in the order of the table; all without names. */
  select(wanted?: readonly string[]): PartColumns {
    const all = this.schema.columns.map(({ name }) => name);
    return {
      length: this.length,
      names: wanted ? all.filter((name) => wanted.includes(name)) : all,
      values: (name) => this.#values(name),
      floats: (name) => this.#floats(name),
      rows: (names) => (!wanted && equal(names, this.#blockNames) ? this.#block : undefined),
    };
  }

  #values(name: string): ColumnValues {
    const { length } = this;
    const cells = this.#columns.get(name);
    if (!cells) {
      const floats = this.#floats(name)!;
      return { length, at: (row) => floats[row]! };
    }
    return {
      length,
      at(row) {
        const cell = cells[row]!;
        return cell instanceof Float32Array ? cell.slice() : cell;
      },
    };
  }

  #floats(name: string): Float32Array | undefined {
    const cells = this.#columns.get(name);
    if (cells) return cells instanceof Float32Array ? cells : undefined;
    const c = this.#blockNames.indexOf(name);
    return Float32Array.from(this.#block, (row) => row[c]!);
  }
}

/** What a reader of the files would find. */
function plainSchema({ columns, metadata }: TableSchema): TableSchema {
  const plain = columns.map(({ name, type, nullable = false, metadata: own = {} }) => ({
    name,
    type,
    nullable,
    metadata: { ...own },
  }));
  return { columns: plain, metadata: { ...metadata } };
}

function typed({ type, nullable }: Column, cells: readonly Cell[]): Cells {
  if (type === 'float32') return nullable ? cells.map(orNull(Math.fround)) : Float32Array.from(cells as number[]);
  if (type === 'int32') return nullable ? cells.map(orNull((value) => value | 0)) : Int32Array.from(cells as number[]);
  return type === 'float64' && !nullable ? Float64Array.from(cells as number[]) : cells;
}

function orNull(rounded: (value: number) => number): (cell: Cell) => Cell {
  return (cell) => (cell === null ? null : rounded(cell as number));
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}
