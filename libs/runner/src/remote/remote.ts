/**
 * A cache shared between machines: results are read through and written through.
 *
 * Under a key lies the entry of a result, under a digest its content; both are tar archives. Nothing that arrives is
 * believed: an entry has to carry its own SHA-256 and to hash to its key, content has to have the digest it is asked
 * for. Whatever fails is said once, and the run goes on without.
 */
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError, messageOf } from '@prosodia/core';
import { hashOf } from '../store/canonical.ts';
import { makeFolder } from '../store/files.ts';
import type { Manifest, StoredOutput } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';
import type { RemoteConfig } from './config.ts';
import { type Body, type Objects, RemoteError } from './objects.ts';
import { type TarEntry, pack, tarSize, unpack } from './tar.ts';

/** An entry is small; more than this is none of ours. */
const MAX_ENTRY_BYTES = 64 * 2 ** 20;

/** Downloads and uploads at the same time. */
const AT_ONCE = { down: 8, up: 2 };

export interface RemoteEvents {
  /** Something to say, once. */
  warn(message: string): void;
}

export class Remote {
  readonly #config: RemoteConfig;
  readonly #objects: Objects;
  readonly #store: Store;
  readonly #events: RemoteEvents;
  readonly #down = new Gate(AT_ONCE.down);
  readonly #up = new Gate(AT_ONCE.up);
  readonly #fetching = new Map<string, Promise<Manifest | undefined>>();
  readonly #uploads = new Set<Promise<void>>();
  /** Names under which something damaged lies, to be replaced if the server lets us. */
  readonly #damaged = new Set<string>();
  readonly #stop = new AbortController();
  #readable = true;
  #writable: boolean;

  constructor(config: RemoteConfig, objects: Objects, store: Store, events: RemoteEvents) {
    this.#config = config;
    this.#objects = objects;
    this.#store = store;
    this.#events = events;
    this.#writable = !config.readOnly;
  }

  /** Whether asking makes sense (still). */
  get readable(): boolean {
    return this.#readable;
  }

