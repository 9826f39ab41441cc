/**
 * Every request and reply, as JSON Schema: what validates is what the OpenAPI document shows.
 *
 * All objects are closed, so that a misspelled option is refused rather than ignored.
 */
import { type Static, type TSchema, Type } from '@prosodia/core';

const closed = { additionalProperties: false };

const Probability = Type.Number({ minimum: 0, maximum: 1 });
const Seconds = Type.Number({ minimum: 0 });
const ByLabel = Type.Record(Type.String(), Probability, { description: 'Probability by label; they add up to 1.' });

/** Options of a prediction, in the query or as fields of a multipart body. */
const options = {
  model: Type.Optional(Type.String({ description: 'Which model predicts. Default: the first that is served.' })),
  window_s: Type.Optional(
    Type.Number({
      minimum: 0.1,
      maximum: 60,
      description:
        'Longer recordings are cut into windows of this length, in seconds. Default: what the model hears of a ' +
        'recording, at most 6; `GET /v1/models` tells it.',
    }),
  ),
  hop_s: Type.Optional(
    Type.Number({
      minimum: 0.05,
      maximum: 60,
      description: 'From the start of one window to that of the next, in seconds. Default: half a window.',
    }),
  ),
  top_k: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Labels in `top`, the most probable first.' }),
  ),
  threshold: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, default: 0.4, description: 'Uncertain below this probability.' }),
  ),
};

export const PredictOptions = Type.Object(options, closed);
export type PredictOptions = Static<typeof PredictOptions>;

export const BatchOptions = Type.Object(
  {
    ...options,
    speakers: Type.Optional(
      Type.Union([Type.Literal('each'), Type.Literal('one')], {
        default: 'each',
        description:
          'Who speaks: `each`: another speaker in each recording, so that none changes the result of another; `one`: ' +
          'one speaker in all, which helps models that normalize by speaker.',
      }),
    ),
  },
  closed,
);
export type BatchOptions = Static<typeof BatchOptions>;

const Span = Type.Object({ start_s: Seconds, end_s: Seconds, label: Type.String(), probability: Probability }, closed);

const Window = Type.Object(
  { start_s: Seconds, end_s: Seconds, label: Type.String(), uncertain: Type.Boolean(), probabilities: ByLabel },
  closed,
);

const prediction = {
  duration_s: Seconds,
  windows: Type.Integer({ minimum: 1, description: 'How many windows were heard.' }),
  label: Type.String({ description: 'The most probable label.' }),
  probability: Probability,
  uncertain: Type.Boolean({ description: 'True if the probability is below the threshold.' }),
  probabilities: ByLabel,
  top: Type.Array(Type.Object({ label: Type.String(), probability: Probability }, closed)),
  timeline: Type.Array(Span, { description: 'Stretches over which one label is the most probable.' }),
  predictions: Type.Array(Window, { description: 'One for each window, in the order of time.' }),
  left_out: Type.Array(Type.Object({ start_s: Seconds, end_s: Seconds, reason: Type.String() }, closed), {
    description: 'Windows of which nothing could be predicted.',
  }),
};

const Prediction = Type.Object(prediction, closed);
export type Prediction = Static<typeof Prediction>;

/** What every prediction says of how it was made. */
const settings = {
  model: Type.String(),
  pipeline: Type.String(),
  run: Type.Integer(),
  labels: Type.Array(Type.String()),
  calibrated: Type.Boolean({ description: 'Whether the run calibrated the probabilities on rows it had not seen.' }),
  window_s: Seconds,
  hop_s: Seconds,
  heard_s: Type.Optional(
    Type.Number({ minimum: 0, description: 'Seconds of a window that the model hears: less if window_s is too long.' }),
  ),
  threshold: Probability,
  notices: Type.Array(Type.String(), { description: 'What was unusual.' }),
};

export const PredictReply = Type.Object({ ...settings, result: Prediction }, closed);
export type PredictReply = Static<typeof PredictReply>;

const file = Type.String({ description: 'The name that the recording was sent with.' });

export const BatchReply = Type.Object(
  {
    ...settings,
    results: Type.Array(
      Type.Union([
        Type.Object({ file, ...prediction }, closed),
        Type.Object(
          { file, refused: Type.Object({ type: Type.String(), detail: Type.String() }, closed) },
          { ...closed, description: 'A recording of which nothing could be predicted.' },
        ),
      ]),
      { description: 'In the order of the recordings.' },
    ),
  },
  closed,
);
export type BatchReply = Static<typeof BatchReply>;

export const LimitsReply = Type.Object(
  {
    body_bytes: Type.Integer({ description: 'Bytes of a request body.' }),
    duration_s: Type.Number({ description: 'Seconds of one recording.' }),
    windows: Type.Integer({ description: 'Windows of one recording.' }),
    files: Type.Integer({ description: 'Recordings in one batch.' }),
    header_bytes: Type.Integer({ description: 'Bytes of the headers.' }),
    arrival_s: Type.Number({ description: 'Seconds within which a request has to have arrived.' }),
    threads: Type.Integer({ description: 'Threads that predict.' }),
    queue: Type.Integer({ description: 'Requests that may wait for a thread.' }),
    answer_s: Type.Number({ description: 'Seconds to the answer.' }),
    streams: Type.Integer({ description: 'WebSocket streams at a time.' }),
    message_bytes: Type.Integer({ description: 'Bytes of one WebSocket message.' }),
    ahead_s: Type.Number({ description: 'Seconds of audio that a stream may be ahead of real time.' }),
    idle_s: Type.Number({ description: 'Seconds without a message after which a stream is closed.' }),
    shutdown_s: Type.Number({ description: 'Seconds that a stopping server waits for requests in flight.' }),
  },
  closed,
);

