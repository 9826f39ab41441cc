/**
 * Downloads one large file over HTTP: resumed where a connection broke off, also in a later run, and in
 * place only after its size and checksum proved right.
 *
 * What has arrived is kept in `<file>.part`. It is continued with a range request; where the server gave a
 * validator (ETag or Last-Modified), `If-Range` makes sure that the rest belongs to the same file (RFC 9110,
 * sections 13.1.5 and 14), and where it gave none, only if a checksum will tell.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError, messageOf, throwIfCancelled } from '@prosodia/core';
import { count } from './phrases.ts';

export interface DownloadOptions {
  url: string;
  /** Where the file goes; its folder is made. */
  file: string;
  /** What is known of the file; each is checked. */
  bytes?: number | undefined;
  md5?: string | undefined;
  sha256?: string | undefined;
  signal: AbortSignal;
  progress(done: number, total: number | undefined, unit?: string): void;
  /** What to do if it cannot be fetched, for errors. */
  otherwise: string;
  /** Attempts in a row that bring not one byte before giving up. */
  attempts?: number;
  /** Seconds to wait after the n-th failure in a row, from 1. */
  pause?(failures: number): number;
  /** Seconds without a byte after which a connection counts as broken. */
  patience?: number;
}

/** An attempt that failed in a way that another may not. */
class Interrupted extends Error {}

/**
 * Downloads `url` to `file`.
 *
 * @throws DataError if the server refuses, the connection keeps breaking, the disk is full, or size or
 *   checksum are wrong (what was fetched is then removed); CancelledError (what was fetched is kept)
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { url, file, signal, otherwise, attempts = 5, pause = (n) => Math.min(30, 2 ** (n - 1)) } = options;
  await mkdir(dirname(file), { recursive: true });
  const part = new PartFile(`${file}.part`, options.sha256 !== undefined || options.md5 !== undefined);
  for (let failures = 0; ;) {
    throwIfCancelled(signal, 'the download');
    const before = await part.size();
    try {
      if (options.bytes === undefined || before !== options.bytes) await attempt(options, part);
      break;
    } catch (error) {
      throwIfCancelled(signal, 'the download');
      if (!(error instanceof Interrupted)) throw explained(error, options);
      failures = (await part.size()) > before ? 1 : failures + 1;
      if (failures >= attempts) {
        throw new DataError(
          {
            problem: `the download broke off ${attempts} times in a row`,
            expected: options.bytes === undefined ? 'the whole file' : `${count(options.bytes)} bytes`,
            got: `${count(await part.size())} bytes, then: ${error.message}`,
            where: url,
            fix: `run again when the network is back; what has arrived is kept and continued. ${otherwise}`,
          },
          { cause: error },
        );
      }
      await sleep(pause(failures) * 1000, undefined, { signal }).catch(() => undefined);
    }
  }
  await verify(part, options);
  await rename(part.path, file);
  await part.remove();
}

/** The bytes that have arrived, and the validator of the file they belong to. */
class PartFile {
  readonly path: string;
  readonly #hasChecksum: boolean;

  constructor(path: string, hasChecksum: boolean) {
    this.path = path;
    this.#hasChecksum = hasChecksum;
  }

  async size(): Promise<number> {
    return (await stat(this.path).catch(() => undefined))?.size ?? 0;
  }

