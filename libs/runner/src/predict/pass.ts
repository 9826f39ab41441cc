/** One pass of recordings through a served run, and what became of each of them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, GIVEN_CORPUS, type GivenFile, Shelf, type StageDefinition, inputSpec } from '@prosodia/core';
import { serveStage, servedInputs } from '../host/serve.ts';
import type { Ear } from './hearing.ts';
import { PassRecordings } from './given-recordings.ts';
import { type ServedRun, splitReference } from './served-run.ts';

/** One window of one file; of a file that is not longer than a window, all of it. */
export interface Predicted {
  file: string;
  start_s: number;
  end_s: number;
  /** In the order of the labels; mean of the members. */
  probabilities: number[];
}

/** A window that nothing could be predicted from, though there is a prediction of others of its file. */
export interface LeftOut {
  file: string;
  start_s: number;
  end_s: number;
  reason: string;
}

export interface PredictResult {
  labels: string[];
  /** In the order of the files, and of time in each. */
  predictions: Predicted[];
  left_out: LeftOut[];
  /** Files of which nothing could be predicted. */
  refused: { file: string; reason: string }[];
  notices: string[];
}

export interface FeaturesResult {
  models: {
    /** Instance that made the model. */
    instance: string;
    /** Shape of one row, its last axis fastest. */
    shape: number[];
    /** One row for each, in order. */
    rows: { file: string; start_s: number; end_s: number; values: Float32Array }[];
  }[];
  refused: { file: string; reason: string }[];
}

export interface PassOptions {
  window_s: number;
  hop_s: number;
  threads: number;
  /** What may lie in memory between stages; the rest goes into files. */
  memory_bytes: number;
  signal: AbortSignal;
  onProgress: (stage: string, done: number, total: number | undefined, unit: string) => void;
}

/** What is used of the predictions kind, which the runner does not know. */
interface Predictions {
  readonly labels: readonly string[];
  all(): Promise<{ rows: readonly { clip_id: string }[]; probabilities: Float32Array }>;
}

/** What is used of the features kind. */
interface Features {
  readonly layout: { form: 'scalars' } | { form: 'matrix'; shape: readonly number[] };
  readonly width: number;
  all(): Promise<{ items: readonly { clip_id: string }[]; values: Float32Array }>;
}

interface Clip {
  /** Place among the files. */
  file: number;
  start_s: number;
  end_s: number;
}

/** Nothing is left to work on: every recording was refused, each with its reason. */
class NothingLeft extends Error {}

/** Work that is worth threads: they take a second to start, and some more until their code is compiled as well as this one's. */
const PATIENCE_S = 4;

export class Pass {
  readonly #run: ServedRun;
  readonly #ear: Ear;
  readonly #kept: Map<string, Map<string, Promise<unknown>>>;
  readonly #files: readonly GivenFile[];
  readonly #options: PassOptions;
  readonly #folder: string;
  readonly #shelf: Shelf;
  readonly #recordings: PassRecordings;
  /** How many stages have yet to read what an instance wrote; unknown where not all of them are applied. */
  readonly #readers = new Map<string, number>();
  /** Instances that list recordings. */
  readonly #listing = new Set<string>();
  readonly #served = new Map<string, Promise<Readonly<Record<string, string>>>>();
  readonly #clips = new Map<string, Clip>();
  /** Why nothing came of a clip, by its id. */
  readonly #reasons = new Map<string, string>();
  /** Why nothing came of a part of a clip, by the id of the clip: what is left may do. */
  readonly #partReasons = new Map<string, string>();
  readonly #refused = new Map<number, string>();
  readonly #notices = new Set<string>();
  /** Folders made so far, for their names. */
  #made = 0;

  /** @param folder empty folder for what the stages write and has no room in memory */
  constructor(
    run: ServedRun,
    ear: Ear,
    kept: Map<string, Map<string, Promise<unknown>>>,
    files: readonly GivenFile[],
    options: PassOptions,
    folder: string,
  ) {
    this.#run = run;
    this.#ear = ear;
    this.#kept = kept;
    this.#files = files;
    this.#options = options;
    this.#folder = folder;
    const forRecordings = options.memory_bytes / 4;
    this.#shelf = new Shelf(options.memory_bytes - forRecordings);
    this.#recordings = new PassRecordings(join(folder, GIVEN_CORPUS), forRecordings);
  }

