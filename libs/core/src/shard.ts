/**
 * Rows over worker threads: same order and same bytes whatever the number of threads.
 *
 * A worker module exports, as default, a function that takes the setup once and returns the function
 * for one item. Items are handed out one by one to the workers, each of which has one more than it works at, so as not to
 * wait for messages; results come back in item order, with a bounded number in flight, so memory does not grow with the
 * corpus.
 *
 * With one thread the same module runs in this thread: nothing is copied, and a debugger sees it. Where it is not known
 * beforehand whether the items are worth other threads, which take long to start, that is found out by working.
 */
import { Worker } from 'node:worker_threads';
import { CancelledError, DataError, ProsodiaError, type ErrorParts, throwIfCancelled } from './errors.ts';
import { loadable } from './modules.ts';

/** Default export of a worker module. */
export type ShardWorker<Setup, Item, Result> = (
  setup: Setup,
) => ((item: Item) => Result | Promise<Result>) | Promise<(item: Item) => Result | Promise<Result>>;

export interface ShardOptions<Setup> {
  /** `new URL('./rows.ts', import.meta.url)`: write it just so, the build finds worker modules by it. */
  worker: URL;
  /** Structured-cloneable value given to each worker once. */
  setup: Setup;
  threads: number;
  /**
   * Seconds of work in this thread before others are started, if there is more then. As long as they take to start, so
   * that at most twice the time is lost that somebody would lose who knew the work. Default 0: started at once.
   */
  patience_s?: number | undefined;
  /** Whether arrays in items are moved to the worker, and gone here, instead of copied. Default false. */
  moved?: boolean;
  signal?: AbortSignal;
}

/** Messages between this module and `shard-thread.ts`. */
export interface ShardReply {
  index: number;
  result?: unknown;
  error?: { message: string; stack?: string; parts?: ErrorParts };
}

/**
 * Maps `items` through a worker module on up to `threads` threads and yields the results in order.
 *
 * @throws the worker's own error, with its place in the input; {@link CancelledError} on `signal`;
 *   a DataError if a worker thread ends early; a ProsodiaError if it runs out of memory
 */
export async function* mapSharded<Setup, Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  options: ShardOptions<Setup>,
): AsyncGenerator<Result, void, undefined> {
  const { threads, patience_s = 0 } = options;
  if (threads > 1 && patience_s <= 0) return yield* mapThreaded<Setup, Item, Result>(items, options);
  const iterator = toAsyncIterator(items);
  const patience_ms = threads > 1 ? patience_s * 1000 : Infinity;
  try {
    const isDone = yield* mapInline<Setup, Item, Result>(iterator, options, patience_ms);
    if (!isDone) yield* mapThreaded<Setup, Item, Result>({ [Symbol.asyncIterator]: () => iterator }, options);
  } finally {
    await iterator.return?.(undefined);
  }
}

/** @returns whether that was all; if not, the rest would take longer than the patience lasts */
async function* mapInline<Setup, Item, Result>(
  iterator: AsyncIterator<Item>,
  { worker, setup, signal }: ShardOptions<Setup>,
  patience_ms: number,
): AsyncGenerator<Result, boolean, undefined> {
  const module = (await import(loadable(worker).url.href)) as { default: ShardWorker<Setup, Item, Result> };
  const work = await module.default(setup);
  for (let spent_ms = 0; spent_ms < patience_ms;) {
    const next = await iterator.next();
    if (next.done) return true;
    throwIfCancelled(signal);
    const began = performance.now();
    const result = await work(next.value);
    spent_ms += performance.now() - began;
    yield result;
  }
  return false;
}

async function* mapThreaded<Setup, Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  { worker, setup, threads, signal, moved = false }: ShardOptions<Setup>,
): AsyncGenerator<Result, void, undefined> {
  const pool = new Pool(worker, setup, threads, moved);
  const iterator = toAsyncIterator(items);
  const inFlight: Promise<Result>[] = [];
  const onAbort = () => pool.fail(new CancelledError());
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    throwIfCancelled(signal);
    let exhausted = false;
    while (!exhausted || inFlight.length > 0) {
      while (!exhausted && inFlight.length < threads * IN_FLIGHT) {
        const next = await iterator.next();
        if (next.done) exhausted = true;
        else {
          const promise = pool.submit(next.value) as Promise<Result>;
          promise.catch(() => undefined); // Awaited below, in order; an early failure is not unhandled.
          inFlight.push(promise);
        }
      }
      if (inFlight.length > 0) yield await inFlight.shift()!;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await iterator.return?.(undefined);
    await pool.close();
  }
}