  /**
   * Brings a result into the store.
   * @param progress told the bytes that have come, and all
   * @returns its entry; undefined if there is none, or none that can be used
   */
  fetch(
    key: string,
    signal: AbortSignal,
    progress: (done: number, total: number) => void,
  ): Promise<Manifest | undefined> {
    let fetching = this.#fetching.get(key);
    if (!fetching) {
      const both = AbortSignal.any([signal, this.#stop.signal]);
      fetching = this.#down.run(() => this.#fetch(key, both, progress)).finally(() => this.#fetching.delete(key));
      this.#fetching.set(key, fetching);
    }
    return fetching;
  }

  async #fetch(key: string, signal: AbortSignal, progress: (done: number, total: number) => void) {
    if (!this.#readable || signal.aborted) return undefined;
    try {
      const manifest = await this.#entry(key, signal);
      if (!manifest) return undefined;
      const outputs = Object.values(manifest.outputs);
      const total = outputs.reduce((sum, { bytes }) => sum + bytes, 0);
      let done = 0;
      for (const output of outputs) {
        const count = (bytes: number) => progress((done += bytes), total);
        if (!(await this.#content(output, signal, count))) return undefined;
      }
      await this.#store.commit(manifest);
      return manifest;
    } catch (error) {
      if (!signal.aborted) this.#lost(error);
      return undefined;
    }
  }

  async #entry(key: string, signal: AbortSignal): Promise<Manifest | undefined> {
    const source = await this.#objects.get(key, signal);
    if (!source) return undefined;
    return this.#checked(key, async () => {
      let text: string | undefined;
      let sum: string | undefined;
      for await (const { path, bytes, content } of unpack(live(source))) {
        if (bytes > MAX_ENTRY_BYTES) throw broken('an entry of a size that none has');
        const all: Uint8Array[] = [];
        for await (const chunk of content) all.push(chunk);
        if (path === 'manifest.json') text = Buffer.concat(all).toString('utf8');
        else if (path === 'manifest.sha256') sum = Buffer.concat(all).toString('latin1');
      }
      if (text === undefined || sum !== sha256(text)) throw broken('an entry that was changed');
      const manifest = JSON.parse(text) as Manifest;
      if (manifest.key !== key || hashOf(manifest.parts) !== key) throw broken('an entry of another result');
      return manifest;
    });
  }

  /** Brings content into the store, unless it is there; false if it cannot be had. */
  async #content(output: StoredOutput, signal: AbortSignal, count: (bytes: number) => void): Promise<boolean> {
    if (await this.#store.hasContent(output)) return true;
    const source = await this.#objects.get(output.digest, signal);
    if (!source) return false;
    const folder = await this.#store.workFolder();
    try {
      const stored = await this.#checked(output.digest, async () => {
        const expected = new Map(output.files.map((file) => [file.path, file]));
        for await (const { path, bytes, content } of unpack(live(source))) {
          // Only what the entry names is written, so that no path can lead elsewhere.
          if (expected.get(path)?.bytes !== bytes) throw broken(`a file ${path} that does not belong there`);
          await write(join(folder, path), content, count);
        }
        const found = await this.#store.digestOf(folder);
        if (found !== output.digest) throw broken('content that was changed');
        return this.#store.addOutput(folder, output.kind);
      });
      return stored !== undefined;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** What is damaged is said and is as if it were not there; what fails otherwise goes on. */
  async #checked<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DataError) && !(error instanceof SyntaxError)) throw error;
      this.#damaged.add(name);
      const what = error instanceof DataError ? (error.parts.got ?? error.parts.problem) : 'an entry that is no JSON';
      this.#events.warn(`the shared cache has a damaged object, which is not used: ${what} (${name.slice(0, 12)})`);
      return undefined;
    }
  }

  /** Uploads a result in the background. */
  push(manifest: Manifest): void {
    if (!this.#writable || this.#config.exclude.includes(manifest.parts.stage)) return;
    const upload: Promise<void> = this.#up
      .run(() => this.#push(manifest))
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#refused(error);
      })
      .finally(() => this.#uploads.delete(upload));
    this.#uploads.add(upload);
  }

  async #push(manifest: Manifest): Promise<void> {
    const text = JSON.stringify(manifest);
    // The entry last: it never points at content that is not there.
    for (const { digest, files } of Object.values(manifest.outputs)) {
      const folder = this.#store.contentFolder(digest);
      await this.#put(
        digest,
        files.map(({ path, bytes }) => ({ path, bytes, source: join(folder, path) })),
      );
    }
    const [entry, sum] = [Buffer.from(text), Buffer.from(sha256(text))];
    await this.#put(manifest.key, [
      { path: 'manifest.json', bytes: entry.length, source: entry },
      { path: 'manifest.sha256', bytes: sum.length, source: sum },
    ]);
  }

  async #put(name: string, entries: TarEntry[]): Promise<void> {
    const { signal } = this.#stop;
    if (!this.#writable || signal.aborted) return;
    if (!this.#damaged.has(name) && (await this.#objects.has(name, signal))) return;
    const hash = createHash('sha256');
    for await (const chunk of pack(entries)) hash.update(chunk);
    const body: Body = { bytes: tarSize(entries), sha256: hash.digest('hex'), open: () => pack(entries) };
    await this.#objects.put(name, body, signal);
  }

  /** Waits for uploads, but not longer than was agreed; gives up at once if `signal` fires. */
  async close(signal: AbortSignal): Promise<void> {
    const { drainMs } = this.#config;
    const left = () => this.#uploads.size;
    if (left() > 0 && !signal.aborted) {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, drainMs);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([Promise.all(this.#uploads), over]);
      clearTimeout(timer);
    }
    if (left() > 0 && !signal.aborted) {
      this.#events.warn(`${left()} results were not uploaded to the shared cache within ${drainMs / 1000} s`);
    }
    this.#stop.abort();
    await Promise.allSettled(this.#uploads);
  }

  #lost(error: unknown): void {
    if (!this.#readable) return;
    this.#readable = false;
    this.#writable = false;
    this.#events.warn(`the shared cache is not used any more in this run: ${reason(error)}`);
  }

  #refused(error: unknown): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.#events.warn(`nothing more is uploaded to the shared cache in this run: ${reason(error)}`);
  }
}

/** A stream that breaks off is a loss of the server, not damage of what it has. */
async function* live(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    throw error instanceof RemoteError ? error : RemoteError.of('the connection broke off');
  }
}

async function write(path: string, content: AsyncIterable<Uint8Array>, count: (bytes: number) => void): Promise<void> {
  await makeFolder(dirname(path));
  const handle = await open(path, 'wx');
  try {
    for await (const chunk of content) {
      await handle.writeFile(chunk);
      count(chunk.length);
    }
  } finally {
    await handle.close();
  }
}

function reason(error: unknown): string {
  return error instanceof RemoteError ? error.parts.problem : messageOf(error);
}

function broken(got: string): DataError {
  return new DataError({ problem: 'the archive is damaged', got });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Lets so many through at a time. */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
