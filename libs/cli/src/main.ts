/** The `prosodia` command: finds the subcommand, runs it, turns errors into messages and exit codes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RequestError, nearest } from '@prosodia/core';
import { type ParsedArgs, parseArgs } from './args.ts';
import type { Command } from './commands/command.ts';
import { diff } from './commands/diff.ts';
import { gc } from './commands/gc.ts';
import { completionFor } from './commands/completion.ts';
import { exportCommand } from './commands/export.ts';
import { generate } from './commands/generate.ts';
import { graph } from './commands/graph.ts';
import { inspect } from './commands/inspect.ts';
import { newCommand } from './commands/new.ts';
import { predict } from './commands/predict.ts';
import { run } from './commands/run.ts';
import { serve } from './commands/serve.ts';

import { stages } from './commands/stages.ts';
import { report } from './commands/report.ts';
import { runs } from './commands/runs.ts';
import { status } from './commands/status.ts';
import { why } from './commands/why.ts';
import { createContext } from './context.ts';
import { EXAMPLES } from './examples.ts';
import { EXIT, exitCodeOf, explain } from './exit.ts';
import type { Streams } from './ui/reporter.ts';
import { columns } from './ui/style.ts';

const COMMANDS: readonly Command[] = [
  run,
  predict,
  serve,
  exportCommand,
  status,
  why,
  runs,
  report,
  diff,
  graph,
  inspect,
  stages,
  gc,
  newCommand,
  generate,
  completionFor(() => COMMANDS),
];

/** @returns the exit code: 0 done, 1 a stage failed, 2 the request was wrong, 130 interrupted */
export async function main(
  argv: readonly string[],
  streams: Streams = { out: process.stdout, err: process.stderr },
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    streams.err.write(overview());
    return EXIT.badRequest;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    streams.out.write(overview());
    return EXIT.done;
  }
  if (name === 'version' || name === '--version' || name === '-v') {
    const { root } = createContext(streams);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    streams.out.write(`prosodia ${version}\n`);
    return EXIT.done;
  }
  const command = COMMANDS.find((known) => known.name === name);
  if (!command) {
    const near = nearest(
      name,
      COMMANDS.map((known) => known.name),
    );
    streams.err.write(`There is no command ${name}.${near ? ` Did you mean ${near}?` : ''}\n\n${overview()}`);
    return EXIT.badRequest;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    streams.out.write(help(command));
    return EXIT.done;
  }
  try {
    const args = parseArgs(rest, command.options, command.openEnded);
    refuseSurplus(command, args);
    return await command.run(args, createContext(streams));
  } catch (error) {
    streams.err.write(`${explain(error)}\n`);
    return exitCodeOf(error);
  }
}

function refuseSurplus(command: Command, { positionals }: ParsedArgs): void {
  if (positionals.length <= command.positionals) return;
  throw new RequestError({
    problem: `${command.name} takes fewer arguments`,
    expected: `prosodia ${command.name} ${command.usage}`,
    got: positionals.join(' '),
  });
}

function overview(): string {
  const rows = COMMANDS.map((command) => [`  prosodia ${command.name} ${command.usage}`, command.summary]);
  return `Speech-emotion pipelines: cached, checked, repeatable.\n\n${columns(rows)}\n\nprosodia <command> --help says more.\nExit codes: 0 done, 1 a stage failed, 2 the request was wrong, 130 interrupted.\n`;
}

function help(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => [
    `  --${name}${option.type === 'flag' ? '' : ` ${option.placeholder ?? 'VALUE'}`}`,
    option.summary,
  ]);
  const examples = (EXAMPLES[command.name] ?? []).map(([rest, what]) => [
    `  prosodia ${command.name} ${rest}`.trimEnd(),
    what,
  ]);
  const parts = [`prosodia ${command.name} ${command.usage}`, command.summary];
  if (rows.length > 0) parts.push(columns(rows));
  if (examples.length > 0) parts.push(`Examples:\n${columns(examples)}`);
  return `${parts.join('\n\n')}\n`;
}
