/**
 * `prosodia inspect <pipeline> <stage>`: what is in an artifact: columns with their units and statistics, first rows; of
 * what is no table, its files.
 */
import { formatCount } from '@prosodia/core';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ColumnDoc } from '@prosodia/core';
import type { Context } from '../context.ts';
import { columns, formatBytes, styleFor } from '../ui/style.ts';
import { arrowMetadata } from './arrow-metadata.ts';
import type { Artifact } from './inspect-clip.ts';
import { cell, connect, isTable, literal, rowsOf, table } from './inspect-tables.ts';
import { unitFinder } from './inspect-units.ts';

interface Wanted {
  /** First rows to show. */
  rows: number;
  /** SQL expression that the rows have to fulfil. */
  where: string | undefined;
  json: boolean;
}

/** Of what a table says of itself, what its title and the list of columns say. */
const TOLD_ELSEWHERE = new Set(['kind', 'units', 'bands', 'parts']);

/** Columns and cells of a wide table that are shown. */
const MOST_COLUMNS = 40;
const MOST_CELLS = 8;

/** @param docs what the kind of the artifact says of its columns */
export async function showArtifact(
  artifact: Artifact,
  docs: readonly ColumnDoc[],
  { rows: count, where, json }: Wanted,
  context: Context,
): Promise<void> {
  const { bold, dim } = styleFor(context.out);
  const title = `${bold(`${artifact.stage}.${artifact.output}`)}  ${artifact.kind}  ${formatBytes(artifact.bytes)}`;
  if (!(await isTable(artifact))) return showFiles(artifact, title, json, context);
  const connection = await connect();
  const all = `read_parquet(${literal(join(artifact.folder, '*.parquet'))})`;
  // In parentheses, so that an expression with `or` or a trailing clause cannot mean something else.
  const source = where === undefined ? all : `(select * from ${all} where (${where}))`;
  const [footer] = await rowsOf(
    connection,
    `select decode(value) as schema from parquet_kv_metadata(${literal(join(artifact.folder, 'part-00000.parquet'))}) where decode(key) = 'ARROW:schema'`,
  );
  const metadata = arrowMetadata(String(footer?.['schema'] ?? ''));
  const unitOf = unitFinder(docs, metadata);
  const summary = (
    await rowsOf(
      connection,
      `select column_name, column_type, min, max, approx_unique, avg, null_percentage from (summarize select * from ${source})`,
    )
  ).map((row) => ({ ...row, unit: unitOf(String(row['column_name'])) ?? null }));
  const [{ count: total }] = (await rowsOf(connection, `select count(*)::int as count from ${source}`)) as [
    { count: number },
  ];
  const head = await rowsOf(connection, `select * from ${source} limit ${count}`);
  if (json) {
    context.out.write(`${JSON.stringify({ ...artifact, rows: total, metadata, columns: summary, head })}\n`);
    return;
  }
  const told = Object.entries(metadata)
    .filter(([key]) => !TOLD_ELSEWHERE.has(key))
    .map(([key, value]) => `${key}=${value}`);
  context.out.write(`${title}  ${formatCount(total)} rows\n${told.length > 0 ? `${dim(told.join('  '))}\n` : ''}\n`);
  const shown: Record<string, unknown>[] = summary.slice(0, MOST_COLUMNS);
  context.out.write(
    `${columns([
      ['column', 'type', 'unit', 'min', 'max', 'mean', '~distinct', 'null %'].map((name) => bold(name)),
      ...shown.map((row) =>
        [
          row['column_name'],
          row['column_type'],
          row['unit'],
          row['min'],
          row['max'],
          row['avg'],
          Math.min(total, Number(row['approx_unique'])), // An estimate, which may exceed the rows.
          row['null_percentage'],
        ].map(cell),
      ),
    ])}\n`,
  );
  if (summary.length > shown.length) context.out.write(dim(`and ${summary.length - shown.length} more columns\n`));
  if (head.length > 0) {
    const visible = head.map((row) => Object.fromEntries(Object.entries(row).slice(0, MOST_CELLS)));
    context.out.write(`\n${table(visible)}\n`);
  }
}

async function showFiles(artifact: Artifact, title: string, json: boolean, context: Context): Promise<void> {
  const { dim } = styleFor(context.out);
  const files = (await readdir(artifact.folder, { recursive: true })).sort();
  if (json) {
    context.out.write(`${JSON.stringify({ ...artifact, files })}\n`);
    return;
  }
  const small = files.find((name) => name.endsWith('.json'));
  const text = small === undefined ? '' : await readFile(join(artifact.folder, small), 'utf8');
  context.out.write(
    `${title}\n${files.map((name) => `  ${name}`).join('\n')}\n${small === undefined ? '' : `\n${dim(small)}\n${text}`}`,
  );
}
