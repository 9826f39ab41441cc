/**
 * The one-file form of each model, for predictions in the browser: named by whoever started the server, or made by
 * the server itself in a thread beside those that predict.
 *
 * What is made lies in a temporary folder: it costs no memory until it is asked for. A model of which there is none
 * is served all the same; so is every model if the thread dies.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadable, messageOf } from '@prosodia/core';
import type { Log } from './log.ts';
import type { FromOneFileThread, ModelSource, OneFileThreadData } from './messages.ts';

export type OneFileState =
  | { state: 'making' }
  | { state: 'ready'; path: string }
  /** There is none, and why: one line without a full stop. */
  | { state: 'none'; reason: string };

/** A model of which a one-file form is wanted. */
export interface WantedOneFile {
  /** As the log calls it. */
  id: string;
  source: ModelSource;
  /** Path of the file, if somebody has made it already. */
  given: string | undefined;
}

interface Entry {
  now: OneFileState;
  /** Resolves when it is no longer being made. */
  settled: Promise<void>;
  settle(state: OneFileState): void;
}

export class OneFiles {
  readonly #wanted: readonly WantedOneFile[];
  readonly #log: Log;
  readonly #entries: Entry[];
  #folder: string | undefined;
  #worker: Worker | undefined;
  #closing = false;

  /** @param wanted in the order of the models */
  constructor(wanted: readonly WantedOneFile[], log: Log) {
    this.#wanted = wanted;
    this.#log = log;
    this.#entries = wanted.map(({ given }) =>
      entry(given === undefined ? { state: 'making' } : { state: 'ready', path: given }),
    );
  }

  /** @param model place among the models */
  state(model: number): OneFileState {
    return this.#entries[model]!.now;
  }

  /** The state once it is no longer being made. */
  async settled(model: number): Promise<OneFileState> {
    const own = this.#entries[model]!;
    await own.settled;
    return own.now;
  }

  /** Makes those that are missing, in the background. */
  make(): void {
    const missing: OneFileThreadData = this.#wanted.flatMap(({ source, given }, index) =>
      given === undefined ? [{ index, source }] : [],
    );
    if (missing.length > 0) this.#start(missing);
  }

  #start(missing: OneFileThreadData): void {
    const { url, execArgv } = loadable(new URL('./one-file-thread.ts', import.meta.url));
    const worker = new Worker(url, { workerData: missing, execArgv: [...process.execArgv, ...execArgv] });
    this.#worker = worker;
    let started = performance.now();
    let cause: unknown;
    worker.on('message', (message: FromOneFileThread) => {
      this.#take(message, (performance.now() - started) / 1000);
      started = performance.now();
    });
    worker.on('error', (error) => (cause = error));
    worker.on('exit', (code) => {
      const [current, ...others] = missing.filter(({ index }) => this.#entries[index]!.now.state === 'making');
      if (!current) return;
      const why = cause === undefined ? `its thread ended with code ${code}` : messageOf(cause);
      this.#fail(current.index, `making it failed: ${why}`);
      // A thread that dies of one model takes no other with it.
      if (this.#closing) for (const { index } of others) this.#fail(index, why);
      else if (others.length > 0) this.#start(others);
    });
  }

  /** Says of those that are missing that nobody makes them. */
  refuse(reason: string): void {
    for (const own of this.#entries) if (own.now.state === 'making') own.settle({ state: 'none', reason });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker?.terminate();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #take(message: FromOneFileThread, seconds: number): void {
    const { index } = message;
    if ('reason' in message) return this.#fail(index, message.reason);
    const { model } = message;
    if (this.#closing) return;
    try {
      this.#folder ??= mkdtempSync(join(tmpdir(), 'prosodia-one-file-'));
      const path = join(this.#folder, `${index}.onnx`);
      writeFileSync(path, model);
      this.#entries[index]!.settle({ state: 'ready', path });
      const size = `${(model.length / 1e6).toFixed(1)} MB`;
      this.#log.say(`${this.#wanted[index]!.id} as one file: ${size}, made in ${seconds.toFixed(1)} s`);
    } catch (error) {
      this.#fail(index, `it cannot be kept: ${messageOf(error)}`);
    }
  }

  #fail(index: number, reason: string): void {
    this.#entries[index]!.settle({ state: 'none', reason });
    if (!this.#closing) this.#log.say(`${this.#wanted[index]!.id} has no one-file form: ${reason}`);
  }
}

function entry(now: OneFileState): Entry {
  let done!: () => void;
  const settled = new Promise<void>((resolve) => (done = resolve));
  const own: Entry = {
    now,
    settled,
    settle(state) {
      own.now = state;
      done();
    },
  };
  if (now.state !== 'making') done();
  return own;
}
