/**
 * `prosodia inspect`: what is in an artifact of the latest run: schema, units, rows, statistics, first rows,
 * or any SQL over it. Tables are read by DuckDB straight from the store.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { RequestError, nearest } from '@prosodia/core';
import { type RunRecord, readRecord } from '@prosodia/runner';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { openFile } from '../open-file.ts';
import { columns, formatBytes } from '../ui/style.ts';
import type { Command } from './command.ts';
import { type Artifact, inspectClip } from './inspect-clip.ts';
import { traceRow } from './inspect-lineage.ts';
import { showArtifact } from './inspect-show.ts';
import { connect, isTable, literal, rowsOf, table } from './inspect-tables.ts';
import { pipelineArgument } from './overrides.ts';

export const inspect: Command = {
  name: 'inspect',
  usage: '<pipeline> [stage[.output]]',
  summary: 'Shows an artifact of the latest run: schema, units, rows, statistics, first rows, or SQL over it.',
  positionals: 2,
  options: {
    run: { type: 'value', summary: 'number of the run (default: latest)', placeholder: 'N' },
    rows: { type: 'value', summary: 'rows to show (default: 5)', placeholder: 'N' },
    sql: {
      type: 'value',
      summary: 'a query; tables are named stage_output, or stage where there is one',
      placeholder: 'QUERY',
    },
    where: { type: 'value', summary: 'only rows for which this SQL expression holds', placeholder: 'EXPRESSION' },
    lineage: {
      type: 'value',
      summary: 'leads a row, by number from 0 or by item id, back through every stage to its recording',
      placeholder: 'ROW',
    },
    clip: { type: 'value', summary: 'draws a clip of audio or features, and writes it as WAV', placeholder: 'ID' },
    tracks: {
      type: 'value',
      summary: 'with --clip: what to draw over time (default: rms,centroid), or named features to show',
      placeholder: 'NAMES',
    },
    out: { type: 'value', summary: 'with --clip: folder for the files (default: inspect)', placeholder: 'FOLDER' },
    open: { type: 'flag', summary: 'opens the page or picture of a report, or with --clip that of the clip' },
    json: { type: 'flag', summary: 'as JSON on stdout' },
  },
  async run(args, context) {
    const given = pipelineArgument(args, 'inspect <pipeline> [stage[.output]]');
    const project = context.project();
    // Runs are kept under the pipeline's name, which for a file given by its path is what the file says.
    const pipeline = /\.ya?ml$/.test(given) ? (await project.plan(given, {}, context.cwd)).name : given;
    const folder = join(project.artifacts, 'runs', pipeline, args.values.get('run') ?? 'latest');
    const record = await readRecord(folder);
    if (!record) {
      throw new RequestError({
        problem: `there is no such run of ${pipeline}`,
        expected: folder,
        fix: `npx prosodia run ${given}`,
      });
    }
    const json = args.flags.has('json');
    const sql = args.values.get('sql');
    const artifacts = listArtifacts(record, folder);
    if (sql !== undefined) return query(sql, artifacts, json, context);
    const wanted = args.positionals[1];
    if (wanted === undefined) {
      const rows = artifacts.map(({ stage, output, kind, bytes }) => [`${stage}.${output}`, kind, formatBytes(bytes)]);
      context.out.write(json ? `${JSON.stringify(artifacts)}\n` : `${columns(rows)}\n`);
      return EXIT.done;
    }
    const chosen = artifacts.filter(({ stage, output }) => wanted === stage || wanted === `${stage}.${output}`);
    if (chosen.length === 0) {
      const names = artifacts.flatMap(({ stage, output }) => [stage, `${stage}.${output}`]);
      const near = nearest(wanted, names);
      throw new RequestError({
        problem: `the run has no artifact ${wanted}`,
        expected: `one of: ${artifacts.map(({ stage, output }) => `${stage}.${output}`).join(', ')}`,
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      });
    }
    const clip = args.values.get('clip');
    if (clip !== undefined) {
      const request = { clip, tracks: args.values.get('tracks'), out: args.values.get('out') ?? 'inspect' };
      const files = await inspectClip(chosen, artifacts, record, request, project, context);
      if (args.flags.has('open')) await openPicture(files, wanted, context);
      return EXIT.done;
    }
    if (args.flags.has('open')) {
      const listed = chosen.map(async ({ folder: own }) => (await readdir(own)).sort().map((name) => join(own, name)));
      await openPicture((await Promise.all(listed)).flat(), wanted, context);
      return EXIT.done;
    }
    const row = args.values.get('lineage');
    if (row !== undefined) {
      await traceRow(chosen[0]!, row, artifacts, record, json, context);
      return EXIT.done;
    }
    const where = args.values.get('where');
    if (where !== undefined) {
      const tables = await Promise.all(chosen.map(isTable));
      if (!tables.includes(true)) {
        throw new RequestError({
          problem: `${wanted} is no table, so it has no rows to filter`,
          expected: 'a table, with --where',
          got: chosen.map(({ kind }) => kind).join(', '),
        });
      }
    }
    const rows = parseRows(args.values.get('rows'));
    for (const artifact of chosen) {
      const uses = record.resolved[artifact.stage]?.uses ?? '';
      const output = project.catalogue.get(uses)?.outputs.find(({ name }) => name === artifact.output);
      await showArtifact(artifact, output?.kind.columns ?? [], { rows, where, json }, context);
    }
    return EXIT.done;
  },
};

/** What people look at first comes first. */
const PICTURES = ['.html', '.png', '.svg'];

