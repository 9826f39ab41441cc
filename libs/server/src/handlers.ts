/** What each operation does. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { JobResult, Recording } from './messages.ts';
import type { Metrics } from './metrics.ts';
import { type ServedModel, modelOf } from './models.ts';
import type { OneFileState } from './one-files.ts';
import { OPERATIONS, type OperationName } from './operations.ts';
import { Problem } from './problem.ts';
import { type Violation, violation } from './problem-of.ts';
import { readBody } from './recordings.ts';
import { predictionReply } from './replies.ts';
import {
  type BatchOptions,
  type BatchReply,
  type Model,
  type ModelsReply,
  type PredictOptions,
  type PredictReply,
  type ReadyReply,
  StreamStart,
} from './schemas.ts';
import type { Service } from './service.ts';
import { CLOSE, Stream } from './stream.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;
/** Answers a plain request, and talks over a WebSocket. */
interface SocketHandler {
  handler: Handler;
  wsHandler: (socket: WebSocket, request: FastifyRequest) => void;
}

/** Where a request says nothing: as `prosodia predict`. */
const THRESHOLD = 0.4;

export function handlers(
  service: Service,
  metrics: Metrics,
  document: Record<string, unknown>,
): Record<Exclude<OperationName, 'stream'>, Handler> & { stream: SocketHandler } {
  const { models, oneFiles, limits, pool } = service;

  async function predict(request: FastifyRequest, reply: FastifyReply): Promise<PredictReply> {
    const { recordings, fields } = await readBody(request, limits, 1);
    const options = optionsOf<PredictOptions>(request, fields, OPERATIONS.predict.query);
    const { model, settings, top_k, result } = await predicted(options, recordings, reply);
    const outcome = result.outcomes[0]!;
    if ('refused' in outcome) {
      throw new Problem(outcome.refused, outcome.reason, {
        fix:
          outcome.refused === 'too-long'
            ? 'cut it; if it has too many windows, a larger hop_s makes fewer'
            : 'send a WAV or FLAC recording of speech',
      });
    }
    return { ...settings, result: predictionReply(model.labels, outcome, { ...settings, top_k }) };
  }

  async function batch(request: FastifyRequest, reply: FastifyReply): Promise<BatchReply> {
    const { recordings, fields } = await readBody(request, limits, limits.files);
    const options = optionsOf<BatchOptions>(request, fields, OPERATIONS.batch.query);
    const each = (options.speakers ?? 'each') === 'each';
    const sent = recordings.map(({ bytes }, i) => (each ? { bytes, speaker: `speaker ${i + 1}` } : { bytes }));
    const { model, settings, top_k, result } = await predicted(options, sent, reply);
    const results = result.outcomes.map((outcome, i) => {
      const file = recordings[i]!.name;
      if (!('refused' in outcome)) {
        return { file, ...predictionReply(model.labels, outcome, { ...settings, top_k }) };
      }
      const { type, detail } = new Problem(outcome.refused, outcome.reason).details();
      return { file, refused: { type, detail } };
    });
    return { ...settings, results };
  }

  async function predicted(
    options: PredictOptions,
    sent: readonly Omit<Recording, 'name'>[],
    reply: FastifyReply,
  ): Promise<{ model: ServedModel; settings: Omit<PredictReply, 'result'>; top_k: number; result: JobResult }> {
    const model = modelOf(models, options.model);
    const { window_s = model.window_s, hop_s = window_s / 2, threshold = THRESHOLD, top_k = 3 } = options;
    const recordings = sent.map((own, i) => ({
      ...own,
      name: sent.length === 1 ? 'the recording' : `recording ${i + 1}`,
    }));
    const result = await service.predictApart(model, { recordings, window_s, hop_s }, whileWanted(reply));
    const { id, pipeline, run, labels, calibrated } = model;
    const settings = {
      model: id,
      pipeline,
      run,
      labels,
      calibrated,
      window_s,
      hop_s,
      ...(result.heard_s === undefined ? {} : { heard_s: result.heard_s }),
      threshold,
      notices: result.notices,
    };
    return { model, settings, top_k, result };
  }

  const stream: SocketHandler = {
    handler() {
      throw new Problem('upgrade-required', 'this path speaks WebSocket', {
        headers: { upgrade: 'websocket', connection: 'upgrade' },
      });
    },
    wsHandler(socket, request) {
      const own = new Stream(socket, {
        limits,
        start: (message) => validated(request, StreamStart, message),
        model: (id) => modelOf(models, id),
        predict: (model, job, signal) => service.predict(model, job, signal),
      });
      if (service.stopping) return own.close(new Problem('stopping', 'the server is stopping'), CLOSE.goingAway);
      if (service.streams.size >= limits.streams) return own.close(service.busy('streams are open'), CLOSE.later);
      service.streams.add(own);
      socket.on('close', () => service.streams.delete(own));
    },
  };

  return {
    predict,
    batch,
    stream,
    models: (): ModelsReply => ({
      models: models.map(({ id, index, title, pipeline, run, members, labels, calibrated, window_s, card }) => ({
        id,
        title,
        pipeline,
        run,
        members,
        labels,
        calibrated,
        window_s,
        threshold: THRESHOLD,
        card: card === undefined ? null : `/v1/models/${encodeURIComponent(id)}/card`,
        ...oneFileOf(id, oneFiles.state(index)),
      })),
      limits,
    }),
    card(request, reply) {
      const { card } = modelOf(models, (request.params as { id: string }).id);
      if (card === undefined) throw new Problem('not-found', 'the model has no card');
      return reply.type('text/markdown; charset=utf-8').send(card);
    },
    async oneFile(request, reply) {
      const { index } = modelOf(models, (request.params as { id: string }).id);
      const late = sleep(limits.answer_s * 1000, oneFiles.state(index), { ref: false });
      const now = await Promise.race([oneFiles.settled(index), late]);
      if (now.state === 'making') throw new Problem('timed-out', 'the file is still being made', { fix: 'ask again' });
      if (now.state === 'none') throw new Problem('not-found', `the model has no one-file form: ${now.reason}`);
      const { size } = await stat(now.path);
      return reply.type('application/octet-stream').header('content-length', size).send(createReadStream(now.path));
    },
    health: () => ({ status: 'ok' }),
    ready(_request, reply) {
      const status = service.stopping ? 'stopping' : pool.alive === 0 ? 'no thread is alive' : 'ready';
      const { alive: threads, running, queued } = pool;
      const body: ReadyReply = { status, threads, running, queued, streams: service.streams.size };
      return reply.code(status === 'ready' ? 200 : 503).send(body);
    },
    metrics: async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
    openapi: () => document,
  };
}

function oneFileOf(id: string, now: OneFileState): Pick<Model, 'one_file' | 'one_file_state' | 'one_file_reason'> {
  return {
    one_file: now.state === 'ready' ? `/v1/models/${encodeURIComponent(id)}/model.onnx` : null,
    one_file_state: now.state,
    one_file_reason: now.state === 'none' ? now.reason : null,
  };
}

/** The options of the query, and those of the form, which win. */
function optionsOf<T>(request: FastifyRequest, fields: Record<string, string>, schema: object): T {
  if (Object.keys(fields).length === 0) return request.query as T;
  return validated(request, schema, { ...(request.query as object), ...fields });
}

/** The value, with its defaults filled in and numbers out of text. Throws a Problem. */
function validated<T>(request: FastifyRequest, schema: object, value: unknown): T {
  const validate = request.getValidationFunction(schema) ?? request.compileValidationSchema(schema);
  if (validate(value)) return value as T;
  throw violation(validate.errors![0] as Violation);
}

/** Fires when the sender is gone before the answer is sent. */
function whileWanted(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