export const Model = Type.Object(
  {
    id: Type.String({ description: 'The name to ask for it by.' }),
    title: Type.String(),
    pipeline: Type.String(),
    run: Type.Integer(),
    members: Type.Array(Type.String(), { description: 'Stages whose probabilities are averaged.' }),
    labels: Type.Array(Type.String(), { description: 'In the order of the probabilities.' }),
    calibrated: Type.Boolean(),
    window_s: Type.Number({ description: 'Default length of a window: it is heard whole.' }),
    threshold: Type.Number({ description: 'Default threshold of uncertainty.' }),
    card: Type.Union([Type.String(), Type.Null()], {
      description: 'Path of the model card (Markdown): data, licence, figures, limits. Null if there is none.',
    }),
    one_file: Type.Union([Type.String(), Type.Null()], {
      description: 'Path of the model as one ONNX file, waveform in, probabilities out. Null unless it is `ready`.',
    }),
    one_file_state: Type.Union([Type.Literal('ready'), Type.Literal('making'), Type.Literal('none')], {
      description: 'The server makes that file by itself, in the seconds after it has started, where there can be one.',
    }),
    one_file_reason: Type.Union([Type.String(), Type.Null()], {
      description: 'Why there is no such file: the stage that prevents it, and why. Null unless the state is `none`.',
    }),
  },
  closed,
);
export type Model = Static<typeof Model>;

export const ModelsReply = Type.Object(
  { models: Type.Array(Model, { description: 'The first is the default.' }), limits: LimitsReply },
  closed,
);
export type ModelsReply = Static<typeof ModelsReply>;

export const HealthReply = Type.Object({ status: Type.Literal('ok') }, closed);

export const ReadyReply = Type.Object(
  {
    status: Type.Union([Type.Literal('ready'), Type.Literal('stopping'), Type.Literal('no thread is alive')]),
    threads: Type.Integer({ description: 'Threads that have loaded the models.' }),
    running: Type.Integer({ description: 'Predictions that a thread works at.' }),
    queued: Type.Integer({ description: 'Predictions that wait for a thread.' }),
    streams: Type.Integer({ description: 'Open streams.' }),
  },
  closed,
);
export type ReadyReply = Static<typeof ReadyReply>;

export const ProblemBody = Type.Object(
  {
    type: Type.String({ description: '`urn:prosodia:problem:<name>`, which stays the same.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What was wrong with this request.' }),
    fix: Type.Optional(Type.String({ description: 'What to do about it.' })),
    instance: Type.Optional(Type.String({ description: 'The request, as the log calls it.' })),
  },
  { ...closed, description: 'Problem details, RFC 9457.' },
);

/** First message of a stream, from the client. */
export const StreamStart = Type.Object(
  {
    sample_rate: Type.Integer({ minimum: 4000, maximum: 192_000 }),
    format: Type.Union([Type.Literal('s16le'), Type.Literal('f32le')], {
      description: 'Samples of the binary messages: 16-bit integers or 32-bit floats, little-endian, one channel.',
    }),
    model: Type.Optional(Type.String()),
    window_s: Type.Optional(
      Type.Number({
        minimum: 1,
        maximum: 10,
        default: 3,
        description: 'Seconds that an estimate hears; not more than the model does.',
      }),
    ),
    smoothing_s: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 30,
        default: 1.5,
        description: 'Time constant of the exponential smoothing of probabilities; 0: none.',
      }),
    ),
    threshold: options.threshold,
  },
  closed,
);
export type StreamStart = Static<typeof StreamStart>;

/** Messages of a stream, from the server. */
export const StreamReply = Type.Union([
  Type.Object(
    {
      type: Type.Literal('ready'),
      model: Type.String(),
      labels: Type.Array(Type.String()),
      calibrated: Type.Boolean(),
      window_s: Seconds,
      every_s: Seconds,
      threshold: Probability,
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('estimate'),
      start_s: Seconds,
      end_s: Type.Number({ minimum: 0, description: 'Audio received when the estimate was made.' }),
      label: Type.String(),
      probability: Probability,
      uncertain: Type.Boolean(),
      probabilities: Type.Record(Type.String(), Probability, { description: 'Smoothed.' }),
      window: Type.Record(Type.String(), Probability, { description: 'Of the last window alone.' }),
    },
    closed,
  ),
  Type.Object(
    { type: Type.Literal('silent'), start_s: Seconds, end_s: Seconds, reason: Type.String() },
    { ...closed, description: 'Nothing could be predicted from the last window.' },
  ),
  Type.Object({ type: Type.Literal('problem'), problem: ProblemBody }, closed),
]);
export type StreamReply = Static<typeof StreamReply>;

/** Schemas that the OpenAPI document names. */
export const NAMED: Readonly<Record<string, TSchema>> = {
  PredictReply,
  BatchReply,
  ModelsReply,
  HealthReply,
  ReadyReply,
  Problem: ProblemBody,
  StreamStart,
  StreamReply,
};
