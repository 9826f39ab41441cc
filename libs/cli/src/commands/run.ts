/** `prosodia run`: runs a pipeline, shows how it goes, and says how to resume if it stops. */
import { relative } from 'node:path';
import { RequestError } from '@prosodia/core';
import { runPlan } from '@prosodia/runner';
import { EXIT, exitCodeOf, explain } from '../exit.ts';
import { reporterFor } from '../ui/reporter.ts';
import type { Command } from './command.ts';
import { VARIABLE_OPTIONS, overridesFrom, pipelineArgument, planFor } from './overrides.ts';

const USAGE = 'run <pipeline>';

export const run: Command = {
  name: 'run',
  usage: '<pipeline> [--NAME=VALUE ...]',
  summary: 'Runs a pipeline; what is already in the store is not computed again.',
  positionals: 1,
  options: {
    ...VARIABLE_OPTIONS,
    jobs: { type: 'value', summary: 'cores to use (default: all)', placeholder: 'N' },
    verbose: { type: 'flag', summary: 'a line for every instance of a stage that fans out' },
    json: { type: 'flag', summary: 'one event per line as JSON on stdout' },
  },
  openEnded: true,
  async run(args, context) {
    const pipeline = pipelineArgument(args, USAGE);
    const overrides = overridesFrom(args);
    const project = context.project({ data: args.values.get('data') });
    const plan = await planFor(project, pipeline, args, run.options, context.cwd);
    const jobs = parseJobs(args.values.get('jobs'));
    const json = args.flags.has('json');
    const reporter = reporterFor(context, json, args.flags.has('verbose'));
    const interrupt = listenForInterrupts((text) => reporter.say(text));
    const resume = resumeCommand(pipeline, overrides, args.values.get('data'));
    try {
      const result = await runPlan(project, plan, {
        signal: interrupt.signal,
        onEvent: (event) => reporter.onEvent(event),
        ...(jobs === undefined ? {} : { jobs }),
      });
      reporter.close(); // The terminal is its own again before anything else is written to it.
      if (result.record.ok) {
        const folder = relative(context.cwd, result.folder);
        if (!json) context.out.write(`\nrun ${result.record.run}: ${folder.replace(/[^/\\]+$/, 'latest')}\n`);
        return EXIT.done;
      }
      if (result.error) context.err.write(`\n${explain(result.error)}\n`);
      for (const log of result.logs) context.err.write(`\nLog: ${relative(context.cwd, log)}\n`);
      context.err.write(`\nFinished stages are kept. To resume:\n  ${resume}\n`);
      return result.cancelled ? EXIT.interrupted : exitCodeOf(result.error);
    } finally {
      reporter.close();
      interrupt.stop();
    }
  },
};

/** The first Ctrl-C asks for an orderly end, the second ends at once. */
function listenForInterrupts(say: (text: string) => void): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    say('Stopping. Finished stages are kept; press Ctrl-C again to stop at once.');
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}

function parseJobs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new RequestError({ problem: '--jobs is a number of cores', expected: 'a whole number from 1', got: text });
}

function resumeCommand(pipeline: string, overrides: Record<string, string>, data: string | undefined): string {
  const words = ['npx prosodia run', quote(pipeline)];
  for (const [name, value] of Object.entries(overrides)) words.push(quote(`--${name}=${value}`));
  if (data !== undefined) words.push(quote(`--data=${data}`));
  return words.join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
