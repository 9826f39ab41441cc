/**
 * A project of its own in a temporary folder: copies of the sources, so that tests may edit them, and links
 * to the installed packages. The command in it is the real one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunEvent } from '@prosodia/runner';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const TOY = fileURLToPath(new URL('../fixtures/toy', import.meta.url));
const NOT_COPIED = new Set(['node_modules', 'golden']);

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
  /** Lines of stdout, for `--json`. */
  events: RunEvent[];
}

export interface Started {
  child: ChildProcess;
  /** Everything said so far. */
  said: { out: string; err: string };
  ended: Promise<Ended>;
}

export interface CliOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Bytes on standard input; without them it is closed. */
  input?: Uint8Array;
}

export class TestProject {
  readonly root: string;

  /** @param stages `toy`: the stages of the fixture and only the libraries the command needs; `all`: the real ones */
  constructor(stages: 'toy' | 'all') {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'prosodia-test-')));
    if (stages === 'toy') {
      for (const library of ['core', 'wasm', 'audio', 'runner', 'server', 'cli']) this.#copy(join('libs', library));
      cpSync(TOY, this.root, { recursive: true });
    } else {
      for (const part of ['libs', 'stages', 'pipelines', join('data', 'corpora')]) this.#copy(part);
    }
    for (const file of ['package.json', 'package-lock.json']) this.#copy(file);
    this.#linkPackages();
  }

  /** Starts the command, in a process group of its own. */
  start(args: readonly string[], { env = {}, cwd = this.root, input }: CliOptions = {}): Started {
    const child = spawn(process.execPath, [join(this.root, 'libs/cli/bin/prosodia.mjs'), ...args], {
      cwd,
      detached: true,
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: cleanEnvironment(env),
    });
    const said = { out: '', err: '' };
    child.stdin?.end(input);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, ...said, events: eventsIn(said.out) }));
    });
    return { child, said, ended };
  }

  /** Runs the command to its end. */
  cli(args: readonly string[], options?: CliOptions): Promise<Ended> {
    return this.start(args, options).ended;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #copy(path: string): void {
    cpSync(join(REPOSITORY, path), join(this.root, path), {
      recursive: true,
      filter: (source) => !NOT_COPIED.has(basename(source)) && !source.endsWith('.test.ts'),
    });
  }

  #linkPackages(): void {
    const modules = join(this.root, 'node_modules');
    mkdirSync(join(modules, '@prosodia'), { recursive: true });
    for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
      if (name.startsWith('.') || name === '@prosodia') continue;
      symlinkSync(join(REPOSITORY, 'node_modules', name), join(modules, name));
    }
    for (const library of readdirSync(join(this.root, 'libs'))) {
      symlinkSync(join(this.root, 'libs', library), join(modules, '@prosodia', library));
    }
    const own = join(REPOSITORY, 'libs', 'runner', 'node_modules');
    symlinkSync(own, join(this.root, 'libs', 'runner', 'node_modules'));
  }
}

/** The environment without what would make the command behave otherwise than for a user. */
function cleanEnvironment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(PROSODIA_|NX_|VITEST|NODE_OPTIONS|NO_COLOR)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

function eventsIn(out: string): RunEvent[] {
  return out
    .split('\n')
    .filter((line) => line.startsWith('{"event":'))
    .map((line) => JSON.parse(line) as RunEvent);
}

/** The last event, which sums a run up. */
export function summaryOf({ events, err }: Ended): Extract<RunEvent, { event: 'run' }> {
  const last = events.at(-1);
  if (last?.event !== 'run') throw new Error(`the last event is not that of the run: ${JSON.stringify(last)}\n${err}`);
  return last;
}

/** Stage to its status and reason, as the events of a run tell. */
export function stagesOf({ events }: Ended): Record<string, string> {
  return Object.fromEntries(
    events.flatMap((event) =>
      event.event === 'stage'
        ? [[event.stage, event.status === 'computed' ? `computed: ${event.reason}` : event.status]]
        : [],
    ),
  );
}