  async predict(): Promise<PredictResult> {
    const { labels, members } = this.#run;
    await this.#countReaders();
    const sums = new Map<string, { probabilities: number[]; items: number }>();
    for (const member of members) {
      const table = await this.#open<Predictions>(member);
      if (!table) break;
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
    for (const [clip_id, clip] of this.#clips) {
      const sum = sums.get(clip_id);
      if (sum) predictions.push({ ...this.#place(clip), probabilities: sum.probabilities.map((p) => p / sum.items) });
      else if (!this.#reasons.has(clip_id)) {
        this.#reasons.set(clip_id, this.#partReasons.get(clip_id) ?? 'no model gave a prediction for it');
      }
    }
    for (const [clip_id, reason] of this.#partReasons) {
      if (sums.has(clip_id)) this.#notices.add(`${clip_id}: predicted without a part of it: ${reason}`);
    }
    const { left_out, refused } = this.#losses((clip_id) => sums.has(clip_id));
    const notices = [...this.#unheard(), ...this.#notices].map((notice) => this.#named(notice));
    return { labels: [...labels], predictions, left_out, refused, notices };
  }

  async features(): Promise<FeaturesResult> {
    const models: FeaturesResult['models'] = [];
    for (const { instance, reference } of await this.#modelInputs()) {
      const table = await this.#open<Features>(reference);
      if (!table) break;
      const { items, values } = await table.all();
      const { layout, width } = table;
      models.push({
        instance,
        shape: layout.form === 'scalars' ? [width] : [...layout.shape],
        rows: items.map(({ clip_id }, r) => ({
          ...this.#place(this.#clips.get(clip_id)!),
          values: values.slice(r * width, (r + 1) * width),
        })),
      });
    }
    return { models, refused: this.#losses(() => true).refused };
  }

  /** An output, applied to the new rows; undefined if no row is left. */
  async #open<Reader>(reference: string): Promise<Reader | undefined> {
    const { instance, output } = splitReference(reference);
    try {
      const folders = await this.#serve(instance);
      const stage = await this.#run.stage(this.#run.instances[instance]!.uses);
      return (await stage.outputs[output]!.open(folders[output]!, {
        where: `${output} of ${instance}`,
        shelf: this.#shelf,
      })) as Reader;
    } catch (error) {
      if (error instanceof NothingLeft) return undefined;
      throw error;
    }
  }

  /** Each instance upstream of the members that made a model, with what its model is fed with. */
  async #modelInputs(): Promise<{ instance: string; reference: string }[]> {
    const found = new Map<string, string>();
    const visit = async (instance: string): Promise<void> => {
      const { uses, from } = this.#run.instances[instance]!;
      const stage = await this.#run.stage(uses);
      const makesModel = Object.values(stage.outputs).some(({ id }) => id === 'model');
      for (const name of servedInputs(stage)) {
        const features = inputSpec(stage.inputs[name]!).kind.id === 'features';
        if (makesModel && features) found.set(instance, from[name]![0]!);
        else for (const reference of from[name] ?? []) await visit(splitReference(reference).instance);
      }
    };
    for (const member of this.#run.members) await visit(splitReference(member).instance);
    return [...found].map(([instance, reference]) => ({ instance, reference }));
  }

  /** Counts the readers of each instance that the members need. */
  async #countReaders(): Promise<void> {
    const visit = async (instance: string): Promise<void> => {
      const known = this.#readers.get(instance);
      this.#readers.set(instance, (known ?? 0) + 1);
      if (known !== undefined) return;
      const { uses, from } = this.#run.instances[instance]!;
      const stage = await this.#run.stage(uses);
      if (Object.keys(stage.inputs).length === 0) this.#listing.add(instance);
      for (const name of servedInputs(stage)) {
        for (const reference of from[name] ?? []) await visit(splitReference(reference).instance);
      }
    };
    for (const member of this.#run.members) await visit(splitReference(member).instance);
  }

  /** An instance has read its inputs: what nobody else will read makes room. */
  async #release(inputs: Readonly<Record<string, readonly { from: string }[]>>): Promise<void> {
    if (this.#readers.size === 0) return;
    for (const { from } of Object.values(inputs).flat()) {
      const left = this.#readers.get(from)!;
      this.#readers.set(from, left - 1);
      if (left > 1) continue;
      for (const folder of Object.values(await this.#serve(from))) this.#shelf.clear(folder);
    }
    if ([...this.#listing].every((instance) => this.#readers.get(instance) === 0)) this.#recordings.clear();
  }

  /** Folder of each output of an instance, applied to the new rows; once for all that need it. */
  #serve(instance: string): Promise<Readonly<Record<string, string>>> {
    const started = this.#served.get(instance) ?? this.#apply(instance);
    this.#served.set(instance, started);
    return started;
  }

  async #apply(instance: string): Promise<Readonly<Record<string, string>>> {
    const { uses, with: params, from, seed } = this.#run.instances[instance]!;
    const stage = await this.#run.stage(uses);
    const inputs: Record<string, { from: string; folder: string }[]> = {};
    for (const name of servedInputs(stage)) {
      inputs[name] = [];
      for (const reference of from[name] ?? []) {
        const source = splitReference(reference);
        const folders = await this.#serve(source.instance);
        inputs[name].push({ from: source.instance, folder: folders[source.output]! });
      }
    }
    const base = join(this.#folder, String(this.#made++));
    const outputs = Object.fromEntries(Object.keys(stage.outputs).map((name) => [name, join(base, name)]));
    for (const [name, path] of Object.entries(outputs)) {
      if (!stage.outputs[name]!.makesFolder) await mkdir(path, { recursive: true });
    }
    const { threads, signal, onProgress } = this.#options;
    const job = {
      instance,
      stage: uses,
      module: '',
      // One recording that a stage cannot use must not take the others with it.
      params: 'on_error' in params ? { ...params, on_error: 'skip' } : params,
      seed,
      device: stage.device === true ? this.#run.device : ('cpu' as const),
      threads: Math.max(1, Math.min(threads, this.#clips.size)),
      inputs,
      outputs,
      scratch: join(base, 'scratch'),
      corpora: {},
    };
    const kept = this.#kept.get(instance) ?? new Map<string, Promise<unknown>>();
    this.#kept.set(instance, kept);
    try {
      await serveStage(stage, job, this.#means(instance, stage, kept), signal, (message) => {
        if (message.type === 'notice') this.#notices.add(message.message);
        if (message.type === 'progress') onProgress(instance, message.done, message.total, message.unit);
      });
    } catch (error) {
      // A stage that has left out every row may have nothing to write; why it did is told row by row.
      if (this.#allIn(this.#reasons, this.#partReasons)) throw new NothingLeft();
      throw error;
    }
    if (this.#allIn(this.#reasons)) throw new NothingLeft();
    await this.#release(inputs);
    return outputs;
  }

  #means(instance: string, stage: StageDefinition, kept: Map<string, Promise<unknown>>) {
    const { window_s, hop_s } = this.#options;
    const saved = (stage.serve?.learned ?? []).map((name) => [name, this.#run.saved(instance, name)] as const);
    return {
      learned: Object.fromEntries(saved),
      kept,
      recordings: this.#recordings,
      shelf: this.#shelf,
      patience_s: PATIENCE_S,
      given: {
        files: this.#files,
        window_s,
        hop_s,
        keep: (path: string, bytes: Uint8Array, file?: GivenFile) => this.#recordings.keep(path, bytes, file),
        placed: ({ clip_id, ...clip }: Clip & { clip_id: string }) => void this.#clips.set(clip_id, clip),
        refused: (file: number, reason: string) => void this.#refused.set(file, reason),
      },
      leftOut: (item_id: string, reason: string) => {
        // Items cut from a clip or altered have its name before `@` or `+`.
        const clip_id = item_id.replace(/[@+].*/s, '');
        const reasons = item_id === clip_id ? this.#reasons : this.#partReasons;
        if (!reasons.has(clip_id)) reasons.set(clip_id, reason);
      },
    };
  }

  #allIn(...reasons: ReadonlyMap<string, string>[]): boolean {
    return [...this.#clips.keys()].every((clip_id) => reasons.some((own) => own.has(clip_id)));
  }

  #place({ file, start_s, end_s }: Clip): { file: string; start_s: number; end_s: number } {
    return { file: this.#files[file]!.name, start_s, end_s };
  }

  /** A file is refused if nothing came of any of its windows, and then for the reason of the first. */
  #losses(predicted: (clip_id: string) => boolean): Pick<PredictResult, 'left_out' | 'refused'> {
    const heard = new Set<number>();
    for (const [clip_id, { file }] of this.#clips) {
      if (predicted(clip_id) && !this.#refused.has(file)) heard.add(file);
    }
    const left_out: LeftOut[] = [];
    const refused = new Map(this.#refused);
    for (const [clip_id, clip] of this.#clips) {
      const reason = this.#reasons.get(clip_id);
      if (reason === undefined) continue;
      if (heard.has(clip.file)) left_out.push({ ...this.#place(clip), reason });
      else if (!refused.has(clip.file)) refused.set(clip.file, reason);
    }
    const inOrder = [...refused].sort(([a], [b]) => a - b);
    return { left_out, refused: inOrder.map(([file, reason]) => ({ file: this.#files[file]!.name, reason })) };
  }

  /** Says it where a part of what was given did not reach the models. */
  #unheard(): string[] {
    const longest = [...this.#clips.values()].reduce((most, { start_s, end_s }) => Math.max(most, end_s - start_s), 0);
    const { seconds, cutBy } = this.#ear.hears(longest);
    if (cutBy === undefined) return [];
    const { window_s } = this.#ear;
    const fix = this.#ear.hears(window_s).cutBy === undefined ? `; windows of ${window_s} s are heard whole` : '';
    return [
      `of the longest window, ${longest.toFixed(1)} s, only ${seconds.toFixed(1)} s are heard: that is what ${cutBy} takes in${fix}`,
    ];
  }

  /** A notice of a stage, which knows clips by their id, in the names of the user. */
  #named(notice: string): string {
    const id = `${GIVEN_CORPUS}/[\\d.]*\\d`;
    // Windows of one recording that are named in a row have one name.
    return notice.replaceAll(new RegExp(`${id}(, ${id})*`, 'g'), (ids) => {
      const names = ids.split(', ').map((own) => {
        const clip = this.#clips.get(own);
        return clip ? this.#files[clip.file]!.name : own;
      });
      return [...new Set(names)].join(', ');
    });
  }
}
