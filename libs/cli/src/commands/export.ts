/** `prosodia export`: a finished run as a folder that predicts without this repository. */
import { relative, resolve } from 'node:path';
import { RequestError } from '@prosodia/core';
import { exportRun } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import type { Command } from './command.ts';
import { finishedRun } from './finished-run.ts';

export const exportCommand: Command = {
  name: 'export',
  usage: '<run>',
  summary: 'Writes a folder that predicts without this repository: models, transforms, code, model card, examples.',
  positionals: 1,
  options: {
    to: { type: 'value', summary: 'folder to make (default: <pipeline>-run-<number>)', placeholder: 'DIR' },
    stage: {
      type: 'value',
      summary: 'stage that predicts, or stage[axis=value] (default: what the report judges)',
      placeholder: 'NAME',
    },
    json: { type: 'flag', summary: 'one JSON object on stdout' },
  },
  async run(args, context) {
    const [name] = args.positionals;
    if (name === undefined) {
      throw new RequestError({ problem: 'export needs a run', expected: 'prosodia export <run> [--to DIR]' });
    }
    const project = context.project();
    const run = await finishedRun(project, name);
    const { pipeline, run: number } = run.record;
    const to = resolve(context.cwd, args.values.get('to') ?? `${pipeline}-run-${number}`);
    const report = await exportRun(project, run, { to, stage: args.values.get('stage') });
    if (args.flags.has('json')) context.out.write(`${JSON.stringify({ pipeline, run: number, ...report })}\n`);
    else {
      const shown = relative(context.cwd, to) || '.';
      context.out.write(
        `run ${number} of ${pipeline}: ${report.models.join(', ')}\n\n` +
          `cd ${shown.startsWith('..') ? to : shown}\nnpm install\nnode predict.mjs speech.wav\n`,
      );
    }
    return EXIT.done;
  },
};
