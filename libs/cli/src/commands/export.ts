/** `prosodia export`: a finished run as a folder, or as one ONNX file, that predicts without this repository. */
import { relative, resolve } from 'node:path';
import { RequestError } from '@prosodia/core';
import { type KeptRun, type Project, exportOneFile, exportRun } from '@prosodia/runner';
import type { ParsedArgs } from '../args.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Command } from './command.ts';
import { finishedRun } from './finished-run.ts';

export const exportCommand: Command = {
  name: 'export',
  usage: '<run>',
  summary:
    'Writes a folder that predicts without this repository: models, transforms, code, model card, examples; or one ONNX file.',
  positionals: 1,
  options: {
    to: { type: 'value', summary: 'folder, or file, to make (default: <pipeline>-run-<number>)', placeholder: 'PATH' },
    'one-file': { type: 'flag', summary: 'one ONNX model from samples to probabilities' },
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
      throw new RequestError({
        problem: 'export needs a run',
        expected: 'prosodia export <run> [--to PATH] [--one-file]',
      });
    }
    const project = context.project();
    const run = await finishedRun(project, name);
    if (args.flags.has('one-file')) {
      await writeOneFile(project, run, args, context);
      return EXIT.done;
    }
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

async function writeOneFile(project: Project, run: KeptRun, args: ParsedArgs, context: Context): Promise<void> {
  const { pipeline, run: number } = run.record;
  const to = resolve(context.cwd, args.values.get('to') ?? `${pipeline}-run-${number}.onnx`);
  const report = await exportOneFile(project, run, { to, stage: args.values.get('stage') });
  if (args.flags.has('json')) {
    context.out.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { sample_rate, labels } = report.metadata;
  context.out.write(
    `${report.file}: ${(report.bytes / 1e6).toFixed(1)} MB\n` +
      `waveform float32 [batch, samples], mono at ${sample_rate} Hz -> probabilities float32 [batch, ${labels.length}]: ` +
      `${labels.join(', ')}\n`,
  );
}
