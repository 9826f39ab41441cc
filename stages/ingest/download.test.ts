import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CancelledError, DataError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { type DownloadOptions, download } from './download.ts';
import { inTempFolder } from './harness.ts';

const BODY = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 5));
const MD5 = createHash('md5').update(BODY).digest('hex');
const ETAG = '"v1"';

/** `part` is where the client keeps what has arrived. */
type Handler = (request: IncomingMessage, response: ServerResponse, nth: number, part: string) => void;

/** Serves `handler` on the loopback device and downloads from it into a temporary folder. */
async function withServer<T>(
  handler: Handler,
  work: (get: (options?: Partial<DownloadOptions>) => Promise<void>, file: string, ranges: string[]) => Promise<T>,
): Promise<T> {
  const ranges: string[] = [];
  let part = '';
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? '');
    handler(request, response, ranges.length, part);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/corpus.zip`;
  try {
    return await inTempFolder((folder) => {
      const file = join(folder, 'corpus.zip');
      part = `${file}.part`;
      const options: DownloadOptions = {
        url,
        file,
        bytes: BODY.length,
        md5: MD5,
        signal: new AbortController().signal,
        progress: () => undefined,
        otherwise: 'Or use --data',
        pause: () => 0,
        attempts: 3,
      };
      return work((more) => download({ ...options, ...more }), file, ranges);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Sends `bytes` and cuts the connection as soon as the client has kept them, however slow it is. */
function sendAndCut(response: ServerResponse, bytes: Uint8Array, part: string): void {
  response.write(bytes);
  const timer = setInterval(() => {
    const kept = existsSync(part) ? statSync(part).size : 0;
    if (kept < bytes.length) return;
    clearInterval(timer);
    response.destroy();
  }, 5);
}

interface Service {
  etag?: string;
  body?: Buffer;
  /** Cut the connection after this many bytes of the body. */
  cut?: { after: number; part: string };
}

/** Answers as a good server does, ranges and If-Range included. */
function serve(request: IncomingMessage, response: ServerResponse, { etag = ETAG, cut, body = BODY }: Service = {}) {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const condition = request.headers['if-range'];
  const resume = from > 0 && (condition === undefined || condition === etag);
  const bytes = resume ? body.subarray(from) : body;
  response.writeHead(resume ? 206 : 200, {
    etag,
    'content-length': bytes.length,
    ...(resume && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
  });
  if (cut) sendAndCut(response, bytes.subarray(0, cut.after), cut.part);
  else response.end(bytes);
}

describe('download', () => {
  it('continues where a cut connection ended, and the bytes are right', () =>
    withServer(
      (request, response, nth, part) => serve(request, response, nth === 1 ? { cut: { after: 100_000, part } } : {}),
      async (get, file, ranges) => {
        const seen: number[] = [];
        await get({ progress: (done) => seen.push(done) });
        expect(BODY.equals(await readFile(file))).toBe(true);
        expect(ranges).toEqual(['', 'bytes=100000-']);
        expect(seen.at(-1)).toBe(BODY.length);
        expect(existsSync(`${file}.part`)).toBe(false);
      },
    ));

  it('continues in a later run what a cancelled one left', () =>
    withServer(
      (request, response) => serve(request, response),
      async (get, file, ranges) => {
        const stop = new AbortController();
        const progress = (done: number) => {
          if (done > 0) stop.abort();
        };
        await expect(get({ signal: stop.signal, progress })).rejects.toThrow(CancelledError);
        const kept = (await readFile(`${file}.part`)).length;
        expect(kept).toBeGreaterThan(0);
        await get();
        expect(BODY.equals(await readFile(file))).toBe(true);
        expect(ranges).toEqual(kept === BODY.length ? [''] : ['', `bytes=${kept}-`]);
      },
    ));

  it('starts over if the file changed between two attempts', () =>
    withServer(
      (request, response, nth, part) =>
        serve(
          request,
          response,
          nth === 1 ? { cut: { after: 1000, part }, etag: '"old"', body: Buffer.alloc(BODY.length) } : {},
        ),
      async (get, file) => {
        await get();
        expect(BODY.equals(await readFile(file))).toBe(true);
      },
    ));

  it('starts over with a server that ignores ranges', () =>
    withServer(
      (_request, response, nth, part) => {
        response.writeHead(200, { 'content-length': BODY.length });
        if (nth === 1) sendAndCut(response, BODY.subarray(0, 5000), part);
        else response.end(BODY);
      },
      async (get, file, ranges) => {
        await get();
        expect(BODY.equals(await readFile(file))).toBe(true);
        expect(ranges).toEqual(['', 'bytes=5000-']);
      },
    ));

  it('does not continue without a validator or a checksum to tell whether the rest fits', () =>
    withServer(
      (_request, response) => response.end(BODY),
      async (get, file, ranges) => {
        await writeFile(`${file}.part`, 'something else');
        await get({ md5: undefined });
        expect(BODY.equals(await readFile(file))).toBe(true);
        expect(ranges).toEqual(['']);
      },
    ));

  it('drops a part that the server cannot continue', () =>
    withServer(
      (request, response) => {
        if (request.headers.range === undefined) response.end(BODY);
        else response.writeHead(416).end();
      },
      async (get, file) => {
        await writeFile(`${file}.part`, Buffer.alloc(10));
        await get();
        expect(BODY.equals(await readFile(file))).toBe(true);
      },
    ));

  it('removes a file with a wrong checksum and says so', () =>
    withServer(
      (_request, response) => response.end(Buffer.alloc(BODY.length)),
      async (get, file) => {
        await expect(get()).rejects.toThrow(/wrong md5 checksum; it was removed\n {2}expected: /);
        expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
      },
    ));

  it('gives up on a body that always ends early, and keeps what arrived', () =>
    withServer(
      (_request, response) => {
        response.write(BODY.subarray(0, 1234)); // Without a length: the body looks whole to HTTP.
        response.end();
      },
      async (get, file) => {
        await expect(get()).rejects.toThrow(
          /broke off 3 times in a row[^]*got: {6}1,234 bytes, then: the server ended/,
        );
        expect((await readFile(`${file}.part`)).length).toBe(1234);
      },
    ));

  it('refuses at once a file of another size than the catalogue says', () =>
    withServer(
      (_request, response) => response.end(BODY),
      async (get, _file, ranges) => {
        await expect(get({ bytes: 5 })).rejects.toThrow(/another size[^]*expected: 5 bytes\n {2}got: {6}300,000 bytes/);
        expect(ranges).toHaveLength(1);
      },
    ));

  it.each([
    [404, /the server refuses the file: it is not there[^]*got: {6}status 404/, 1],
    [403, /the server refuses the file\n[^]*got: {6}status 403/, 1],
    [500, /broke off 3 times in a row[^]*the server answered 500/, 3],
  ])('explains status %i', (status, message, requests) =>
    withServer(
      (_request, response) => response.writeHead(status).end('no'),
      async (get, _file, ranges) => {
        const error = await get().catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toMatch(message);
        expect((error as DataError).parts.fix).toContain('Or use --data');
        expect(ranges).toHaveLength(requests);
      },
    ),
  );

  it('counts a silent connection as broken', () =>
    withServer(
      (_request, response) => response.writeHead(200, { 'content-length': BODY.length }).write('x'),
      async (get) => {
        await expect(get({ patience: 0.05, attempts: 1 })).rejects.toThrow(/no byte came for 0\.05 s/);
      },
    ));

  it('explains a server that is not there', async () => {
    const refused = withServer(
      () => undefined,
      (get) => get({ url: 'http://127.0.0.1:1/x.zip', attempts: 2 }),
    );
    await expect(refused).rejects.toThrow(/broke off 2 times in a row/);
  });
});