function toAsyncIterator<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncIterator<Item> {
  async function* iterate(): AsyncGenerator<Item> {
    for await (const item of items) yield item;
  }
  return iterate();
}

interface Job {
  index: number;
  item: unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Items per thread that are taken in and not given out yet. */
const IN_FLIGHT = 4;
/** Items that a worker has at a time: one to work at, and the next. */
const DEPTH = 2;

class Pool {
  /** Every worker, and the jobs it has, in their order. */
  readonly #workers = new Map<Worker, Job[]>();
  readonly #queue: Job[] = [];
  readonly #moved: boolean;
  #failure: Error | undefined;
  #count = 0;
  #closing = false;

  constructor(module: URL, setup: unknown, threads: number, moved: boolean) {
    this.#moved = moved;
    const thread = loadable(new URL('./shard-thread.ts', import.meta.url));
    const workerData = { module: loadable(module).url.href, setup };
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(thread.url, { workerData, execArgv: [...process.execArgv, ...thread.execArgv] });
      worker.on('message', (reply: ShardReply) => this.#onReply(worker, reply));
      worker.on('error', (error: Error) => this.fail(isOutOfMemory(error) ? outOfMemory(error, threads) : error));
      worker.on('exit', (code) => {
        if (this.#closing) return;
        const fix = 'the log has what it printed last; finished stages are kept';
        this.fail(new DataError({ problem: `a worker thread ended early with code ${code}`, fix }));
      });
      this.#workers.set(worker, []);
    }
  }

  submit(item: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#queue.push({ index: this.#count++, item, resolve, reject });
      this.#dispatch();
    });
  }

  fail(error: Error): void {
    this.#failure ??= error;
    for (const jobs of [...this.#workers.values(), this.#queue]) {
      for (const job of jobs) job.reject(this.#failure);
      jobs.length = 0;
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#workers.keys()].map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    for (let have = 0; have < DEPTH; have++) {
      for (const [worker, jobs] of this.#workers) {
        if (jobs.length > have) continue;
        // The last ones are for whoever is idle first.
        if (have > 0 && this.#queue.length <= this.#workers.size) return;
        const job = this.#queue.shift();
        if (!job) return;
        jobs.push(job);
        const { index, item } = job;
        worker.postMessage({ index, item }, this.#moved ? ownedBuffers(item) : []);
      }
    }
  }

  /** A worker answers in the order in which it was asked. */
  #onReply(worker: Worker, reply: ShardReply): void {
    const job = this.#workers.get(worker)!.shift();
    if (job) {
      if (reply.error) job.reject(revive(reply.error));
      else job.resolve(reply.result);
    }
    this.#dispatch();
  }
}

/** Buffers of whole typed arrays in a message, to be moved instead of copied. */
export function ownedBuffers(value: unknown, found = new Set<ArrayBuffer>(), depth = 0): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) found.add(value.buffer);
  } else if (typeof value === 'object' && value !== null && depth < 4) {
    for (const inner of Object.values(value)) ownedBuffers(inner, found, depth + 1);
  }
  return [...found];
}

function isOutOfMemory(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function outOfMemory(cause: Error, threads: number): ProsodiaError {
  const parts = {
    problem: 'a worker thread ran out of memory',
    got: `${threads} threads, each of which holds rows of its own`,
    fix: 'run with fewer threads (--jobs 1), or allow each more: NODE_OPTIONS=--max-old-space-size=8192 (MiB)',
  };
  return new ProsodiaError(parts, { cause });
}

/** An error object keeps its parts across the thread boundary, but not its class. */
function revive({ message, stack, parts }: NonNullable<ShardReply['error']>): Error {
  const error = parts ? new DataError(parts) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** The serializable form of an error that a worker raised. */
export function serializeError(error: unknown): NonNullable<ShardReply['error']> {
  if (error instanceof ProsodiaError) return { message: error.message, parts: error.parts, ...stackOf(error) };
  if (error instanceof Error) return { message: error.message, ...stackOf(error) };
  return { message: String(error) };
}

function stackOf(error: Error): { stack?: string } {
  return error.stack === undefined ? {} : { stack: error.stack };
}
