/** `prosodia diff`: two runs side by side: parameters, code, data, metrics, and the rows that both judged. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RequestError, formatCount } from '@prosodia/core';
import { type KeptRun, changedLeaves, compareStages, findRun, sayChange } from '@prosodia/runner';
import type { ParsedArgs } from '../args.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { openFile } from '../open-file.ts';
import { sayChanges } from '../ui/changes.ts';
import { columns, styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';
import { type Facts, completePage } from './diff-page.ts';
import { type ComparedReports, compareReports } from './diff-reports.ts';

/** Source files named of each stage. */
const MOST_FILES = 3;

export const diff: Command = {
  name: 'diff',
  usage: '<run> <run>',
  summary: 'Compares two runs: parameters, code, data, metrics, and paired tests on the rows that both judged.',
  positionals: 2,
  options: {
    html: { type: 'value', summary: 'write one page with everything, plots of both overlaid', placeholder: 'FILE' },
    open: { type: 'flag', summary: 'write that page, and open it' },
    json: { type: 'flag', summary: 'as JSON on stdout' },
  },
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
    const names = [a, b].map(({ record }) => `${record.pipeline}/${record.run}`) as [string, string];
    const compared = await compareReports(project, a, b, names);
    const facts: Facts = {
      names,
      variables: Object.entries(vars).map(([name, [from, to]]) => sayChange({ kind: 'parameter', name, from, to })),
      stages: stages.map(({ stage, only, changes }) =>
        only
          ? `${stage}: only in ${only === 'a' ? names[0] : names[1]}`
          : `${stage}: ${sayChanges(changes, MOST_FILES).join('; ')}`,
      ),
      metrics,
    };
    await writePages(compared, facts, args, context);
    if (args.flags.has('json')) {
      const reports = compared.map(({ stages: [stage, other], comparison }) => ({
        stage,
        ...(other === stage ? {} : { other }),
        ...comparison,
      }));
      context.out.write(`${JSON.stringify({ a: names[0], b: names[1], variables: vars, stages, metrics, reports })}\n`);
      return EXIT.done;
    }
    const { bold, dim } = styleFor(context.out);
    const say = (title: string, lines: readonly string[], none: string) =>
      context.out.write(
        `\n${bold(title)}\n${(lines.length > 0 ? lines : [dim(none)]).map((line) => `  ${line}\n`).join('')}`,
      );
    context.out.write(`${names[0]} -> ${names[1]}\n`);
    say('Variables', facts.variables, 'all equal');
    say('Stages', facts.stages, 'parameters, code and data are equal');
    const table = metrics.map(({ metric, a: before, b: after }) => {
      const whole = [before, after].every((value) => value === null || Number.isInteger(value));
      const digits = whole ? 0 : 4;
      return [
        metric,
        before?.toFixed(digits) ?? '-',
        after?.toFixed(digits) ?? '-',
        before === null || after === null ? '' : signed(after - before, digits),
      ];
    });
    say('Metrics', table.length > 0 ? columns([['', ...names, 'difference'], ...table]).split('\n') : [], 'none');
    say(
      'Rows judged by both',
      compared.flatMap((reports) => sayReports(reports, names)),
      'none',
    );
    return EXIT.done;
  },
};

/** @throws RequestError if there is nothing that a page could show */
async function writePages(
  compared: readonly ComparedReports[],
  facts: Facts,
  args: ParsedArgs,
  context: Context,
): Promise<void> {
  const given = args.values.get('html');
  const open = args.flags.has('open');
  if (given === undefined && !open) return;
  if (compared.length === 0) {
    throw new RequestError({
      problem: 'the runs have no reports to show side by side',
      expected: 'a stage evaluate in both, under one name',
      got: facts.names.join(', '),
    });
  }
  const wanted = given === undefined ? join(tmpdir(), `${facts.names.join('-').replaceAll('/', '-')}.html`) : given;
  for (const [i, { stages, page }] of compared.entries()) {
    const suffix = compared.length > 1 ? `-${stages[0].replaceAll(/[^\w.-]+/g, '-').replace(/-$/, '')}` : '';
    const file = resolve(
      context.cwd,
      wanted.replace(/(\.html?)?$/, (ending) => `${suffix}${ending || '.html'}`),
    );
    await writeFile(file, completePage(page, facts));
    context.err.write(`${file}\n`);
    if (open && i === 0 && !(await openFile(file))) context.err.write('There is no display to open it on.\n');
  }
}

function sayReports({ stages, comparison }: ComparedReports, [a, b]: readonly [string, string]): string[] {
  const { rows, shared, significance } = comparison;
  const name = [...new Set(stages)].join(' and ');
  const alone = `${formatCount(rows.only_first)} rows only in ${a}, ${formatCount(rows.only_second)} only in ${b}: not compared`;
  const lines = [`${name}: ${formatCount(rows.shared)} rows`];
  if (shared && significance) {
    const { mcnemar, bootstrap, t_test } = significance;
    const table = (['accuracy', 'balanced_accuracy', 'macro_f1'] as const).map((score) => {
      const interval = score === 'macro_f1' ? undefined : bootstrap?.[score];
      return [
        `  ${score}`,
        shared[0][score].toFixed(4),
        shared[1][score].toFixed(4),
        signed(shared[1][score] - shared[0][score]),
        interval ? `${signed(interval.low)} to ${signed(interval.high)}` : '',
      ];
    });
    const head = bootstrap ? `${bootstrap.level * 100} % interval, ${bootstrap.unit}s drawn anew` : '';
    lines.push(...columns([['', a, b, 'difference', head], ...table]).split('\n'));
    lines.push(
      `  McNemar: only ${a} right ${mcnemar.only_first_right}, only ${b} right ${mcnemar.only_second_right}, ${sayP(mcnemar.p)}`,
    );
    if (t_test) {
      const { difference, p } = t_test.balanced_accuracy;
      lines.push(
        `  corrected t test over ${t_test.folds} folds: balanced_accuracy ${signed(difference)}, ${sayP(p)}; accuracy ${signed(t_test.accuracy.difference)}, ${sayP(t_test.accuracy.p)}`,
      );
    }
  }
  return [...lines, ...(rows.only_first + rows.only_second > 0 ? [`  ${alone}`] : [])];
}

function sayP(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
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

function signed(value: number, digits = 4): string {
  return value === 0 ? '0' : `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(digits)}`;
}
