/** `prosodia diff`: two runs side by side: parameters, code, data, metrics, and the rows that both judged. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RequestError } from '@prosodia/core';
import { type KeptRun, changedLeaves, compareStages, findRun, sayChange } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { columns, formatCount, styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';
import { connect, literal, rowsOf } from './inspect-tables.ts';

/** Of the test rows that both runs judged. */
interface Shared {
  stage: string;
  rows: number;
  only_a: number;
  only_b: number;
  both_right: number;
  a_right: number;
  b_right: number;
  both_wrong: number;
}

export const diff: Command = {
  name: 'diff',
  usage: '<run> <run>',
  summary: 'Compares two runs: parameters, code, data, metrics, and which of the shared rows each has right.',
  positionals: 2,
  options: { json: { type: 'flag', summary: 'as JSON on stdout' } },
  async run(args, context) {
    const [first, second] = args.positionals;
    if (first === undefined || second === undefined) {
      throw new RequestError({
        problem: 'which two runs?',
        expected: 'prosodia diff ensemble/1 ensemble/2, or latest~1 latest, or two pipelines',
      });
    }
    const project = context.project();
    const [a, b] = [await findRun(project, first), await findRun(project, second)];
    const vars = changedLeaves(a.record.vars, b.record.vars);
    const stages = await compareStages(project, a, b);
    const metrics = metricsOf(a, b);
    const shared = await sharedRows(a, b);
    const names = [a, b].map(({ record }) => `${record.pipeline}/${record.run}`) as [string, string];
    if (args.flags.has('json')) {
      context.out.write(`${JSON.stringify({ a: names[0], b: names[1], variables: vars, stages, metrics, shared })}\n`);
      return EXIT.done;
    }
    const { bold, dim } = styleFor(context.out);
    const say = (title: string, lines: readonly string[], none: string) =>
      context.out.write(
        `\n${bold(title)}\n${(lines.length > 0 ? lines : [dim(none)]).map((line) => `  ${line}\n`).join('')}`,
      );
    context.out.write(`${names[0]} -> ${names[1]}\n`);
    say(
      'Variables',
      Object.entries(vars).map(([name, [from, to]]) => sayChange({ kind: 'parameter', name, from, to })),
      'all equal',
    );
    say(
      'Stages',
      stages.map(({ stage, only, changes }) =>
        only
          ? `${stage}: only in ${only === 'a' ? names[0] : names[1]}`
          : `${stage}: ${changes.map(sayChange).join('; ')}`,
      ),
      'parameters, code and data are equal',
    );
    const table = metrics.map(({ metric, a: before, b: after }) => [
      metric,
      before?.toFixed(4) ?? '-',
      after?.toFixed(4) ?? '-',
      before === null || after === null ? '' : signed(after - before),
    ]);
    say('Metrics', table.length > 0 ? columns([['', ...names, 'difference'], ...table]).split('\n') : [], 'none');
    say(
      'Rows judged by both',
      shared.flatMap((rows) => sayShared(rows, names)),
      'none',
    );
    return EXIT.done;
  },
};

function sayShared(found: Shared, [a, b]: readonly [string, string]): string[] {
  const { stage, rows, both_right, a_right, b_right, both_wrong, only_a, only_b } = found;
  const alone = `${formatCount(only_a)} rows only in ${a}, ${formatCount(only_b)} only in ${b}: not compared`;
  return [
    `${stage}: ${formatCount(rows)} rows: both right ${both_right}, only ${a} right ${a_right}, only ${b} right ${b_right}, both wrong ${both_wrong}`,
    ...(only_a + only_b > 0 ? [alone] : []),
  ];
}

function metricsOf(a: KeptRun, b: KeptRun): { metric: string; a: number | null; b: number | null }[] {
  const flat = ({ record }: KeptRun) =>
    new Map(
      Object.entries(record.metrics).flatMap(([stage, values]) =>
        Object.entries(values).map(([name, value]) => [`${stage}.${name}`, value] as const),
      ),
    );
  const [before, after] = [flat(a), flat(b)];
  return [...new Set([...before.keys(), ...after.keys()])].map((metric) => ({
    metric,
    a: before.get(metric) ?? null,
    b: after.get(metric) ?? null,
  }));
}

/** Joins what the evaluations of equal name judged, by item and fold. */
async function sharedRows(a: KeptRun, b: KeptRun): Promise<Shared[]> {
  const fileOf = ({ folder }: KeptRun, stage: string) => join(folder, 'stages', stage, 'report', 'predictions.parquet');
  const stages = a.record.stages
    .map(({ stage }) => stage)
    .filter((stage) => existsSync(fileOf(a, stage)) && existsSync(fileOf(b, stage)));
  if (stages.length === 0) return [];
  const connection = await connect();
  const found: Shared[] = [];
  for (const stage of stages) {
    const side = (run: KeptRun) => `read_parquet(${literal(fileOf(run, stage))})`;
    const [row] = await rowsOf(
      connection,
      `select count(*) filter (a.item_id is not null and b.item_id is not null)::int as rows,
        count(*) filter (b.item_id is null)::int as only_a, count(*) filter (a.item_id is null)::int as only_b,
        count(*) filter (a.correct and b.correct)::int as both_right,
        count(*) filter (a.correct and not b.correct)::int as a_right,
        count(*) filter (not a.correct and b.correct)::int as b_right,
        count(*) filter (not a.correct and not b.correct)::int as both_wrong
      from ${side(a)} a full join ${side(b)} b on a.item_id = b.item_id and a.fold = b.fold and a.role = b.role`,
    );
    found.push({ stage, ...(row as unknown as Omit<Shared, 'stage'>) });
  }
  return found;
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;
}
