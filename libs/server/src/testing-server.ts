/** For tests: a server of a {@link FakeModel}, and requests whose answers are held against the document of the API. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type Socket, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { PROBLEM_TYPE, type ProblemDetails } from './problem.ts';
import { NAMED } from './schemas.ts';
import { type RunningServer, type ServerOptions, startServer } from './server.ts';
import { FakeModel, KeptLog } from './testing.ts';

/** The ajv that Fastify validates with, for JSON Schema 2020-12, which is that of OpenAPI 3.1. */
const require = createRequire(createRequire(import.meta.url).resolve('@fastify/ajv-compiler'));
const { default: Ajv } = require('ajv/dist/2020.js') as {
  default: new (options: object) => {
    errors?: object[] | null;
    addSchema(schema: object, key: string): void;
    validate(schema: object | string, value: unknown): boolean;
  };
};

/** Knows the schemas of the document by their names. */
export const ajv = new Ajv({ strict: false });
for (const [name, schema] of Object.entries(NAMED)) ajv.addSchema(schema, `#/components/schemas/${name}`);

interface ResponseDoc {
  content: Record<string, { schema?: object }>;
}

/** Starts a server for the tests of a file; `server()` is that one. */
export function useServer() {
  const fake = new FakeModel();
  const log = new KeptLog();
  const extra: RunningServer[] = [];
  let main: RunningServer | undefined;
  const server = (): RunningServer => main!;

  beforeAll(async () => {
    main = await start();
  });
  afterEach(async () => {
    fake.release();
    await Promise.all(extra.splice(0).map((own) => own.stop()));
    fake.hold();
  });
  afterAll(async () => {
    await main?.stop();
    fake.remove();
  });

  function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
    const models = [{ source: { kind: 'bundle' as const, folder: fake.folder } }];
    const limits = {
      threads: 1,
      queue: 2,
      body_bytes: 500_000,
      duration_s: 60,
      windows: 50,
      files: 4,
      ...options.limits,
    };
    return startServer({
      models,
      port: 0,
      log,
      version: '1.2.3',
      makeOneFiles: false,
      preparePage: false,
      ...options,
      limits,
    });
  }

  /** A server that ends with the test. */
  async function another(options: Partial<ServerOptions>): Promise<RunningServer> {
    const own = await start(options);
    extra.push(own);
    return own;
  }

  function post(
    path: string,
    body: string | FormData | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
    at = server(),
  ): Promise<Response> {
    const type = body instanceof FormData ? {} : { 'content-type': 'audio/wav' };
    return fetch(at.url + path, { method: 'POST', body, headers: { ...type, ...headers } });
  }

  /** The body, which is held against what the document says of this answer. */
  async function body<T>(response: Response, operationId: string): Promise<T> {
    const document = (await (await fetch(`${server().url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string; responses: Record<string, ResponseDoc> }>>;
    };
    const operation = Object.values(document.paths)
      .flatMap((path) => Object.values(path))
      .find((own) => own.operationId === operationId)!;
    const described = operation.responses[String(response.status)];
    expect(described, `${operationId} describes ${response.status}`).toBeDefined();
    const media = response.headers.get('content-type')!.split(';')[0]!;
    expect(Object.keys(described!.content)).toContain(media);
    const { schema } = described!.content[media]!;
    if (!schema) return (await response.text()) as T;
    const value = (await response.json()) as T;
    ajv.validate(schema, value);
    expect(ajv.errors ?? []).toEqual([]);
    return value;
  }

  async function problem(response: Response, operationId: string): Promise<ProblemDetails & { name: string }> {
    expect(response.headers.get('content-type')).toBe(PROBLEM_TYPE);
    const details = await body<ProblemDetails>(response, operationId);
    expect(details.status).toBe(response.status);
    return { ...details, name: details.type.split(':').at(-1)! };
  }

  /** Sends bytes over a connection and gives all that comes back until the server closes it. */
  async function raw(bytes: string | Uint8Array, at = server()): Promise<string> {
    const { hostname, port } = new URL(at.url);
    const socket: Socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.write(bytes);
    // A keep-alive connection stays open: what was answered is enough.
    socket.setTimeout(1000, () => socket.destroy());
    await once(socket, 'close');
    return text;
  }

  return { fake, log, server, start, another, post, body, problem, raw };
}
