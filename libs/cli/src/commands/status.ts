/** `prosodia status`: what a run would do, and why. */
import { statusOf } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { columns, styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';
import { VARIABLE_OPTIONS, pipelineArgument, planFor } from './overrides.ts';

export const status: Command = {
  name: 'status',
  usage: '<pipeline> [--NAME=VALUE ...]',
  summary: 'Says which stages would run, and why, without running any.',
  positionals: 1,
  options: { ...VARIABLE_OPTIONS, json: { type: 'flag', summary: 'as JSON on stdout' } },
  openEnded: true,
  async run(args, context) {
    const project = context.project({ data: args.values.get('data') });
    const pipeline = pipelineArgument(args, 'status <pipeline>');
    const plan = await planFor(project, pipeline, args, status.options, context.cwd);
    const statuses = await statusOf(project, plan);
    if (args.flags.has('json')) {
      context.out.write(`${JSON.stringify(statuses)}\n`);
      return EXIT.done;
    }
    const { green, yellow, dim } = styleFor(context.out);
    const shown = { cached: green('cached'), run: yellow('would run'), maybe: dim('may run') };
    context.out.write(`${columns(statuses.map((line) => [line.stage, shown[line.status], dim(line.reason)]))}\n`);
    return EXIT.done;
  },
};
