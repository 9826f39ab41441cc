/** The runner's side of stage processes: starts them, gives them jobs, keeps them for reuse, ends them. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CancelledError, DataError, LeakError, ProsodiaError, RequestError, loadable } from '@prosodia/core';
import { obstacle } from '../store/files.ts';
import type { FromHost, HostError, Job, ToHost } from './protocol.ts';

/** A stage failed for a reason of its own; its message is complete. */
export class StageFailure extends Error {
  /** For the log of the run record. */
  readonly details: HostError;
  readonly cancelled: boolean;
  readonly error: Error;

  constructor(details: HostError, job: Job) {
    super(details.message);
    this.name = 'StageFailure';
    this.details = details;
    this.cancelled = details.kind === 'cancelled';
    this.error = revive(details, job);
  }
}

export interface JobEvents {
  onMessage(message: Exclude<FromHost, { type: 'done' | 'failed' }>): void;
  /** A line that the stage's process printed, for example through a native library. */
  onOutput(line: string): void;
}

const GRACE_MS = 5_000;

/** Last words of a process that was refused memory: of V8, and of native code. */
const OUT_OF_MEMORY = /heap out of memory|Array buffer allocation failed|Cannot allocate memory|bad_alloc/;

export class HostPool {
  readonly #idle: Host[] = [];
  readonly #all = new Set<Host>();

  /** Runs a job to its end. Throws a {@link StageFailure}. */
  async run(job: Job, signal: AbortSignal, events: JobEvents): Promise<{ peakMemory: number }> {
    if (signal.aborted) throw new StageFailure(cancelled(job), job);
    const host = this.#takeIdle() ?? this.#start();
    const result = await host.run(job, signal, events); // After a failure the process is gone.
    this.#idle.push(host);
    return result;
  }

  /** Ends all processes. */
  close(): void {
    for (const host of this.#all) host.kill();
  }

  #takeIdle(): Host | undefined {
    for (;;) {
      const host = this.#idle.pop();
      if (!host || host.isAlive) return host;
    }
  }

  #start(): Host {
    const host = new Host(() => this.#all.delete(host));
    this.#all.add(host);
    return host;
  }
}

/** One stage process. */
class Host {
  readonly #child: ChildProcess;
  isAlive = true;
  #onLine: (line: string) => void = () => undefined;
  #onMessage: (message: FromHost) => void = () => undefined;
  #onEnd: (how: { code: number | null; reason: NodeJS.Signals | null; error?: Error }) => void = () => undefined;

  constructor(onEnd: () => void) {
    const { url, execArgv } = loadable(new URL('./process.ts', import.meta.url));
    this.#child = fork(url, [], {
      execArgv: ['--enable-source-maps', ...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const ended = (code: number | null, reason: NodeJS.Signals | null, error?: Error) => {
      if (!this.isAlive) return;
      this.isAlive = false;
      onEnd();
      this.#onEnd({ code, reason, ...(error ? { error } : {}) });
    };
    // Not `exit`: what the process printed last arrives between the two.
    this.#child.on('close', (code, reason) => ended(code, reason));
    this.#child.on('error', (error) => this.#child.pid === undefined && ended(null, null, error));
    this.#child.on('message', (message: FromHost) => this.#onMessage(message));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#onLine(line));
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  run(job: Job, signal: AbortSignal, events: JobEvents): Promise<{ peakMemory: number }> {
    return new Promise((resolve, reject) => {
      let graceTimer: NodeJS.Timeout | undefined;
      let failure: HostError | undefined;
      let starved = false;
      const settle = () => {
        clearTimeout(graceTimer);
        signal.removeEventListener('abort', onAbort);
        this.#onMessage = () => undefined;
        this.#onEnd = () => undefined;
      };
      const onAbort = () => {
        this.#send({ type: 'cancel' });
        graceTimer = setTimeout(() => this.kill(), GRACE_MS);
      };
      this.#onLine = (line) => {
        starved ||= OUT_OF_MEMORY.test(line);
        events.onOutput(line);
      };
      this.#onMessage = (message) => {
        if (message.type === 'done') {
          settle();
          resolve({ peakMemory: message.peakMemory });
        } else if (message.type === 'failed') {
          failure = message.error;
          this.kill(); // A failed stage may have left anything behind.
        } else events.onMessage(message);
      };
      this.#onEnd = ({ code, reason, error }) => {
        settle();
        const details =
          failure ??
          (signal.aborted ? cancelled(job) : error ? notStarted(job, error) : died(job, code, reason, starved));
        reject(new StageFailure(details, job));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#send({ type: 'run', job });
    });
  }

  /** A process that is no more cannot be told anything; its end is noticed by `close`. */
  #send(message: ToHost): void {
    this.#child.send(message, () => undefined);
  }
}

function cancelled(job: Job): HostError {
  return { kind: 'cancelled', message: `stage ${job.instance} was cancelled` };
}

function notStarted(job: Job, error: Error): HostError {
  const parts = {
    problem: 'no process could be started for the stage',
    got: error.message,
    where: `stage ${job.instance}`,
    fix: 'end other programs, or run with fewer jobs (--jobs 1)',
  };
  return { kind: 'internal', message: new ProsodiaError(parts).message, parts };
}

function died(job: Job, code: number | null, reason: NodeJS.Signals | null, starved: boolean): HostError {
  const parts = {
    problem: starved ? 'the stage ran out of memory' : 'the process of the stage died',
    got: reason ? `signal ${reason}` : `exit code ${code}`,
    where: `stage ${job.instance}`,
    fix: starved
      ? 'allow it more (NODE_OPTIONS=--max-old-space-size=8192, in MiB) or run fewer stages beside it (--jobs 1, or resources: { memory_gb } in the pipeline); finished stages are kept'
      : reason === 'SIGKILL'
        ? 'most often a lack of memory: run with fewer jobs (--jobs 1); finished stages are kept'
        : 'the log of the stage has its last words; finished stages are kept',
  };
  return { kind: 'internal', message: new ProsodiaError(parts).message, parts };
}

function revive({ kind, message, parts, stack, code }: HostError, job: Job): Error {
  const classes = { request: RequestError, data: DataError, leak: LeakError, internal: ProsodiaError } as const;
  if (kind === 'cancelled') return new CancelledError(`stage ${job.instance}`);
  const error = parts ? new classes[kind](parts) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return (kind === 'internal' && obstacle(code, `stage ${job.instance}`, error)) || error;
}
