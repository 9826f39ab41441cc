/**
 * `prosodia inspect ... --lineage ROW`: a row of features or predictions, led back through every stage to the recording.
 *
 * Rows name their item, the item that was cut or derived from, and the recording. A stage that makes one row of many
 * (an aggregate over segments) is met by a row whose item is the parent of those before it. With each row stands where
 * in the recording it lies.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError, formatCount } from '@prosodia/core';
import type { RunRecord } from '@prosodia/runner';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Context } from '../context.ts';
import { columns, styleFor } from '../ui/style.ts';
import type { Artifact } from './inspect-clip.ts';
import { type ItemTable, type Place, Places } from './inspect-place.ts';
import { connect, literal, rowsOf } from './inspect-tables.ts';

type Cells = Record<string, unknown>;

interface Step {
  stage: string;
  output: string;
  uses: string;
  /** Rows that the one asked for comes from; the terminal shows the first of many. */
  count: number;
  /** The first {@link LOCATED} of them with `recording`, their {@link Place}, where rows say times. */
  rows: Cells[];
}

/** What tells rows apart and where they come from; the columns shown of each. */
const SHOWN = [
  'clip_id',
  'item_id',
  'parent_item_id',
  'start_s',
  'end_s',
  'augmentation',
  'augmentation_params',
  'seed',
  'fold',
  'role',
  'label',
  'predicted',
  'corpus',
  'path',
  'sha256',
  'speaker',
  'emotion',
  'duration_s',
];

/** A table of more rows than this is told by its number of rows and the first few. */
const MOST = 8;
/** Rows of a step whose place in the recording is looked up. */
const LOCATED = 64;

/** @throws RequestError if the artifact has no such row, or its rows name no item */
export async function traceRow(
  artifact: Artifact,
  row: string,
  all: readonly Artifact[],
  record: RunRecord,
  json: boolean,
  context: Context,
): Promise<void> {
  const connection = await connect();
  const start = await sourceOf(artifact);
  const names = start === undefined ? [] : await columnsOf(connection, start);
  if (start === undefined || !names.includes('clip_id')) {
    throw new RequestError({
      problem: `the rows of ${artifact.stage}.${artifact.output} do not say which clip they come from`,
      expected: 'audio, features or predictions',
      got: artifact.kind,
    });
  }
  const first = await firstRow(connection, start, names, row, artifact);
  const steps: Step[] = [];
  const visited = new Set<string>();
  const waiting: { artifact: Artifact; rows: Cells[] }[] = [{ artifact, rows: [first] }];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { stage, output } = next.artifact;
    if (visited.has(`${stage}.${output}`)) continue;
    visited.add(`${stage}.${output}`);
    const uses = record.resolved[stage]?.uses ?? '';
    steps.push({ stage, output, uses, count: next.rows.length, rows: next.rows });
    for (const reference of Object.values(record.resolved[stage]?.from ?? {}).flat()) {
      const before = all.find((known) => `${known.stage}.${known.output}` === reference);
      const source = before && (await sourceOf(before));
      if (!before || source === undefined) continue;
      const rows = await rowsBehind(connection, source, next.rows);
      if (rows.length > 0) waiting.push({ artifact: before, rows });
    }
  }
  await locate(connection, steps, all, record);
  // The recording is met on the way by any stage that reads it, but the story ends there.
  steps.sort((a, b) => Number(isOrigin(a)) - Number(isOrigin(b)));
  if (json) {
    context.out.write(`${JSON.stringify(steps)}\n`);
    return;
  }
  const { bold, dim } = styleFor(context.out);
  for (const { stage, output, uses, count, rows } of steps) {
    const many = count > 1 ? `  ${formatCount(count)} rows` : '';
    context.out.write(`${bold(`${stage}.${output}`)} ${dim(`(${uses})`)}${many}\n`);
    context.out.write(`${columns(rows.slice(0, MOST).map((cells) => ['', sayRow(cells)]))}\n`);
    if (count > MOST) context.out.write(dim(`  and ${formatCount(count - MOST)} more\n`));
  }
  const place = steps[0]!.rows[0]!['recording'] as Place | undefined;
  if (!place) return;
  const path = steps.flatMap(({ rows }) => rows).find((cells) => 'path' in cells)?.['path'];
  context.out.write(`\nIt is ${sayPlace(place)} of ${String(path ?? first['clip_id'])}.\n`);
}

