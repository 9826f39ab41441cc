/** Every route of the API: what it takes, what it answers, how it can fail. Routes and OpenAPI document are made of it. */
import type { TSchema } from '@prosodia/core';
import type { ProblemName } from './problem.ts';
import {
  BatchOptions,
  BatchReply,
  HealthReply,
  ModelsReply,
  PredictOptions,
  PredictReply,
  ReadyReply,
} from './schemas.ts';

/** Media types of a recording sent as a body; its content decides what it is. */
export const AUDIO_TYPES = [
  'audio/wav',
  'audio/x-wav',
  'audio/wave',
  'audio/vnd.wave',
  'audio/flac',
  'audio/x-flac',
  'application/octet-stream',
] as const;

export interface Operation {
  method: 'GET' | 'POST';
  /** With `:name` for a part that varies. */
  path: string;
  summary: string;
  description?: string;
  /** Parts of the path that vary, with what they are. */
  pathParameters?: Readonly<Record<string, string>>;
  query?: TSchema;
  /** `recording`: raw audio, or a multipart body with a `file`; `recordings`: a multipart body with several. */
  body?: 'recording' | 'recordings';
  /** Of status 200, unless `status` says otherwise. */
  reply: { schema: TSchema } | { media: string; description: string; status?: number };
  /** Another status that is answered with the same schema. */
  alsoStatus?: number;
  /** Beside those that any request can have. */
  problems: readonly ProblemName[];
  /** Answered without the token. */
  open?: boolean;
  /** Counts against the requests that may wait, from its headers on. */
  predicts?: boolean;
}

const PREDICTION_PROBLEMS = [
  'invalid-parameter',
  'bad-multipart',
  'no-recording',
  'no-such-model',
  'too-large',
  'too-many-files',
  'unsupported-media-type',
  'too-busy',
  'thread-died',
  'timed-out',
] as const satisfies ProblemName[];

export const OPERATIONS = {
  predict: {
    method: 'POST',
    path: '/v1/predict',
    summary: 'Predicts one recording.',
    description:
      'The body is the recording, WAV or FLAC of any sample rate and channel count, or a multipart form with it as ' +
      '`file`. Options come in the query, or as fields of the form, which win.',
    query: PredictOptions,
    body: 'recording',
    reply: { schema: PredictReply },
    problems: [...PREDICTION_PROBLEMS, 'not-predicted', 'too-long'],
    predicts: true,
  },
  batch: {
    method: 'POST',
    path: '/v1/predict/batch',
    summary: 'Predicts several recordings.',
    description: 'A recording that cannot be predicted is refused in its place, and takes no other with it.',
    query: BatchOptions,
    body: 'recordings',
    reply: { schema: BatchReply },
    problems: PREDICTION_PROBLEMS,
    predicts: true,
  },
  stream: {
    method: 'GET',
    path: '/v1/stream',
    summary: 'A WebSocket: audio in, a smoothed estimate every half second out.',
    description:
      'The first message is JSON (`StreamStart`), every later one binary: samples of one channel, at most as fast as ' +
      'they are spoken. The server answers with JSON (`StreamReply`). Subprotocol `prosodia.v1`; browsers, which can ' +
      'set no header, send the token as a second one, `bearer.TOKEN`.',
    reply: { media: 'application/octet-stream', description: 'The WebSocket is open.', status: 101 },
    problems: ['upgrade-required', 'too-busy'],
  },
  models: {
    method: 'GET',
    path: '/v1/models',
    summary: 'The models that are served, and the limits of the server.',
    reply: { schema: ModelsReply },
    problems: [],
  },
  card: {
    method: 'GET',
    path: '/v1/models/:id/card',
    summary: 'The model card: data, licence, figures, limits.',
    pathParameters: { id: 'Id of the model.' },
    reply: { media: 'text/markdown', description: 'The card, in Markdown.' },
    problems: ['no-such-model', 'not-found'],
  },
  oneFile: {
    method: 'GET',
    path: '/v1/models/:id/model.onnx',
    summary: 'The model as one ONNX file, waveform in, probabilities out.',
    description: 'While it is still being made, the answer waits for it.',
    pathParameters: { id: 'Id of the model.' },
    reply: { media: 'application/octet-stream', description: 'The ONNX file.' },
    problems: ['no-such-model', 'not-found', 'timed-out'],
  },
  health: {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the server answers.',
    reply: { schema: HealthReply },
    problems: [],
    open: true,
  },
  ready: {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether the server takes requests; 503 while it stops or has no thread.',
    reply: { schema: ReadyReply },
    alsoStatus: 503,
    problems: [],
    open: true,
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'Figures for Prometheus.',
    reply: { media: 'text/plain', description: 'Prometheus text format.' },
    problems: [],
  },
  openapi: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    reply: { media: 'application/json', description: 'OpenAPI 3.1.' },
    problems: [],
    open: true,
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
