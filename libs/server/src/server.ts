/**
 * The server: models over HTTP and WebSocket, and the page that uses them.
 *
 * The thread that answers never predicts. A request is counted from its headers on, so that what the server holds
 * in memory is bounded by the limits whatever the clients do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import multipart from '@fastify/multipart';
import websocket from '@fastify/websocket';
import { RequestError } from '@prosodia/core';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from 'fastify';
import { SECURITY_HEADERS, SUBPROTOCOL, isLoopback, requireOwnOrigin, requireToken } from './access.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { type Log, logTo } from './log.ts';
import { Metrics } from './metrics.ts';
import { type ModelRequest, type ServedModel, servedModels } from './models.ts';
import { OneFiles } from './one-files.ts';
import { openApiDocument } from './openapi.ts';
import { AUDIO_TYPES, OPERATIONS, type Operation } from './operations.ts';
import { addPage } from './page.ts';
import type { PageScripts } from './page-scripts.ts';
import { Pool } from './pool.ts';
import { PROBLEM_TYPE, Problem, rawAnswer } from './problem.ts';
import { connectionProblem, pathProblem, problemOf } from './problem-of.ts';
import { Service } from './service.ts';
import { handlers } from './handlers.ts';
import { CLOSE } from './stream.ts';

export interface ServerOptions {
  models: readonly ModelRequest[];
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 7860; 0: any that is free. */
  port?: number;
  /** What clients have to bring; without it none has to. */
  token?: string | undefined;
  /** Serve other machines without a token. */
  insecure?: boolean;
  /** Make the one-file form of models that come without it; default true. Whoever has it has the model. */
  makeOneFiles?: boolean;
  /** Compile the page's scripts at once rather than for the first visitor; default true. */
  preparePage?: boolean;
  limits?: Partial<Limits>;
  log?: Log;
  /** Of Prosodia, for the OpenAPI document. */
  version?: string;
}

export interface RunningServer {
  readonly url: string;
  readonly models: readonly ServedModel[];
  readonly limits: Limits;
  /** Refuses new predictions, finishes those in flight within the limit, and closes. */
  stop(): Promise<void>;
}

/**
 * Loads the models and listens.
 * @throws RequestError if other machines could ask without a token; the error of a model that cannot be loaded
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 7860, token, insecure = false, version = '0' } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const log = options.log ?? logTo(process.stderr, false);
  if (!isLoopback(host) && token === undefined && !insecure) {
    throw new RequestError({
      problem: 'everybody who reaches this address could use the server',
      got: `host ${host} without a token`,
      fix: '--token SECRET (or PROSODIA_TOKEN), or --insecure if that is meant',
    });
  }
  const sources = options.models.map(({ source }) => source);
  const { duration_s, windows } = limits;
  const pool = await Pool.start({ sources, limits: { duration_s, windows } }, limits.threads);
  try {
    const models = await servedModels(options.models, pool.models);
    const oneFiles = new OneFiles(
      options.models.map(({ source, oneFile }, i) => ({ id: models[i]!.id, source, given: oneFile })),
      log,
    );
    const service = new Service(pool, models, oneFiles, limits);
    const metrics = new Metrics({
      queued: () => pool.queued,
      running: () => pool.running,
      threads: () => pool.alive,
      streams: () => service.streams.size,
    });
    service.onPrediction = (model, seconds, audio_s) => metrics.prediction(model.id, seconds, audio_s);
    pool.onDeath = (reason) => {
      metrics.death();
      log.say(`a thread has died and is replaced: ${reason}`);
    };
    const { app, scripts } = await listening({ service, metrics, log, token, version, host, port });
    if (options.preparePage ?? true) scripts.prepare();
    if (options.makeOneFiles ?? true) oneFiles.make();
    else oneFiles.refuse('the server was started without it');
    return {
      url: app.listeningOrigin,
      models,
      limits,
      stop: () => stop(app, service),
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

interface Parts {
  service: Service;
  metrics: Metrics;
  log: Log;
  token: string | undefined;
  version: string;
  host: string;
  port: number;
}

async function listening({
  service,
  metrics,
  log,
  token,
  version,
  host,
  port,
}: Parts): Promise<{ app: FastifyInstance; scripts: PageScripts }> {
  const { limits } = service;
  const app: FastifyInstance = Fastify({
    bodyLimit: limits.body_bytes,
    requestTimeout: limits.arrival_s * 1000,
    forceCloseConnections: true,
    http: {
      maxHeaderSize: limits.header_bytes,
      headersTimeout: limits.arrival_s * 1000,
      connectionsCheckingInterval: Math.min(5000, limits.arrival_s * 500),
    },
    // Strict: an option that is not known, or given twice, is refused.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    frameworkErrors: (error, request, reply) => void answer(problemOf(error, limits), request, reply, log),
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(rawAnswer(connectionProblem(error, limits)));
      else socket.destroy();
    },
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    requireOwnOrigin(request.headers, isLoopback(host));
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '(none)';
    const ms = reply.elapsedTime;
    metrics.request(request.method, route, reply.statusCode, ms / 1000);
    const { problem } = reply as { problem?: string };
    const line = { id: request.id, method: request.method, route, status: reply.statusCode, ms };
    log.request(problem === undefined ? line : { ...line, problem });
  });
  app.setErrorHandler((error, request, reply) => answer(problemOf(error, limits), request, reply, log));
  app.setNotFoundHandler((request, reply) => answer(pathProblem(request), request, reply, log));

  await app.register(multipart);
  await app.register(websocket, {
    options: {
      maxPayload: limits.message_bytes,
      handleProtocols: (protocols: Set<string>) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    },
  });
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser([...AUDIO_TYPES], { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  const handle = handlers(service, metrics, openApiDocument(version));
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    const own = handle[name as keyof typeof handle];
    const { method, path, query, open = false, predicts = false } = operation;
    app.route({
      method,
      url: path,
      ...(query ? { schema: { querystring: query } } : {}),
      onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
        if (!open) requireToken(token, request.headers);
        if (predicts) service.admit(reply.raw);
      },
      ...(typeof own === 'function' ? { handler: own as RouteHandlerMethod } : own),
    });
  }
  const scripts = addPage(app, log);
  await app.listen({ host, port });
  return { app, scripts };
}

function answer(problem: Problem, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  if (problem.status === 500) log.failure(`request ${request.id} failed`, problem.cause ?? problem);
  Object.assign(reply, { problem: problem.problem });
  return reply
    .code(problem.status)
    .headers({ ...SECURITY_HEADERS, ...problem.headers })
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(problem.details(request.id))));
}

/** How long connections, and then threads, may take to close. */
const CLOSE_MS = 5000;

async function stop(app: FastifyInstance, service: Service): Promise<void> {
  await service.drain(new Problem('stopping', 'the server is stopping'), CLOSE.goingAway);
  // What does not end by itself, such as a peer that never closes its side, does not keep the server.
  const patience = () => sleep(CLOSE_MS, undefined, { ref: false });
  await Promise.race([app.close(), patience()]);
  await Promise.race([Promise.all([service.pool.close(), service.oneFiles.close()]), patience()]);
}
