/** Artifacts of a run as tables of DuckDB, and rows as text. */
import { readdir } from 'node:fs/promises';
import { RequestError } from '@prosodia/core';
import type { DuckDBConnection } from '@duckdb/node-api';
import { columns } from '../ui/style.ts';
import type { Artifact } from './inspect-clip.ts';

export async function isTable({ stage, output, folder }: Artifact): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => name.startsWith('part-'));
  } catch (cause) {
    throw new RequestError(
      {
        problem: `the files of ${stage}.${output} are no longer in the store`,
        expected: folder,
        fix: 'run the pipeline again, or inspect another run with --run N',
      },
      { cause },
    );
  }
}

export async function connect(): Promise<DuckDBConnection> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  return (await DuckDBInstance.create()).connect();
}

export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Record<string, unknown>[]> {
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } catch (cause) {
    throw new RequestError(
      { problem: 'the query failed', got: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  }
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function table(rows: readonly Record<string, unknown>[]): string {
  if (rows.length === 0) return '(no rows)';
  const names = Object.keys(rows[0]!);
  return columns([names, ...rows.map((row) => names.map((name) => cell(row[name])))]);
}

export function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toPrecision(6);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const number = typeof value === 'string' && /^-?\d+\.\d{7,}$/.test(value) ? Number(value).toPrecision(6) : text;
  return number.length > 32 ? `${number.slice(0, 31)}…` : number;
}
