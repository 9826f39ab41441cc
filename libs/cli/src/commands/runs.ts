/** `prosodia runs`: the runs that were made, the newest first. */
import { RequestError, nearest, formatCount } from '@prosodia/core';
import { type RunRecord, allRuns } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { columns, formatSeconds, styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';
import { when } from './why.ts';

/** The number that sums a run up is the first of these that it reports. */
const HEADLINES = ['balanced_accuracy', 'accuracy', 'best_balanced_accuracy', 'best_accuracy', 'macro_f1'];

export const runs: Command = {
  name: 'runs',
  usage: '[pipeline]',
  summary: 'Lists the runs, the newest first: when, seed, how it ended, headline metric, computed and cached, time.',
  positionals: 1,
  options: {
    limit: { type: 'value', summary: 'how many (default: 20)', placeholder: 'N' },
    json: { type: 'flag', summary: 'as JSON on stdout' },
  },
  async run(args, context) {
    const all = await allRuns(context.project());
    const [pipeline] = args.positionals;
    const limit = Number(args.values.get('limit') ?? 20);
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RequestError({
        problem: '--limit is a number of runs',
        expected: 'a whole number from 1',
        got: args.values.get('limit')!,
      });
    }
    const names = [...new Set(all.map(({ record }) => record.pipeline))];
    if (pipeline !== undefined && !names.includes(pipeline)) {
      const near = nearest(pipeline, names);
      throw new RequestError({
        problem: `there are no runs of ${pipeline}`,
        expected: names.length > 0 ? `one of: ${names.join(', ')}` : 'a pipeline that was run',
        got: pipeline,
        fix: near ? `did you mean ${near}?` : `npx prosodia run ${pipeline}`,
      });
    }
    const chosen = all.filter(({ record }) => pipeline === undefined || record.pipeline === pipeline);
    const lines = chosen.slice(0, limit).map(({ record }) => lineOf(record));
    if (args.flags.has('json')) {
      context.out.write(`${JSON.stringify(lines)}\n`);
      return EXIT.done;
    }
    const { bold, dim, green, red } = styleFor(context.out);
    const head = ['run', 'when (UTC)', 'seed', '', 'metric', 'computed', 'cached', 'time'].map(bold);
    const cells = lines.map((line) => [
      line.id,
      when(line.started),
      line.seed === null ? '' : String(line.seed),
      line.ok ? green('ok') : red('failed'),
      line.metric ? `${line.metric.name} ${line.metric.value.toFixed(4)}` : '',
      String(line.computed),
      String(line.cached),
      formatSeconds(line.seconds),
    ]);
    context.out.write(cells.length === 0 ? 'No runs yet.\n' : `${columns([head, ...cells])}\n`);
    const more = chosen.length - lines.length;
    if (more > 0) context.out.write(dim(`and ${formatCount(more)} more (--limit)\n`));
    return EXIT.done;
  },
};

function lineOf(record: RunRecord) {
  const { run, pipeline, started, ok, seconds, vars, stages } = record;
  const seed = vars['seed'];
  const of = (status: string) => stages.filter((stage) => stage.status === status).length;
  return {
    id: `${pipeline}/${run}`,
    pipeline,
    run,
    started,
    seed: typeof seed === 'number' ? seed : null,
    ok,
    metric: headline(record),
    computed: of('computed'),
    cached: of('cached'),
    seconds,
  };
}

/** Of the last stage that reports one: what comes last judges what came before. */
function headline({ metrics }: RunRecord): { name: string; value: number } | null {
  for (const [stage, values] of Object.entries(metrics).reverse()) {
    const name = HEADLINES.find((known) => typeof values[known] === 'number');
    if (name !== undefined) return { name: `${stage}.${name}`, value: values[name]! };
  }
  return null;
}
