/**
 * Predicts recordings with a finished run: the graph that trained, upstream of its predictions, with the user's
 * files in place of the corpus and with what the run has saved in place of fitting.
 *
 * A predictor is opened once and predicts as often as asked, also at the same time: models stay loaded, and
 * nothing else is shared between two calls.
 */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GivenFile, RequestError } from '@prosodia/core';
import { Ear, type Heard } from './hearing.ts';
import { type OneFile, composeOneFile } from './one-file.ts';
import { type FeaturesResult, Pass, type PassOptions, type PredictResult } from './pass.ts';
import { type ServedRun, splitReference } from './served-run.ts';

export interface PredictOptions {
  /**
   * Longest recording taken in one piece, in seconds; longer ones are cut into windows of it. Default: what the models
   * hear of a recording, at most 6.
   */
  window_s?: number;
  /** From the start of one window to that of the next, in seconds. Default: half a window. */
  hop_s?: number;
  /** Worker threads at most, where stages work long enough. Default: as many as there are cores. */
  threads?: number;
  /** Memory for what lies between two stages, in bytes; what has no room goes through files. Default 256 MiB. */
  memory_bytes?: number;
  signal?: AbortSignal;
  onProgress?: (stage: string, done: number, total: number | undefined, unit: string) => void;
}

/** Some 1000 recordings of 3 s, with what is made of them at a time. */
const MEMORY_BYTES = 256 * 2 ** 20;

export class Predictor {
  readonly #run: ServedRun;
  readonly #ear: Ear;
  /** What stages made once, by instance and name. */
  readonly #kept = new Map<string, Map<string, Promise<unknown>>>();
  /** True if every member's probabilities were calibrated by the run. */
  readonly calibrated: boolean;

  private constructor(run: ServedRun, ear: Ear, calibrated: boolean) {
    this.#run = run;
    this.#ear = ear;
    this.calibrated = calibrated;
  }

  /** @throws RequestError if a stage of the run does not say how it serves */
  static async open(run: ServedRun): Promise<Predictor> {
    const ear = await Ear.of(run);
    const calibrates: boolean[] = [];
    for (const member of run.members) {
      const { instance } = splitReference(member);
      calibrates.push((await run.stage(run.instances[instance]!.uses)).serve?.calibrates === true);
    }
    return new Predictor(
      run,
      ear,
      calibrates.every((own) => own),
    );
  }

  get pipeline(): string {
    return this.#run.pipeline;
  }

  /** Number of the run. */
  get run(): number {
    return this.#run.run;
  }

  get title(): string {
    return this.#run.title;
  }

  /** Class names in the order of the probabilities. */
  get labels(): readonly string[] {
    return this.#run.labels;
  }

  /** Stage instances whose probabilities are averaged. */
  get members(): readonly string[] {
    return this.#run.members.map((reference) => splitReference(reference).instance);
  }

  /** Length of the windows that longer recordings are cut into unless told otherwise, in seconds. */
  get window_s(): number {
    return this.#ear.window_s;
  }

  /** How much of a window, or of a recording that is no longer, the models hear. */
  hears(window_s: number): Heard {
    return this.#ear.hears(window_s);
  }

  /**
   * What cannot be read is refused with a reason, and takes no other file with it.
   * @throws CancelledError on `signal`; a DataError if what the run saved is gone
   */
  async predict(files: readonly GivenFile[], options: PredictOptions = {}): Promise<PredictResult> {
    return this.#pass(files, options, (pass) => pass.predict());
  }

  /** What each model is fed with, for use with the ONNX models by themselves. Throws what {@link predict} throws. */
  async features(files: readonly GivenFile[], options: PredictOptions = {}): Promise<FeaturesResult> {
    return this.#pass(files, options, (pass) => pass.features());
  }

  /** The run as one ONNX model, or what prevents that. Throws a DataError if what the run saved is gone. */
  async oneFile(): Promise<OneFile> {
    return composeOneFile(this.#run);
  }

  /** Frees the models. */
  async close(): Promise<void> {
    const kept = [...this.#kept.values()].flatMap((own) => [...own.values()]);
    this.#kept.clear();
    for (const made of await Promise.allSettled(kept)) {
      if (made.status === 'fulfilled') await (made.value as { dispose?(): Promise<void> } | undefined)?.dispose?.();
    }
  }

  async #pass<T>(files: readonly GivenFile[], options: PredictOptions, use: (pass: Pass) => Promise<T>): Promise<T> {
    // Mostly it stays empty; then going to the pool of threads for it takes far longer than it does.
    const folder = mkdtempSync(join(tmpdir(), 'prosodia-predict-'));
    try {
      return await use(new Pass(this.#run, this.#ear, this.#kept, files, checked(this.window_s, options), folder));
    } finally {
      await removed(folder);
    }
  }
}

async function removed(folder: string): Promise<void> {
  try {
    rmdirSync(folder);
  } catch {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws RequestError for a window or hop that is no length of time */
function checked(usual_s: number, { window_s = usual_s, hop_s = window_s / 2, ...rest }: PredictOptions): PassOptions {
  for (const [name, value] of Object.entries({ window_s, hop_s })) {
    if (Number.isFinite(value) && value > 0) continue;
    throw new RequestError({ problem: `${name} is a length of time`, expected: 'seconds above 0', got: String(value) });
  }
  return {
    window_s,
    hop_s,
    threads: rest.threads ?? availableParallelism(),
    memory_bytes: rest.memory_bytes ?? MEMORY_BYTES,
    signal: rest.signal ?? new AbortController().signal,
    onProgress: rest.onProgress ?? (() => undefined),
  };
}