/** Opens the first page or picture, and prints where it is. */
async function openPicture(files: readonly string[], wanted: string, context: Context): Promise<void> {
  const found = PICTURES.map((ending) => files.find((file) => file.endsWith(ending))).find((file) => file);
  if (found === undefined) {
    throw new RequestError({
      problem: `${wanted} holds no page or picture to open`,
      expected: 'a report, or --clip ID with audio or features',
      fix: `npx prosodia inspect without --open shows what it holds`,
    });
  }
  context.out.write(`${found}\n`);
  if (!(await openFile(found))) context.err.write('There is no display to open it on.\n');
}

function parseRows(text = '5'): number {
  const rows = Number(text);
  if (Number.isInteger(rows) && rows >= 0) return rows;
  throw new RequestError({ problem: '--rows is a number of rows', expected: 'a whole number from 0', got: text });
}

function listArtifacts(record: RunRecord, folder: string): Artifact[] {
  return record.stages.flatMap(({ stage, outputs = {} }) =>
    Object.entries(outputs).map(([output, { kind, bytes }]) => ({
      stage,
      output,
      kind,
      bytes,
      folder: join(folder, 'stages', stage, output),
    })),
  );
}

/** Every table of the run as a view: `stage_output`, and `stage` where a stage has one table. */
async function query(sql: string, artifacts: readonly Artifact[], json: boolean, context: Context): Promise<number> {
  const connection = await connect();
  const tables: Artifact[] = [];
  for (const artifact of artifacts) if (await isTable(artifact)) tables.push(artifact);
  for (const { stage, output, folder } of tables) {
    const source = `read_parquet(${literal(join(folder, '*.parquet'))})`;
    const names = [`${stage}_${output}`];
    if (tables.filter((other) => other.stage === stage).length === 1) names.push(stage);
    for (const name of new Set(names)) await connection.run(`create view "${name}" as select * from ${source}`);
  }
  await viewsOfFans(connection, tables);
  const rows = await rowsOf(connection, sql);
  context.out.write(json ? `${JSON.stringify(rows)}\n` : `${table(rows)}\n`);
  return EXIT.done;
}

/** The instances of a stage that fans out as one view: `stage_output`, with a column for each axis. */
async function viewsOfFans(connection: DuckDBConnection, tables: readonly Artifact[]): Promise<void> {
  const fans = new Map<string, { stage: string; selects: string[] }>();
  for (const { stage, output, folder } of tables) {
    const [, template, inner] = /^([^[]+)\[(.*)\]$/.exec(stage) ?? [];
    if (template === undefined || inner === undefined) continue;
    const axes = inner.split(',').map((part) => part.split('=', 2) as [string, string]);
    const cells = axes.map(([axis, label]) => `${literal(label)} as "${axis}"`).join(', ');
    const name = `${template}_${output}`;
    const fan = fans.get(name) ?? { stage: template, selects: [] };
    fan.selects.push(`select ${cells}, * from read_parquet(${literal(join(folder, '*.parquet'))})`);
    fans.set(name, fan);
  }
  for (const [name, { stage, selects }] of fans) {
    const query = selects.join(' union all by name ');
    await connection.run(`create or replace view "${name}" as ${query}`);
    const single = [...fans.values()].filter((fan) => fan.stage === stage).length === 1;
    if (single) await connection.run(`create or replace view "${stage}" as ${query}`);
  }
}
