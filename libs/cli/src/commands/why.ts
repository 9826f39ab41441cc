/** `prosodia why`: why a stage would run, or would not; or why it did in a run, followed to the root cause. */
import {
  type Cause,
  type Change,
  type Explanation,
  explainPlanned,
  explainRecorded,
  findRun,
  sayChange,
} from '@prosodia/runner';
import { RequestError, formatCount } from '@prosodia/core';
import { EXIT } from '../exit.ts';
import { type Style, formatSeconds, styleFor } from '../ui/style.ts';
import { sayChanges } from '../ui/changes.ts';
import type { Command } from './command.ts';
import { VARIABLE_OPTIONS, pipelineArgument, planFor } from './overrides.ts';

export const why: Command = {
  name: 'why',
  usage: '<pipeline> <stage> [--run N] [--NAME=VALUE ...]',
  summary: 'Says why a stage would be computed or is cached, down to the change behind it; --run: why it was.',
  positionals: 2,
  options: {
    ...VARIABLE_OPTIONS,
    run: { type: 'value', summary: 'explain what happened in this run: a number, latest, latest~1', placeholder: 'N' },
    json: { type: 'flag', summary: 'as JSON on stdout' },
  },
  openEnded: true,
  async run(args, context) {
    const pipeline = pipelineArgument(args, 'why <pipeline> <stage>');
    const stage = args.positionals[1];
    if (stage === undefined) {
      throw new RequestError({ problem: 'which stage?', expected: 'prosodia why <pipeline> <stage>' });
    }
    const project = context.project({ data: args.values.get('data') });
    const plan = await planFor(project, pipeline, args, why.options, context.cwd);
    const run = args.values.get('run');
    const explanation =
      run === undefined
        ? await explainPlanned(project, plan, stage)
        : await explainRecorded(project, await findRun(project, run, plan.name), stage);
    context.out.write(
      args.flags.has('json')
        ? `${JSON.stringify(explanation)}\n`
        : `${sayExplanation(explanation, run !== undefined, styleFor(context.out))}\n`,
    );
    return EXIT.done;
  },
};

/** Source files named of the stage that is asked for, and of each stage before it. */
const MOST_FILES = 12;
const MOST_FILES_BELOW = 2;

/** @param past whether it tells of a run that was made */
export function sayExplanation(found: Explanation, past: boolean, style: Style): string {
  const { bold, dim, green, yellow } = style;
  const verdict = {
    cached: green(past ? 'was served from the store' : 'is in the store'),
    computed: yellow('was computed'),
    'would run': yellow('would be computed'),
    unknown: yellow('may be computed'),
    failed: yellow('was not finished'),
  }[found.status];
  const lines = [`${bold(found.stage)} ${dim(`(${found.uses})`)} ${verdict}.`];
  if (found.status === 'cached') lines.push(...sayHit(found));
  if (found.compared) {
    lines.push(dim(`  compared with run ${found.compared.run}, of ${when(found.compared.started)}`));
  }
  if (found.status === 'cached' && found.changes.length > 0) {
    lines.push('  since that run these changed, and this combination was computed before:');
  }
  lines.push(...sayCause(found, '  ', MOST_FILES));
  const deep = found.roots.filter(({ stage }) => stage !== found.stage);
  if (found.status !== 'cached' && deep.length > 0) {
    lines.push('', bold(found.roots.length > 1 ? 'Root causes' : 'Root cause'));
    const stagesOf = new Map<string, string[]>();
    for (const { stage, changes, remark } of found.roots) {
      const told = [...sayChanges(changes, MOST_FILES_BELOW), ...(remark === undefined ? [] : [remark])].join('; ');
      stagesOf.set(told, [...(stagesOf.get(told) ?? []), stage]);
    }
    for (const [told, stages] of stagesOf) lines.push(`  ${stages.join(', ')}: ${told}`);
  }
  return lines.join('\n');
}

function sayHit({ key, made, equal }: Explanation): string[] {
  const lines = [`  key ${key ?? ''}`];
  if (made) lines.push(`  made by run ${made.run}, of ${when(made.started)}, in ${formatSeconds(made.seconds)}`);
  else lines.push('  made by a run that is no longer kept, or by another pipeline');
  if (equal) {
    const { files, packages, parameters, inputs } = equal;
    lines.push(
      `  equal to what it was made of: code (${count(files, 'file')}, ${count(packages, 'package')}), ` +
        `${count(parameters, 'parameter')}, ${count(inputs, 'input')}`,
    );
  }
  return lines;
}

function sayCause({ changes, remark, through }: Cause, indent: string, files = MOST_FILES_BELOW): string[] {
  const own = changes.filter(({ kind }) => kind !== 'input');
  const lines = sayChanges(own, files, describe).map((line) => `${indent}${line}`);
  if (remark !== undefined) lines.push(`${indent}${remark}`);
  for (const { input, certain, causes } of through) {
    lines.push(
      causes.length === 0
        ? `${indent}input ${input} is made of other stages, or in another order`
        : `${indent}input ${input} ${certain ? 'has other bytes' : 'may change'}, through ${causes.map(({ stage }) => stage).join(', ')}`,
    );
    for (const cause of causes) {
      const above = cause.repeated ? ', as explained above' : '';
      lines.push(`${indent}  ${cause.stage} ${STATUS[cause.status]}${above}`, ...sayCause(cause, `${indent}    `));
    }
  }
  return lines;
}

const STATUS: Readonly<Record<Cause['status'], string>> = {
  cached: 'has another stored result',
  computed: 'was computed',
  'would run': 'would be computed',
  unknown: 'may be computed',
  failed: 'was not finished',
};

function describe(change: Change): string {
  return change.kind === 'parameter' ? `parameter ${sayChange(change)}` : sayChange(change);
}

/** `2026-11-21 09:12:05`, in UTC. */
export function when(started: string): string {
  return started.replace('T', ' ').replace(/\.\d+Z$/, '');
}

function count(number: number, what: string): string {
  return `${formatCount(number)} ${what}${number === 1 ? '' : 's'}`;
}
