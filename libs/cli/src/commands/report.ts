/** `prosodia report`: one page over the reports of several runs. */
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { RequestError } from '@prosodia/core';
import { type KeptRun, type Project, allRuns, findRun, runAlone } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { openFile } from '../open-file.ts';
import type { Command } from './command.ts';

export const report: Command = {
  name: 'report',
  usage: '[run ...]',
  summary:
    'One page over several runs (default: the latest finished one of each pipeline), grouped by how they were judged.',
  positionals: Infinity,
  options: {
    to: {
      type: 'value',
      summary: 'folder for the page and its pictures (default: artifacts/overview)',
      placeholder: 'DIR',
    },
    title: { type: 'value', summary: 'its heading', placeholder: 'TEXT' },
    open: { type: 'flag', summary: 'open the page' },
    json: { type: 'flag', summary: 'its numbers as JSON on stdout' },
  },
  async run(args, context) {
    const project = context.project();
    const chosen =
      args.positionals.length > 0
        ? await Promise.all(args.positionals.map((name) => findRun(project, name)))
        : await latestOfEach(project);
    const judged = await withReports(unique(chosen), context.err);
    if (judged.length === 0) {
      throw new RequestError({
        problem: 'there is no report to show',
        expected: 'finished runs that publish the report of an evaluate stage',
        got: chosen.length === 0 ? 'no finished run' : chosen.map(nameOf).join(', '),
        fix: 'npx prosodia run mfcc-forest',
      });
    }
    const folder = resolve(context.cwd, args.values.get('to') ?? join(project.artifacts, 'overview'));
    const made = await mkdtemp(join(tmpdir(), 'prosodia-overview-'));
    try {
      await runAlone(project, {
        stage: 'overview',
        params: {
          title: args.values.get('title') ?? 'Runs',
          about: Object.fromEntries(judged.map((run) => [nameOf(run), aboutOf(run, folder)])),
        },
        inputs: { reports: judged.map((run) => ({ from: nameOf(run), folder: run.folder })) },
        outputs: { report: made },
        notice: (message) => context.err.write(`${message}\n`),
      });
      await mkdir(folder, { recursive: true });
      for (const name of await readdir(made)) await cp(join(made, name), join(folder, name));
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    const page = join(folder, 'overview.html');
    if (args.flags.has('json')) {
      const numbers: unknown = JSON.parse(await readFile(join(folder, 'overview.json'), 'utf8'));
      context.out.write(`${JSON.stringify(numbers)}\n`);
    } else {
      context.out.write(`${await readFile(join(folder, 'overview.txt'), 'utf8')}\n`);
    }
    context.err.write(`${relative(context.cwd, page) || page}\n`);
    if (args.flags.has('open') && !(await openFile(page))) context.err.write('There is no display to open it on.\n');
    return EXIT.done;
  },
};

async function latestOfEach(project: Project): Promise<KeptRun[]> {
  const latest = new Map<string, KeptRun>();
  for (const run of await allRuns(project)) {
    if (run.record.ok && !latest.has(run.record.pipeline)) latest.set(run.record.pipeline, run);
  }
  return [...latest.values()];
}

function unique(runs: readonly KeptRun[]): KeptRun[] {
  return [...new Map(runs.map((run) => [nameOf(run), run])).values()];
}

/** Runs whose folder has a report at its top. Others are named and left out. */
async function withReports(runs: readonly KeptRun[], err: { write(text: string): void }): Promise<KeptRun[]> {
  const judged: KeptRun[] = [];
  for (const run of runs) {
    const metrics = await readFile(join(run.folder, 'metrics.json'), 'utf8').catch(() => undefined);
    if (metrics !== undefined && 'protocol' in (JSON.parse(metrics) as object)) judged.push(run);
    else err.write(`left out: ${nameOf(run)} publishes no report of recordings that were judged\n`);
  }
  return judged;
}

function nameOf({ record }: KeptRun): string {
  return `${record.pipeline}/${record.run}`;
}

function aboutOf({ record, folder }: KeptRun, from: string) {
  const { pipeline, vars, started, stages } = record;
  const set = Object.entries(vars).map(([name, value]) => `--${name}=${quoted(value)}`);
  const page = relative(from, join(folder, 'report.html')).replaceAll('\\', '/');
  return {
    command: ['npx prosodia run', pipeline, ...set].join(' '),
    started,
    seconds: stages.reduce((sum, { computed_seconds, seconds }) => sum + (computed_seconds ?? seconds), 0),
    peak_memory_bytes: Math.max(0, ...stages.map(({ peak_memory_bytes }) => peak_memory_bytes ?? 0)),
    page,
  };
}

/** As a shell takes it. */
function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w./:-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
