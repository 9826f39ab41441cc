/** What the runner and a stage's process say to each other. */
import type { DeviceClass, ErrorParts } from '@prosodia/core';

export interface InputFolder {
  /** Stage it comes from, as the stage is told. */
  from: string;
  folder: string;
}

/** One stage instance to run. */
export interface Job {
  instance: string;
  stage: string;
  /** Source URL of the stage module. */
  module: string;
  params: Record<string, unknown>;
  seed: number;
  device: DeviceClass;
  threads: number;
  inputs: Record<string, InputFolder[]>;
  /** Empty folder by output name. */
  outputs: Record<string, string>;
  /** Folder for what the stage keeps for a later try; need not exist. */
  scratch: string;
  /** Corpus name to its folder. */
  corpora: Record<string, string>;
}

export type ToHost = { type: 'run'; job: Job } | { type: 'cancel' };

export type ErrorKind = 'request' | 'data' | 'leak' | 'cancelled' | 'internal';

export interface HostError {
  kind: ErrorKind;
  message: string;
  parts?: ErrorParts;
  stack?: string;
  /** Error code of the operating system, such as `ENOSPC`. */
  code?: string;
}

export type FromHost =
  | { type: 'progress'; done: number; total: number | undefined; unit: string }
  | { type: 'notice'; message: string }
  | { type: 'metrics'; values: Record<string, number> }
  | { type: 'summary'; text: string }
  | { type: 'done'; peakMemory: number }
  | { type: 'failed'; error: HostError };
