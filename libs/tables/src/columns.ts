/** Rows to Arrow columns and back: one place that knows how each column type is laid out. */
import {
  type Data,
  DataType,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  List,
  RecordBatch,
  Struct,
  Table,
  Utf8,
  type Vector,
  Bool,
  makeData,
  vectorFromArray,
} from 'apache-arrow';
import { DataError } from '@prosodia/core';
import type { PartColumns } from './held.ts';
import { type Column, type ColumnType, type TableSchema, itemField, toArrowSchema, typeName } from './schema.ts';

export type Cell = string | number | boolean | Float32Array | null;
export type Row = Readonly<Record<string, Cell>>;

/** The values of one column: strings, numbers, booleans or float32 lists, one per row. */
export interface ColumnValues<T extends Cell = Cell> {
  readonly length: number;
  at(row: number): T;
}

/** Builds one Arrow table. `values[c][r]` is column c of row r. */
export function buildTable(
  schema: TableSchema,
  values: readonly (readonly Cell[] | Float32Array)[],
  rows: number,
): Table {
  const arrowSchema = toArrowSchema(schema);
  const children = schema.columns.map((column, c) => buildColumn(column, values[c]!, rows));
  const data = makeData({ type: new Struct(arrowSchema.fields), length: rows, nullCount: 0, children });
  return new Table([new RecordBatch(arrowSchema, data)]);
}

function buildColumn(column: Column, values: readonly Cell[] | Float32Array, rows: number): Data<DataType> {
  const { type } = column;
  if (values instanceof Float32Array)
    return makeData({ type: new Float32(), length: rows, nullCount: 0, data: values });
  if (column.nullable || type === 'utf8' || type === 'bool') {
    return vectorFromArray(values as Cell[], type === 'utf8' ? new Utf8() : scalarType(type)).data[0]!;
  }
  if (type === 'list' || typeof type === 'object') return buildList(column, values as Float32Array[], rows);
  if (type === 'int32')
    return makeData({ type: new Int32(), length: rows, nullCount: 0, data: Int32Array.from(values as number[]) });
  if (type === 'float32') {
    return makeData({ type: new Float32(), length: rows, nullCount: 0, data: Float32Array.from(values as number[]) });
  }
  return makeData({ type: new Float64(), length: rows, nullCount: 0, data: Float64Array.from(values as number[]) });
}

function scalarType(type: ColumnType): Bool | Int32 | Float32 | Float64 {
  if (type === 'bool') return new Bool();
  if (type === 'int32') return new Int32();
  return type === 'float32' ? new Float32() : new Float64();
}

function buildList(column: Column, values: readonly Float32Array[], rows: number): Data<DataType> {
  const offsets = new Int32Array(rows + 1);
  values.forEach((value, i) => (offsets[i + 1] = offsets[i]! + value.length));
  const flat = new Float32Array(offsets[rows]!);
  values.forEach((value, i) => flat.set(value, offsets[i]));
  const child = makeData({ type: new Float32(), length: flat.length, nullCount: 0, data: flat });
  if (typeof column.type === 'object') {
    return makeData({ type: new FixedSizeList(column.type.fixed, itemField()), length: rows, nullCount: 0, child });
  }
  return makeData({ type: new List(itemField()), length: rows, nullCount: 0, valueOffsets: offsets, child });
}

/** Checks one cell against its column. Throws a DataError that names the column. */
export function checkCell(column: Column, cell: Cell | undefined, where: string): void {
  if (cell === null && column.nullable) return;
  const { type } = column;
  const fits =
    type === 'utf8'
      ? typeof cell === 'string'
      : type === 'bool'
        ? typeof cell === 'boolean'
        : type === 'int32'
          ? Number.isInteger(cell)
          : type === 'list'
            ? cell instanceof Float32Array
            : typeof type === 'object'
              ? cell instanceof Float32Array && cell.length === type.fixed
              : typeof cell === 'number';
  if (fits) return;
  throw new DataError({
    problem: `a value does not fit column ${column.name}`,
    expected: typeName(type) + (column.nullable ? ' or null' : ''),
    got: cell instanceof Float32Array ? `${cell.length} floats` : cell === undefined ? 'nothing' : JSON.stringify(cell),
    where,
  });
}

/** The columns of an Arrow table. */
export function arrowColumns(table: Table): PartColumns {
  return {
    length: table.numRows,
    names: table.schema.fields.map(({ name }) => name),
    values: (name) => columnValues(table.getChild(name)!),
    floats(name) {
      const values = table.getChild(name)!.toArray() as unknown;
      return values instanceof Float32Array ? values : undefined;
    },
  };
}

/** Reads a column of an Arrow table. List values are views into Arrow's memory: copy before changing or sending. */
function columnValues(vector: Vector): ColumnValues {
  const { length } = vector;
  if (DataType.isList(vector.type) || DataType.isFixedSizeList(vector.type)) {
    return { length, at: (row) => (vector.get(row) as Vector).toArray() as Float32Array };
  }
  return { length, at: (row) => vector.get(row) as Cell };
}
