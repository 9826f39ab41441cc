/** The runner's side of stage processes: starts them, gives them jobs, keeps them for reuse, ends them. */
import { type ChildProcess, fork } from 'node:child_process';
import { CancelledError, DataError, LeakError, ProsodiaError, RequestError, loadable } from '@prosodia/core';
import type { FromHost, HostError, Job, ToHost } from './protocol.ts';

/** A stage failed for a reason of its own; its message is complete. */
export class StageFailure extends Error {
  /** For the log of the run record. */
  readonly details: HostError;
  readonly cancelled: boolean;
  readonly error: Error;

  constructor(details: HostError) {
    super(details.message);
    this.name = 'StageFailure';
    this.details = details;
    this.cancelled = details.kind === 'cancelled';
    this.error = revive(details);
  }
}

export interface JobEvents {
  onMessage(message: Exclude<FromHost, { type: 'done' | 'failed' }>): void;
}

const GRACE_MS = 5_000;

export class HostPool {
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();

  /** Runs a job to its end. Throws a {@link StageFailure}. */
  async run(job: Job, signal: AbortSignal, events: JobEvents): Promise<{ peakMemory: number }> {
    if (signal.aborted) throw new StageFailure(cancelled(job));
    const child = this.#idle.pop() ?? this.#start();
    try {
      const result = await this.#converse(child, job, signal, events);
      this.#idle.push(child);
      return result;
    } catch (error) {
      this.#end(child);
      throw error;
    }
  }

  /** Ends all processes. */
  close(): void {
    for (const child of this.#all) this.#end(child);
  }

  #start(): ChildProcess {
    const { url, execArgv } = loadable(new URL('./process.ts', import.meta.url));
    const child = fork(url, [], {
      execArgv: ['--enable-source-maps', ...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#all.add(child);
    child.on('exit', () => this.#all.delete(child));
    return child;
  }

  #end(child: ChildProcess): void {
    this.#all.delete(child);
    child.kill('SIGKILL');
  }

  #converse(child: ChildProcess, job: Job, signal: AbortSignal, events: JobEvents): Promise<{ peakMemory: number }> {
    return new Promise((resolve, reject) => {
      let graceTimer: NodeJS.Timeout | undefined;
      const settle = (finish: () => void) => {
        clearTimeout(graceTimer);
        signal.removeEventListener('abort', onAbort);
        child.off('message', onMessage).off('exit', onExit).off('error', onError);
        finish();
      };
      const onMessage = (message: FromHost) => {
        if (message.type === 'done') settle(() => resolve({ peakMemory: message.peakMemory }));
        else if (message.type === 'failed') settle(() => reject(new StageFailure(message.error)));
        else events.onMessage(message);
      };
      const onExit = (code: number | null, reason: NodeJS.Signals | null) => {
        const wanted = signal.aborted;
        settle(() => reject(new StageFailure(wanted ? cancelled(job) : died(job, code, reason))));
      };
      const onError = (error: Error) => {
        settle(() =>
          reject(new StageFailure({ kind: 'internal', message: `stage ${job.instance}: ${error.message}` })),
        );
      };
      const onAbort = () => {
        child.send({ type: 'cancel' } satisfies ToHost);
        graceTimer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      };
      child.on('message', onMessage).on('exit', onExit).on('error', onError);
      signal.addEventListener('abort', onAbort, { once: true });
      child.send({ type: 'run', job } satisfies ToHost);
    });
  }
}

function cancelled(job: Job): HostError {
  return { kind: 'cancelled', message: `stage ${job.instance} was cancelled` };
}

function died(job: Job, code: number | null, reason: NodeJS.Signals | null): HostError {
  const parts = {
    problem: 'the process of the stage died',
    got: reason ? `signal ${reason}` : `exit code ${code}`,
    where: `stage ${job.instance}`,
    fix: 'SIGKILL is most often a lack of memory: run with fewer jobs (--jobs 1), then again; finished stages are kept',
  };
  return { kind: 'internal', message: new DataError(parts).message, parts };
}

function revive({ kind, message, parts, stack }: HostError): Error {
  const classes = { request: RequestError, data: DataError, leak: LeakError, internal: ProsodiaError } as const;
  if (kind === 'cancelled') return new CancelledError('the stage');
  const error = parts ? new classes[kind](parts) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