/** Adds to the rows where in the recording they lie. */
async function locate(
  connection: DuckDBConnection,
  steps: readonly Step[],
  all: readonly Artifact[],
  record: RunRecord,
): Promise<void> {
  const places = new Places(connection);
  const tables = new Map<string, Promise<ItemTable>>();
  const tableOf = (name: string): Promise<ItemTable> => {
    let table = tables.get(name);
    if (!table) tables.set(name, (table = read(name)));
    return table;
  };
  const read = async (name: string): Promise<ItemTable> => {
    const artifact = all.find(({ stage, output }) => `${stage}.${output}` === name);
    const source = artifact && (await sourceOf(artifact));
    const from = Object.values(record.resolved[artifact?.stage ?? '']?.from ?? {}).flat();
    return {
      source: source ?? '',
      columns: source === undefined ? [] : await columnsOf(connection, source),
      before: await Promise.all([...new Set(from)].map(tableOf)),
    };
  };
  for (const step of steps.filter((known) => !isOrigin(known))) {
    const table = await tableOf(`${step.stage}.${step.output}`);
    for (const cells of step.rows.slice(0, LOCATED)) {
      const place = await places.of(String(cells['item_id'] ?? cells['clip_id']), table);
      if (place) cells['recording'] = place;
    }
  }
}

function sayPlace({ from_s, to_s, speed }: Place): string {
  const times = [from_s, to_s].map((seconds) => Number(seconds.toFixed(4)));
  return `${times[0]} to ${times[1]} s${speed === 1 ? '' : `, heard ${Number(speed.toPrecision(4))} times as fast,`}`;
}

function isOrigin({ rows }: Step): boolean {
  return rows.some((cells) => 'path' in cells);
}

function sayRow(cells: Cells): string {
  return Object.entries(cells)
    .filter(([name, value]) => value !== null && !(name === 'item_id' && value === cells['clip_id']))
    .map(([name, value]) => `${name}=${sayCell(name, value)}`)
    .join('  ');
}

function sayCell(name: string, value: unknown): string {
  if (name === 'recording') return sayPlace(value as Place).replace(/,$/, '');
  return typeof value === 'number' ? String(Number(value.toPrecision(7))) : String(value);
}

/** The table of an artifact; of a report, the predictions that it judged. */
async function sourceOf({ folder }: Artifact): Promise<string | undefined> {
  const files = await readdir(folder).catch((): string[] => []);
  if (files.some((name) => name.startsWith('part-'))) return `read_parquet(${literal(join(folder, '*.parquet'))})`;
  if (!files.includes('predictions.parquet')) return undefined;
  return `read_parquet(${literal(join(folder, 'predictions.parquet'))})`;
}

async function columnsOf(connection: DuckDBConnection, source: string): Promise<string[]> {
  const rows = await rowsOf(connection, `describe select * from ${source}`);
  return rows.map((row) => String(row['column_name']));
}

function select(names: readonly string[]): string {
  return SHOWN.filter((name) => names.includes(name))
    .map((name) => `"${name}"`)
    .join(', ');
}

async function firstRow(
  connection: DuckDBConnection,
  source: string,
  names: readonly string[],
  row: string,
  { stage, output }: Artifact,
): Promise<Cells> {
  const own = names.includes('item_id') ? 'item_id' : 'clip_id';
  const found = await rowsOf(
    connection,
    /^\d+$/.test(row)
      ? `select ${select(names)} from ${source} limit 1 offset ${row}`
      : `select ${select(names)} from ${source} where "${own}" = ${literal(row)} limit 1`,
  );
  if (found[0]) return found[0];
  const some = await rowsOf(connection, `select "${own}" as id from ${source} limit 3`);
  throw new RequestError({
    problem: `${stage}.${output} has no row ${row}`,
    expected: `a row number from 0, or an ${own} such as ${some.map(({ id }) => String(id)).join(', ')}`,
    got: row,
  });
}

/** The same item; else the items cut from it; else the item it was made of; else its recording. */
async function rowsBehind(connection: DuckDBConnection, source: string, rows: readonly Cells[]): Promise<Cells[]> {
  const names = await columnsOf(connection, source);
  const attempts: [column: string, of: string][] = [
    ['item_id', 'item_id'],
    ['parent_item_id', 'item_id'],
    ['item_id', 'parent_item_id'],
    ['clip_id', 'clip_id'],
  ];
  for (const [column, of] of attempts) {
    const values = new Set(rows.map((row) => row[of]).filter((value) => typeof value === 'string'));
    if (!names.includes(column) || values.size === 0) continue;
    const list = [...values].map(literal).join(', ');
    const found = await rowsOf(connection, `select ${select(names)} from ${source} where "${column}" in (${list})`);
    if (found.length > 0) return found;
  }
  return [];
}
