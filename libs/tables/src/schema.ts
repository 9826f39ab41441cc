/**
 * Table schemas in the few types our artifacts need, and their Arrow form.
 *
 * A narrow vocabulary on purpose: every type here is read back bit for bit by DuckDB, pyarrow and
 * pandas, which the whole of Arrow's is not.
 */
import {
  Bool,
  DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  List,
  Precision,
  Schema,
  Utf8,
} from 'apache-arrow';
import { DataError } from '@prosodia/core';

/** `list`: variable-length float32; `{ fixed: n }`: exactly n float32 values per row. */
export type ColumnType = 'utf8' | 'int32' | 'float32' | 'float64' | 'bool' | 'list' | { readonly fixed: number };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable?: boolean;
  /** Units, shapes and the like; kept in the Arrow field. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface TableSchema {
  readonly columns: readonly Column[];
  /** Facts that hold for the whole table, such as `sample_rate`; kept in the Arrow schema. */
  readonly metadata: Readonly<Record<string, string>>;
}

export function toArrowSchema(schema: TableSchema): Schema {
  const fields = schema.columns.map(
    (column) => new Field(column.name, arrowType(column.type), column.nullable ?? false, mapOf(column.metadata ?? {})),
  );
  return new Schema(fields, mapOf(schema.metadata));
}

export function fromArrowSchema(schema: Schema, where: string): TableSchema {
  return {
    columns: schema.fields.map((field) => ({
      name: field.name,
      type: columnType(field, where),
      nullable: field.nullable,
      metadata: Object.fromEntries(field.metadata),
    })),
    metadata: Object.fromEntries(schema.metadata),
  };
}

/** How a type is written in messages and documentation. */
export function typeName(type: ColumnType): string {
  if (typeof type === 'object') return `float32[${type.fixed}]`;
  return type === 'list' ? 'list<float32>' : type;
}

function arrowType(type: ColumnType): DataType {
  if (typeof type === 'object') return new FixedSizeList(type.fixed, itemField());
  switch (type) {
    case 'utf8':
      return new Utf8();
    case 'int32':
      return new Int32();
    case 'float32':
      return new Float32();
    case 'float64':
      return new Float64();
    case 'bool':
      return new Bool();
    case 'list':
      return new List(itemField());
  }
}

export function itemField(): Field<Float32> {
  return new Field('item', new Float32(), false);
}

function columnType(field: Field, where: string): ColumnType {
  const type = field.type;
  // By type id, not by class: types read from IPC are instances of the general Int and Float classes.
  if (DataType.isUtf8(type)) return 'utf8';
  if (DataType.isBool(type)) return 'bool';
  if (DataType.isInt(type) && type.bitWidth === 32 && type.isSigned) return 'int32';
  if (isFloat32(type)) return 'float32';
  if (DataType.isFloat(type) && type.precision === Precision.DOUBLE) return 'float64';
  if (DataType.isFixedSizeList(type) && isFloat32(type.valueType)) return { fixed: type.listSize };
  if (DataType.isList(type) && isFloat32(type.valueType)) return 'list';
  throw new DataError({
    problem: `column ${field.name} has a type that no artifact uses`,
    expected: 'utf8, int32, float32, float64, bool, list<float32> or a fixed-size list of float32',
    got: String(type),
    where,
  });
}

function isFloat32(type: DataType): boolean {
  return DataType.isFloat(type) && type.precision === Precision.SINGLE;
}

function mapOf(record: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(record));
}
