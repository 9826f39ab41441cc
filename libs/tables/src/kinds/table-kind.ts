/** A table kind with fixed columns: the descriptor that stages, documentation and readers share. */
import type { ArtifactKind } from '@prosodia/core';
import { DataError } from '@prosodia/core';
import { TableReader } from '../reader.ts';
import { type Column, type ColumnType, typeName } from '../schema.ts';
import { TableWriter } from '../writer.ts';

export interface DocumentedColumn extends Column {
  readonly summary: string;
  readonly unit?: string;
}

export interface TableKind<R extends object> extends ArtifactKind<TableReader<R>, TableWriter<R>> {
  readonly tableColumns: readonly DocumentedColumn[];
}

export function tableKind<R extends object>(
  id: string,
  summary: string,
  tableColumns: readonly DocumentedColumn[],
): TableKind<R> {
  return {
    id,
    summary,
    tableColumns,
    makesFolder: true,
    columns: documentation(tableColumns),
    async open(folder, options) {
      const reader = await TableReader.open<R>(folder, options);
      requireKind(reader, id, tableColumns);
      return reader;
    },
    create(folder, { where, shelf }) {
      const schema = { columns: tableColumns, metadata: { kind: id } };
      return Promise.resolve(new TableWriter<R>(folder, schema, { where, shelf }));
    },
  };
}

/** Refuses a table of another kind or with a column missing or of another type. */
export function requireKind(reader: TableReader<object>, id: string, columns: readonly Column[]): void {
  const kind = reader.schema.metadata['kind'];
  if (kind !== id) {
    throw new DataError({
      problem: 'this is another kind of table',
      expected: `kind ${id}`,
      got: `kind ${kind ?? '(none)'}`,
      where: reader.where,
    });
  }
  reader.requireColumns(columns.map((column) => column.name));
  for (const { name, type } of columns) {
    const found = reader.schema.columns.find((column) => column.name === name)!.type;
    if (typeName(found) !== typeName(type)) {
      throw new DataError({
        problem: `column ${name} has another type`,
        expected: typeName(type),
        got: typeName(found),
        where: reader.where,
      });
    }
  }
}

export function documentation(columns: readonly DocumentedColumn[]) {
  return columns.map(({ name, type, nullable, summary, unit }) => ({
    name,
    type: typeName(type) + (nullable ? ', may be null' : ''),
    summary,
    ...(unit === undefined ? {} : { unit }),
  }));
}

/** Short form for the column tables of the kinds. */
export function column(
  name: string,
  type: ColumnType,
  summary: string,
  { nullable = false, unit }: { nullable?: boolean; unit?: string } = {},
): DocumentedColumn {
  return { name, type, summary, nullable, ...(unit === undefined ? {} : { unit, metadata: { unit } }) };
}
