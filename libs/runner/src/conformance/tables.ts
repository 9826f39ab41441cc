/** Output tables as the suite sees them: rows by column name, whatever their kind. */
import type { ArtifactKind, RowView } from '@prosodia/core';

export type AnyRow = Readonly<Record<string, unknown>>;

interface AnyTable {
  readonly schema: { readonly columns: readonly { readonly name: string }[] };
  rows(): AsyncIterable<AnyRow>;
}

/** Columns and rows of a finished artifact; undefined if its kind is no table. */
export async function readTable(
  kind: ArtifactKind,
  folder: string,
  view?: RowView,
): Promise<{ columns: string[]; rows: AnyRow[] } | undefined> {
  if (!kind.columns) return undefined;
  const reader = (await kind.open(folder, { where: kind.id, ...(view ? { view } : {}) })) as AnyTable & {
    table?: AnyTable;
  };
  // Kinds whose columns depend on the data wrap a table.
  const table = reader.table ?? reader;
  const rows: AnyRow[] = [];
  for await (const row of table.rows()) rows.push(row);
  return { columns: table.schema.columns.map(({ name }) => name), rows };
}

/** What is wrong with a table that a stage has written. */
export async function tableProblems(name: string, kind: ArtifactKind, folder: string): Promise<string[]> {
  const table = await readTable(kind, folder);
  if (!table) return [];
  const problems: string[] = [];
  for (const { name: column } of kind.columns!) {
    // A name in brackets stands for columns that depend on the data.
    if (/^\w+$/.test(column) && !table.columns.includes(column)) {
      problems.push(`output ${name} lacks the documented column ${column}`);
    }
  }
  const ids = new Set<string>();
  for (const row of table.rows) {
    const bad = Object.entries(row).find(([, value]) => !isFinite(value));
    if (bad) problems.push(`output ${name} holds a number that is not finite in column ${bad[0]}`);
    if (typeof row['item_id'] !== 'string') continue;
    const id = `${String(row['fold'] ?? '')} ${row['item_id']}`;
    if (ids.has(id)) problems.push(`output ${name} holds item ${row['item_id']} twice`);
    ids.add(id);
  }
  return problems;
}

function isFinite(value: unknown): boolean {
  if (value instanceof Float32Array) return value.every(Number.isFinite);
  return typeof value !== 'number' || Number.isFinite(value);
}
