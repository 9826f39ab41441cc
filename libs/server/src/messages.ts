/** What the server and its threads say to each other. Everything here survives a structured clone. */
import type { KeptRun, LeftOut, Span } from '@prosodia/runner';
import type { ErrorParts } from '@prosodia/core';

/** Where a model is: a finished run of a project, or an exported folder. */
export type ModelSource =
  | {
      kind: 'run';
      root: string;
      build: string;
      artifacts: string;
      run: KeptRun;
      stage?: string | undefined;
    }
  | { kind: 'bundle'; folder: string };

/** What a loaded model says of itself. */
export interface ModelFacts {
  pipeline: string;
  run: number;
  title: string;
  labels: string[];
  /** Stage instances whose probabilities are averaged. */
  members: string[];
  calibrated: boolean;
  /** Length of the windows that longer recordings are cut into unless a request says otherwise, in seconds. */
  window_s: number;
  /** Window of a stream at most: a model that hears fewer of its last seconds would hear the first of them. */
  stream_s: number;
}

export interface ThreadData {
  sources: readonly ModelSource[];
  /** Per recording. */
  limits: { duration_s: number; windows: number };
}

/** A recording to predict. */
export interface Recording {
  bytes: Uint8Array<ArrayBuffer>;
  /** What it is called in notices: the name that its sender gave it stays out of here. */
  name: string;
  /** Recordings of one speaker are normalized together, where a model does that. */
  speaker?: string;
}

export interface Job {
  /** Place among the models. */
  model: number;
  recordings: readonly Recording[];
  window_s: number;
  hop_s: number;
}

/** What became of one recording. */
export type Outcome = Predicted | Refused;

export interface Predicted {
  duration_s: number;
  windows: number;
  label: string;
  probability: number;
  /** In the order of the labels: the mean over time. */
  probabilities: number[];
  timeline: Span[];
  /** In the order of time. */
  predictions: { start_s: number; end_s: number; probabilities: number[] }[];
  left_out: Omit<LeftOut, 'file'>[];
}

export interface Refused {
  refused: 'too-long' | 'not-predicted';
  reason: string;
}

export interface JobResult {
  /** In the order of the recordings. */
  outcomes: Outcome[];
  notices: string[];
  /** Seconds of a window that reach the models; undefined if the model does not say. */
  heard_s: number | undefined;
  /** How long the thread took. */
  seconds: number;
}

/** Models whose one-file form is wanted, with their places among the models. */
export type OneFileThreadData = { index: number; source: ModelSource }[];

/** The ONNX file, or why there is none. */
export type FromOneFileThread = { index: number; model: Uint8Array<ArrayBuffer> } | { index: number; reason: string };

export type ToThread = { type: 'predict'; id: number; job: Job } | { type: 'cancel'; id: number };

export interface PlainError {
  message: string;
  stack?: string;
  parts?: ErrorParts;
}

export type FromThread =
  | { type: 'ready'; models: ModelFacts[] }
  | { type: 'failed'; error: PlainError }
  | { type: 'done'; id: number; result: JobResult }
  | { type: 'error'; id: number; error: PlainError };
