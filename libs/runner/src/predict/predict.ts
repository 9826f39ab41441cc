/**
 * Predicts recordings with a finished run: the graph that trained, upstream of its predictions, with the user's
 * files in place of the corpus and with what the run has saved in place of fitting.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataError, GIVEN_CORPUS, type StageDefinition, loadable } from '@prosodia/core';
import { serveStage, servedInputs } from '../host/serve.ts';
import type { Project } from '../project.ts';
import type { RunRecord } from '../run/record.ts';
import { membersOf, predictionsOf, splitReference } from './members.ts';

export interface PredictOptions {
  files: readonly { name: string; path: string }[];
  /** Longest recording taken in one piece, in seconds. */
  window_s: number;
  /** From the start of one window to that of the next, in seconds. */
  hop_s: number;
  /** Stage or instance whose predictions are wanted; default: those the published report judges. */
  stage?: string;
  signal: AbortSignal;
  onProgress?: (stage: string, done: number, total: number | undefined, unit: string) => void;
}

/** One window of one file. */
export interface Predicted {
  file: string;
  start_s: number;
  end_s: number;
  /** In the order of the labels; mean of the members. */
  probabilities: number[];
}

export interface PredictResult {
  labels: string[];
  /** Instances whose probabilities were averaged. */
  members: string[];
  predictions: Predicted[];
  refused: { file: string; reason: string }[];
  notices: string[];
}

/** What is used of the predictions kind, which the runner does not know. */
interface Predictions {
  readonly labels: readonly string[];
  all(): Promise<{ rows: readonly { clip_id: string }[]; probabilities: Float32Array }>;
}

/** @throws RequestError for a run that cannot predict; what the stages throw */
export async function predictRun(
  project: Project,
  folder: string,
  record: RunRecord,
  options: PredictOptions,
): Promise<PredictResult> {
  const members = await membersOf(record, folder, options.stage);
  const work = await mkdtemp(join(tmpdir(), 'prosodia-predict-'));
  try {
    return await new Server(project, record, options, work).predict(members);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

class Server {
  readonly #project: Project;
  readonly #record: RunRecord;
  readonly #options: PredictOptions;
  readonly #work: string;
  readonly #served = new Map<string, Promise<Readonly<Record<string, string>>>>();
  readonly #clips = new Map<string, { file: string; start_s: number; end_s: number }>();
  readonly #refused = new Map<string, string>();
  readonly #notices = new Set<string>();
  /** Folders made so far, for their names. */
  #made = 0;

  constructor(project: Project, record: RunRecord, options: PredictOptions, work: string) {
    this.#project = project;
    this.#record = record;
    this.#options = options;
    this.#work = work;
  }

  async predict(members: string[]): Promise<PredictResult> {
    let labels: string[] | undefined;
    const sums = new Map<string, { probabilities: number[]; items: number }>();
    for (const member of members) {
      const output = predictionsOf(this.#record, member)!;
      const folders = await this.#serve(member).catch((error: unknown) => {
        // Where every file was refused, the stages had nothing to work on: that is the reason to tell.
        if (this.#clips.size === 0 && this.#refused.size > 0) return undefined;
        throw error;
      });
      if (!folders) break;
      const { stage } = await this.#load(member);
      const table = (await stage.outputs[output]!.open(folders[output]!, {
        where: `predictions of ${member}`,
      })) as Predictions;
      labels ??= [...table.labels];
      if (table.labels.join('\0') !== labels.join('\0')) {
        throw new DataError({
          problem: 'the members predict different labels',
          expected: labels.join(', '),
          got: table.labels.join(', '),
          where: `predictions of ${member}`,
        });
      }
      const { rows, probabilities } = await table.all();
      const width = labels.length;
      for (const [r, { clip_id }] of rows.entries()) {
        const sum = sums.get(clip_id) ?? { probabilities: new Array<number>(width).fill(0), items: 0 };
        for (let c = 0; c < width; c++) sum.probabilities[c]! += probabilities[r * width + c]!;
        sum.items++;
        sums.set(clip_id, sum);
      }
    }
    const predictions: Predicted[] = [];
    for (const [clip_id, place] of this.#clips) {
      const sum = sums.get(clip_id);
      if (sum) predictions.push({ ...place, probabilities: sum.probabilities.map((p) => p / sum.items) });
      else this.#refused.set(place.file, `nothing to predict from at ${place.start_s.toFixed(2)} s`);
    }
    return {
      labels: labels ?? [],
      members,
      predictions,
      refused: [...this.#refused].map(([file, reason]) => ({ file, reason })),
      notices: [...this.#notices],
    };
  }

  /** Folder of each output of an instance, applied to the new rows; once for all that need it. */
  #serve(instance: string): Promise<Readonly<Record<string, string>>> {
    const started = this.#served.get(instance) ?? this.#apply(instance);
    this.#served.set(instance, started);
    return started;
  }

  async #load(instance: string): Promise<{ stage: StageDefinition; module: string }> {
    const { uses } = this.#record.resolved[instance]!;
    const info = this.#project.catalogue.get(uses);
    if (!info) throw new DataError({ problem: `the run used a stage ${uses}, which is no longer there` });
    const module = pathToFileURL(join(this.#project.root, info.source)).href;
    const { default: stage } = (await import(loadable(module).url.href)) as { default: StageDefinition };
    return { stage, module };
  }

  async #apply(instance: string): Promise<Readonly<Record<string, string>>> {
    const { uses, with: params, from, seed } = this.#record.resolved[instance]!;
    const { stage, module } = await this.#load(instance);
    const inputs: Record<string, { from: string; folder: string }[]> = {};
    for (const name of servedInputs(stage)) {
      inputs[name] = [];
      for (const reference of from[name] ?? []) {
        const source = splitReference(reference);
        const folders = await this.#serve(source.instance);
        inputs[name].push({ from: source.instance, folder: folders[source.output]! });
      }
    }
    const base = join(this.#work, String(this.#made++));
    const outputs = Object.fromEntries(Object.keys(stage.outputs).map((name) => [name, join(base, name)]));
    for (const path of Object.values(outputs)) await mkdir(path, { recursive: true });
    const recordings = join(this.#work, GIVEN_CORPUS);
    await mkdir(recordings, { recursive: true });
    const saved = this.#record.stages.find((own) => own.stage === instance)?.outputs ?? {};
    const learned = Object.fromEntries(
      Object.entries(saved).map(([name, { digest }]) => [name, this.#project.store.contentFolder(digest)]),
    );
    const { files, window_s, hop_s, signal, onProgress } = this.#options;
    const job = {
      instance,
      stage: uses,
      module,
      // One recording that a stage cannot use must not take the others with it.
      params: 'on_error' in params ? { ...params, on_error: 'skip' } : params,
      seed,
      device: stage.device === true ? this.#record.device : ('cpu' as const),
      threads: Math.max(1, Math.min(availableParallelism(), Math.ceil(files.length / 8))),
      inputs,
      outputs,
      scratch: join(base, 'scratch'),
      corpora: { [GIVEN_CORPUS]: recordings },
    };
    const given = {
      files,
      folder: recordings,
      window_s,
      hop_s,
      placed: ({ clip_id, ...place }: { clip_id: string; file: string; start_s: number; end_s: number }) =>
        void this.#clips.set(clip_id, place),
      refused: (file: string, reason: string) => void this.#refused.set(file, reason),
    };
    await serveStage(stage, job, learned, given, signal, (message) => {
      if (message.type === 'notice') this.#notices.add(message.message);
      if (message.type === 'progress') onProgress?.(instance, message.done, message.total, message.unit);
    });
    return outputs;
  }
}
