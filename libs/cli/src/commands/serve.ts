/** `prosodia serve`: models of finished runs over HTTP, and the page that uses them. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUILD_FOLDER, RequestError } from '@prosodia/core';
import type { Limits, ModelRequest } from '@prosodia/server';
import type { ParsedArgs } from '../args.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Command } from './command.ts';
import { finishedRun } from './finished-run.ts';

const USAGE = '<run|folder> ...';

/** Limits that have an option, with the factor from what is typed to what is meant. */
const LIMITS: Readonly<Record<string, readonly [limit: keyof Limits, factor: number, whole: boolean]>> = {
  threads: ['threads', 1, true],
  'max-queue': ['queue', 1, true],
  'max-body': ['body_bytes', 2 ** 20, false],
  'max-duration': ['duration_s', 1, false],
  'max-files': ['files', 1, true],
  'max-streams': ['streams', 1, true],
  timeout: ['answer_s', 1, false],
};

export const serve: Command = {
  name: 'serve',
  usage: USAGE,
  summary: 'Serves models over HTTP and WebSocket, with a page: finished runs, or folders made by export.',
  positionals: Infinity,
  options: {
    port: { type: 'value', summary: 'port to listen on; 0: any that is free (default: 7860)', placeholder: 'N' },
    host: { type: 'value', summary: 'address to listen on (default: 127.0.0.1, this machine only)' },
    token: { type: 'value', summary: 'what clients have to send (default: PROSODIA_TOKEN)', placeholder: 'SECRET' },
    insecure: { type: 'flag', summary: 'serve other machines without a token' },
    stage: { type: 'value', summary: 'stage of the runs that predicts, or stage[axis=value]', placeholder: 'NAME' },
    'one-file': {
      type: 'list',
      summary:
        'a model as one ONNX file, for predictions in the browser, one for each model, in their order (default: made)',
      placeholder: 'FILE',
    },
    'no-one-file': { type: 'flag', summary: 'make no such files: the models themselves are not handed out' },
    threads: { type: 'value', summary: 'threads that predict (default: one per core)', placeholder: 'N' },
    'max-queue': { type: 'value', summary: 'requests that may wait for a thread (default: 16)', placeholder: 'N' },
    'max-body': { type: 'value', summary: 'size of a request (default: 32)', placeholder: 'MIB' },
    'max-duration': { type: 'value', summary: 'length of a recording (default: 300)', placeholder: 'SECONDS' },
    'max-files': { type: 'value', summary: 'recordings in a batch (default: 32)', placeholder: 'N' },
    'max-streams': { type: 'value', summary: 'WebSocket streams at a time (default: 8)', placeholder: 'N' },
    timeout: { type: 'value', summary: 'time for an answer (default: 30)', placeholder: 'SECONDS' },
    json: { type: 'flag', summary: 'the address as one JSON object on stdout, the log as JSON on stderr' },
  },
  async run(args, context) {
    if (args.positionals.length === 0) {
      throw new RequestError({
        problem: 'serve needs a run or an exported folder',
        expected: `prosodia serve ${USAGE}`,
      });
    }
    const limits = Object.fromEntries(
      Object.entries(LIMITS).flatMap(([option, [limit, factor, whole]]) => {
        const value = number(args, option, { whole, from: option === 'max-queue' ? 0 : undefined });
        return value === undefined ? [] : [[limit, whole ? value : value * factor]];
      }),
    ) as Partial<Limits>;
    const port = number(args, 'port', { whole: true, from: 0, to: 65_535 }) ?? 7860;
    // Loaded only here: no other command pays for it.
    const { logTo, startServer } = await import('@prosodia/server');
    const json = args.flags.has('json');
    const log = logTo(context.err, json);
    const server = await startServer({
      models: await modelsOf(args, context),
      host: args.values.get('host') ?? '127.0.0.1',
      port,
      token: args.values.get('token') ?? (process.env['PROSODIA_TOKEN'] || undefined),
      insecure: args.flags.has('insecure'),
      makeOneFiles: !args.flags.has('no-one-file'),
      limits,
      log,
      version: versionOf(context),
    });
    const { url, models } = server;
    if (json) {
      const ids = models.map(({ id, pipeline, run }) => ({ id, pipeline, run }));
      context.out.write(`${JSON.stringify({ event: 'listening', url, models: ids, limits: server.limits })}\n`);
    } else {
      const { threads, queue, duration_s, body_bytes, answer_s } = server.limits;
      const lines = [
        url,
        ...models.map(({ id, run, pipeline, labels, calibrated }) => {
          const how = calibrated ? 'calibrated' : 'not calibrated';
          return `  ${id}: run ${run} of ${pipeline}, ${labels.length} labels, ${how}`;
        }),
        `${threads} threads, ${queue} requests may wait; recordings up to ${duration_s} s and ` +
          `${Math.round(body_bytes / 2 ** 20)} MiB, ${answer_s} s for an answer`,
        'Ctrl-C stops in order',
      ];
      context.out.write(`${lines.join('\n')}\n`);
    }
    await stopSignal(() => log.say('stopping: requests in flight are finished'));
    await server.stop();
    return EXIT.done;
  },
};

async function modelsOf(args: ParsedArgs, context: Context): Promise<ModelRequest[]> {
  const { isBundle } = await import('@prosodia/server');
  const files = (args.lists.get('one-file') ?? []).map((file) => resolve(context.cwd, file));
  if (files.length > args.positionals.length) {
    throw new RequestError({ problem: 'there are more --one-file than models', got: `${files.length} files` });
  }
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined)
    throw new RequestError({ problem: 'there is no such file', where: `--one-file ${missing}` });
  const models: ModelRequest[] = [];
  for (const [i, name] of args.positionals.entries()) {
    const folder = resolve(context.cwd, name);
    const oneFile = files[i];
    if (await isBundle(folder)) {
      models.push({ source: { kind: 'bundle', folder }, oneFile });
      continue;
    }
    const project = context.project();
    const run = await finishedRun(project, name);
    const { root, artifacts } = project;
    const build = process.env[BUILD_FOLDER]!;
    models.push({ source: { kind: 'run', root, build, artifacts, run, stage: args.values.get('stage') }, oneFile });
  }
  return models;
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
function stopSignal(onSignal: () => void): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = () => {
      if (stopping) process.exit(EXIT.interrupted);
      stopping = true;
      onSignal();
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}

function versionOf({ root }: Context): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

function number(
  args: ParsedArgs,
  name: string,
  { whole = false, from, to = Infinity }: { whole?: boolean; from?: number | undefined; to?: number },
): number | undefined {
  const text = args.values.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  const fits = (from === undefined ? value > 0 : value >= from) && value <= to && (!whole || Number.isInteger(value));
  if (text.trim() !== '' && Number.isFinite(value) && fits) return value;
  throw new RequestError({
    problem: `--${name} is a ${whole ? 'whole ' : ''}number`,
    expected: to < Infinity ? `${from ?? 0} to ${to}` : from === undefined ? 'above 0' : `${from} or more`,
    got: text,
  });
}