  /** Headers that ask for the rest; none if there is nothing to continue or no way to know that it fits. */
  async rangeHeaders(): Promise<Record<string, string>> {
    const size = await this.size();
    const validator = await readFile(this.#validatorPath, 'utf8').catch(() => undefined);
    if (size === 0 || (validator === undefined && !this.#hasChecksum)) return {};
    return { range: `bytes=${size}-`, ...(validator !== undefined && { 'if-range': validator }) };
  }

  /** Opens for appending; from the start if the server sends the whole file. */
  async open(fromStart: boolean, validator: string | undefined): Promise<FileHandle> {
    if (fromStart) {
      if (validator === undefined) await rm(this.#validatorPath, { force: true });
      else await writeFile(this.#validatorPath, validator);
    }
    return open(this.path, fromStart ? 'w' : 'a');
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.#validatorPath, { force: true });
  }

  get #validatorPath(): string {
    return `${this.path}.validator`;
  }
}

/** One request, and its body to the end. */
async function attempt(options: DownloadOptions, part: PartFile): Promise<void> {
  const { url, bytes, progress, signal, patience = 60 } = options;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), patience * 1000);
  let handle: FileHandle | undefined;
  try {
    const start = await part.size();
    const range = await part.rangeHeaders();
    const response = await interruptible(stalled.signal, patience, () =>
      fetch(url, {
        // A compressed transfer would make every length and range meaningless.
        headers: { 'accept-encoding': 'identity', ...range },
        signal: AbortSignal.any([signal, stalled.signal]),
      }),
    );
    const resumed = await checkStatus(response, start, options, part);
    const total = totalBytes(response, resumed ? start : 0);
    if (bytes !== undefined && total !== undefined && total !== bytes) throw wrongSize(total, options);
    handle = await part.open(!resumed, validatorOf(response));
    let done = resumed ? start : 0;
    progress(done, total ?? bytes, 'bytes');
    const reader = response.body!.getReader();
    for (;;) {
      const { value } = await interruptible(stalled.signal, patience, () => reader.read());
      if (!value) break;
      await handle.appendFile(value);
      done += value.length;
      timer.refresh();
      progress(done, total ?? bytes, 'bytes');
      if (bytes !== undefined && done > bytes) throw wrongSize(done, options);
    }
    const whole = total ?? bytes;
    if (whole !== undefined && done < whole) throw new Interrupted('the server ended the file early');
  } finally {
    clearTimeout(timer);
    await handle?.close();
    stalled.abort(); // Lets go of a connection whose body was not read to its end.
  }
}

/** Runs a step of the transfer; whatever breaks it is an interruption, in the words of its cause. */
async function interruptible<T>(stalled: AbortSignal, patience: number, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (stalled.aborted) throw new Interrupted(`no byte came for ${patience} s`);
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Interrupted(messageOf(cause) || (cause as NodeJS.ErrnoException).code || 'the connection broke', {
      cause: error,
    });
  }
}

/** True if the body continues the part at `start`, false if it is the whole file; throws on any other answer. */
async function checkStatus(
  response: Response,
  start: number,
  { url, otherwise }: DownloadOptions,
  part: PartFile,
): Promise<boolean> {
  const { status, statusText } = response;
  if (status === 206) {
    const from = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (from !== undefined && Number(from) === start) return true;
  } else if (status === 200) {
    return false;
  } else if (status === 408 || status === 429 || status >= 500) {
    throw new Interrupted(`the server answered ${status} ${statusText}`.trim());
  } else if (status !== 416) {
    throw new DataError({
      problem: `the server refuses the file${status === 404 || status === 410 ? ': it is not there' : ''}`,
      expected: 'status 200 or 206',
      got: `status ${status} ${statusText}`.trim(),
      where: url,
      fix: otherwise,
    });
  }
  // The range does not fit the file (any more): what has arrived is of no use.
  await part.remove();
  throw new Interrupted('the server could not continue the file');
}

/** Length of the whole file, where the answer says it. */
function totalBytes({ headers }: Response, start: number): number | undefined {
  const range = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  if (range !== undefined) return Number(range);
  const length = headers.get('content-length');
  return length === null ? undefined : start + Number(length);
}

/** A strong validator, as If-Range needs. */
function validatorOf({ headers }: Response): string | undefined {
  const etag = headers.get('etag');
  if (etag !== null && !etag.startsWith('W/')) return etag;
  return headers.get('last-modified') ?? undefined;
}

async function verify(part: PartFile, { url, bytes, md5, sha256, signal, otherwise }: DownloadOptions): Promise<void> {
  const size = await part.size();
  if (bytes !== undefined && size !== bytes) {
    await part.remove();
    throw wrongSize(size, { url, bytes, otherwise });
  }
  for (const [algorithm, expected] of [
    ['md5', md5],
    ['sha256', sha256],
  ] as const) {
    if (expected === undefined) continue;
    const hash = createHash(algorithm);
    for await (const chunk of createReadStream(part.path, { highWaterMark: 1 << 20 })) {
      throwIfCancelled(signal, 'the download');
      hash.update(chunk as Uint8Array);
    }
    const got = hash.digest('hex');
    if (got === expected) continue;
    await part.remove();
    throw new DataError({
      problem: `the downloaded file has a wrong ${algorithm} checksum; it was removed`,
      expected,
      got,
      where: url,
      fix: `run again; if it stays so, the file at this address has changed. ${otherwise}`,
    });
  }
}

function wrongSize(got: number, { url, bytes, otherwise }: Pick<DownloadOptions, 'url' | 'bytes' | 'otherwise'>) {
  return new DataError({
    problem: 'the file at this address has another size than the catalogue says',
    expected: `${count(bytes!)} bytes`,
    got: `${count(got)} bytes`,
    where: url,
    fix: otherwise,
  });
}

function explained(error: unknown, { file }: DownloadOptions): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return error;
  return new DataError(
    {
      problem: code === 'ENOSPC' ? 'the disk is full' : 'the download cannot be stored',
      got: messageOf(error),
      where: dirname(file),
      fix: 'make room or check the permissions, then run again; what has arrived is kept and continued',
    },
    { cause: error },
  );
}
