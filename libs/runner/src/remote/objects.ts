/**
 * Objects by name on a server, by either of two protocols.
 *
 * Nx's self-hosted cache: `GET` and `PUT /v1/cache/<hash>` with a bearer token; a hash once taken cannot be replaced.
 * S3: `GET`, `HEAD` and `PUT` of `<prefix>/<hash>`, signed. A request without a byte for `timeoutMs` is given up.
 */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { ProsodiaError, RequestError } from '@prosodia/core';
import type { RemoteConfig } from './config.ts';
import { EMPTY_SHA256, signed } from './sigv4.ts';

/** The server refused, or cannot be had. */
export class RemoteError extends ProsodiaError {
  /** Of HTTP; undefined if no answer came. */
  status: number | undefined;

  static of(problem: string, status?: number): RemoteError {
    const error = new RemoteError({ problem });
    error.status = status;
    return error;
  }
}

export interface Body {
  bytes: number;
  sha256: string;
  /** From the beginning at every call. */
  open(): AsyncIterable<Uint8Array>;
}

export interface Objects {
  /** undefined if there is none. Throws a RemoteError. */
  get(hash: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Whether it is known to be there; false if that cannot be asked. */
  has(hash: string, signal: AbortSignal): Promise<boolean>;
  put(hash: string, body: Body, signal: AbortSignal): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws RequestError if the environment has no credentials for S3 */
export function objectsAt(config: RemoteConfig, env: Environment): Objects {
  return config.url.protocol === 's3:' ? s3(config, env) : nx(config, env);
}

function nx({ url, timeoutMs }: RemoteConfig, env: Environment): Objects {
  const token = env['PROSODIA_REMOTE_TOKEN'];
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const place = (hash: string) => new URL(`${url.href.replace(/\/$/, '')}/v1/cache/${hash}`);
  return {
    async get(hash, signal) {
      const response = await send({ method: 'GET', url: place(hash), headers, timeoutMs, signal });
      return bodyOf(response);
    },
    has: () => Promise.resolve(false),
    async put(hash, body, signal) {
      const all = { ...headers, 'content-type': 'application/octet-stream', 'content-length': String(body.bytes) };
      const response = await send({ method: 'PUT', url: place(hash), headers: all, timeoutMs, signal, body });
      response.resume();
      if (response.statusCode !== 409) expectSuccess(response); // 409: it is there.
    },
  };
}

function s3({ url, timeoutMs }: RemoteConfig, env: Environment): Objects {
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (!accessKeyId || !secretAccessKey) {
    throw new RequestError({
      problem: 'there are no credentials for the shared cache',
      expected: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      where: url.href,
    });
  }
  const sessionToken = env['AWS_SESSION_TOKEN'];
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const base = endpoint
    ? `${endpoint.replace(/\/$/, '')}/${url.host}`
    : `https://${url.host}.s3.${region}.amazonaws.com`;
  const prefix = url.pathname.replace(/^\/|\/$/g, '');
  const ask = (method: string, hash: string, signal: AbortSignal, body?: Body) => {
    const place = new URL([base, ...(prefix ? [prefix] : []), hash].join('/'));
    const unsigned = { method, url: place, headers: {}, bodySha256: body?.sha256 ?? EMPTY_SHA256 };
    const headers = signed(unsigned, credentials, region, new Date());
    if (body) headers['content-length'] = String(body.bytes);
    return send({ method, url: place, headers, timeoutMs, signal, ...(body ? { body } : {}) });
  };
  return {
    get: async (hash, signal) => bodyOf(await ask('GET', hash, signal)),
    async has(hash, signal) {
      const response = await ask('HEAD', hash, signal);
      response.resume();
      return response.statusCode === 200;
    },
    async put(hash, body, signal) {
      const response = await ask('PUT', hash, signal, body);
      response.resume();
      expectSuccess(response);
    },
  };
}

interface Sent {
  method: string;
  url: URL;
  headers: Record<string, string>;
  timeoutMs: number;
  signal: AbortSignal;
  body?: Body;
}

function send({ method, url, headers, timeoutMs, signal, body }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, { method, headers });
    const refuse = (error: Error) => reject(error instanceof RemoteError ? error : RemoteError.of(error.message));
    request.setTimeout(timeoutMs, () => request.destroy(RemoteError.of(`no byte came for ${timeoutMs / 1000} s`)));
    // Not the option of this name: it stays with the socket, which other requests use after this one.
    const abort = () => request.destroy(RemoteError.of('it was given up'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    request.on('close', () => signal.removeEventListener('abort', abort));
    request.on('response', resolve).on('error', refuse);
    if (!body) request.end();
    // An answer may come before all is sent; then what is not sent is not wanted.
    else pipeline(Readable.from(body.open(), { objectMode: false }), request).catch(refuse);
  });
}

function bodyOf(response: IncomingMessage): AsyncIterable<Uint8Array> | undefined {
  if (response.statusCode === 404) {
    response.resume();
    return undefined;
  }
  if (response.statusCode !== 200) response.resume();
  expectSuccess(response);
  return response;
}

function expectSuccess({ statusCode = 0 }: IncomingMessage): void {
  if (statusCode >= 200 && statusCode < 300) return;
  const words: Record<number, string> = {
    401: 'the token is missing or not known',
    403: 'the token does not permit it',
  };
  throw RemoteError.of(`it answered ${statusCode}${words[statusCode] ? ` (${words[statusCode]})` : ''}`, statusCode);
}
