/**
 * Threads that predict, and the jobs that wait for them.
 *
 * Each thread has every model loaded and works at one job. A thread that dies takes its own job with it, never
 * another, and is replaced; so is one that does not stop when it is told to.
 */
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { DataError, loadable } from '@prosodia/core';
import type { FromThread, Job, JobResult, ModelFacts, PlainError, ThreadData, ToThread } from './messages.ts';
import { scratchFolder } from './scratch.ts';

/** Why a job has no result. */
export class JobFailure extends Error {
  readonly reason: 'failed' | 'died' | 'timed-out' | 'cancelled' | 'closed';

  constructor(reason: JobFailure['reason'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'JobFailure';
    this.reason = reason;
  }
}

export interface SubmitOptions {
  /** From now to the result. */
  timeout_ms: number;
  signal?: AbortSignal | undefined;
}

interface Waiting {
  id: number;
  job: Job;
  resolve(result: JobResult): void;
  reject(failure: JobFailure): void;
}

interface Thread {
  worker: Worker;
  ready: boolean;
  running: Waiting | undefined;
}

/** How long a thread that was told to stop its job may go on before it is ended. */
const GRACE_MS = 2000;
/** Pause before a thread that could not start is replaced. */
const RESTART_MS = 1000;

export class Pool {
  readonly #data: ThreadData;
  readonly #threads = new Set<Thread>();
  #queue: Waiting[] = [];
  #models: ModelFacts[] = [];
  #count = 0;
  #closing = false;
  /** Called when a thread has died, with the reason. */
  onDeath: (reason: string) => void = () => undefined;

  private constructor(data: ThreadData) {
    this.#data = data;
  }

  /** @throws the error of a thread that cannot load the models */
  static async start(data: ThreadData, threads: number): Promise<Pool> {
    const pool = new Pool(data);
    try {
      await Promise.all(Array.from({ length: threads }, () => pool.#add()));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** In the order of the sources. */
  get models(): readonly ModelFacts[] {
    return this.#models;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get running(): number {
    return [...this.#threads].filter((thread) => thread.running).length;
  }

  /** Threads with their models loaded. */
  get alive(): number {
    return [...this.#threads].filter((thread) => thread.ready).length;
  }

  /** @throws JobFailure */
  submit(job: Job, { timeout_ms, signal }: SubmitOptions): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      if (this.#closing) return reject(new JobFailure('closed', 'the server is stopping'));
      if (signal?.aborted) return reject(new JobFailure('cancelled', 'nobody waits for the answer'));
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const own: Waiting = {
        id: this.#count++,
        job,
        resolve: (result) => (end(), resolve(result)),
        reject: (failure) => (end(), reject(failure)),
      };
      const onAbort = () => this.#abandon(own, new JobFailure('cancelled', 'nobody waits for the answer'));
      const timer = setTimeout(() => {
        this.#abandon(own, new JobFailure('timed-out', `there was no result after ${timeout_ms / 1000} s`));
      }, timeout_ms);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(own);
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const left = [...this.#queue, ...[...this.#threads].flatMap(({ running }) => running ?? [])];
    this.#queue = [];
    for (const waiting of left) waiting.reject(new JobFailure('closed', 'the server is stopping'));
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** Starts a thread; resolves when it has loaded the models. */
  #add(): Promise<void> {
    const { url, execArgv } = loadable(new URL('./thread.ts', import.meta.url));
    const folder = scratchFolder();
    const worker = new Worker(url, {
      workerData: this.#data,
      execArgv: [...process.execArgv, ...execArgv],
      env: { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder },
    });
    const thread: Thread = { worker, ready: false, running: undefined };
    this.#threads.add(thread);
    return new Promise((resolve, reject) => {
      let cause: Error | undefined;
      worker.on('message', (message: FromThread) => {
        if (message.type === 'failed') {
          cause = revived(message.error);
          return void worker.terminate();
        }
        if (message.type !== 'ready') return this.#onResult(thread, message);
        this.#models = message.models;
        thread.ready = true;
        resolve();
        this.#dispatch();
      });
      worker.on('error', (error: Error) => (cause = error));
      worker.on('exit', (code) => {
        this.#threads.delete(thread);
        rmSync(folder, { recursive: true, force: true });
        const reason = cause?.message ?? `it ended with code ${code}`;
        thread.running?.reject(new JobFailure('died', reason, { cause }));
        if (!thread.ready) reject(cause ?? new Error(reason));
        if (this.#closing) return;
        if (thread.ready) {
          this.onDeath(reason);
          this.#replace();
        }
      });
    });
  }

  #replace(): void {
    this.#add().catch((error: Error) => {
      this.onDeath(error.message);
      if (!this.#closing) setTimeout(() => this.#closing || this.#replace(), RESTART_MS).unref();
    });
  }

  /** A job that is no longer wanted: out of the queue, or stopped where it runs. */
  #abandon(own: Waiting, failure: JobFailure): void {
    own.reject(failure);
    this.#queue = this.#queue.filter((waiting) => waiting !== own);
    const thread = [...this.#threads].find(({ running }) => running === own);
    if (!thread) return;
    say(thread.worker, { type: 'cancel', id: own.id });
    setTimeout(() => {
      if (thread.running === own) void thread.worker.terminate();
    }, GRACE_MS).unref();
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (!thread.ready || thread.running) continue;
      const next = this.#queue.shift();
      if (!next) return;
      thread.running = next;
      say(thread.worker, { type: 'predict', id: next.id, job: next.job });
    }
  }

  #onResult(thread: Thread, message: Extract<FromThread, { id: number }>): void {
    const own = thread.running;
    thread.running = undefined;
    if (own?.id === message.id) {
      if (message.type === 'done') own.resolve(message.result);
      else {
        const cause = revived(message.error);
        own.reject(new JobFailure('failed', cause.message, { cause }));
      }
    }
    this.#dispatch();
  }
}

function say(worker: Worker, message: ToThread): void {
  const transfer = message.type === 'predict' ? message.job.recordings.map(({ bytes }) => bytes.buffer) : [];
  worker.postMessage(message, transfer);
}

function revived({ message, stack, parts }: PlainError): Error {
  const error = parts ? new DataError(parts) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
