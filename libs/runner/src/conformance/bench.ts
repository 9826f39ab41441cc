/** Runs a stage on toy data in a temporary folder, through the same host that runs it in a pipeline. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type ArtifactKind,
  type InputSpec,
  type ManyInput,
  type OptionalInput,
  type ReaderOf,
  RequestError,
  type StageDefinition,
  type TObject,
  type WriterOf,
  inputSpec,
} from '@prosodia/core';
import { runStage } from '../host/execute.ts';
import type { InputFolder, Job } from '../host/protocol.ts';
import { type StageSchema, checkParams } from '../pipeline/params.ts';
import type { Fill } from './toys.ts';

/** A stage whose types do not matter here. */
export type AnyStage = StageDefinition;

type FillOf<S> = S extends OptionalInput<infer K> | ManyInput<infer K>
  ? S extends ManyInput<infer _>
    ? Readonly<Record<string, Fill<WriterOf<K>>>>
    : Fill<WriterOf<K>> | undefined
  : Fill<WriterOf<S>>;

/** How each input is filled; an input of several artifacts takes one fill per member, by the member's name. */
export type Fills<I> = {
  readonly [N in keyof I as I[N] extends OptionalInput ? never : N]: FillOf<I[N]>;
} & { readonly [N in keyof I as I[N] extends OptionalInput ? N : never]?: FillOf<I[N]> };

/** Everything a stage is a function of, apart from its seed. */
export interface Fixture<I> {
  /** As a pipeline would give them; defaults are filled in. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly inputs: Fills<I>;
  /** Files by path, by corpus: what the stage reads through `recordings`. */
  readonly corpora?: Readonly<Record<string, Readonly<Record<string, Uint8Array | string>>>>;
}

export interface BenchOptions {
  seed?: number;
  threads?: number;
  signal?: AbortSignal;
  /** Folder with what an earlier run kept; default: an empty one. */
  scratch?: string;
  /** Run with an empty working folder, and look afterwards what has changed besides the outputs. */
  watch?: boolean;
}

/** What came of a run. */
export interface Ran<O> {
  /** The outputs, opened again. */
  readonly outputs: { readonly [N in keyof O]: ReaderOf<O[N]> };
  readonly folders: { readonly [N in keyof O]: string };
  /** What the stage kept for a later try; the runner would have removed it by now. */
  readonly scratch: string;
  /** SHA-256 by path, such as `features/part-00000.parquet`. */
  readonly files: ReadonlyMap<string, string>;
  readonly notices: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly summary: string;
  /** With `watch`: what was written, changed or removed outside the outputs. */
  readonly strays: readonly string[];
}

/** Where jobs are laid out; call `close` when done. */
export class Workbench {
  #root: Promise<string> | undefined;
  #jobs = 0;

  /**
   * Fills the inputs, runs the stage, opens its outputs.
   * @throws RequestError for parameters that a pipeline would not accept; whatever the stage throws
   */
  async run<P extends TObject, I extends Record<string, InputSpec>, O extends Record<string, ArtifactKind>, State>(
    stage: StageDefinition<P, I, O, State>,
    fixture: Fixture<I>,
    options: BenchOptions = {},
  ): Promise<Ran<O>> {
    const any = stage as unknown as AnyStage;
    const prepared = await this.prepare(any, fixture as unknown as Fixture<AnyStage['inputs']>, options);
    return (await prepared.run()) as unknown as Ran<O>;
  }

  /** Fills the inputs of a job; `adjust` may change what validation would not let pass. */
  async prepare(
    stage: AnyStage,
    fixture: Fixture<AnyStage['inputs']>,
    { seed = 1, threads = 1, signal = new AbortController().signal, scratch, watch = false }: BenchOptions = {},
    adjust: (job: Job) => Job = (job) => job,
  ): Promise<{ folder: string; job: Job; run(): Promise<Ran<AnyStage['outputs']>> }> {
    const folder = await this.#newFolder();
    const job = adjust({
      instance: stage.name,
      stage: stage.name,
      module: '',
      params: paramsFor(stage, fixture.params ?? {}),
      seed,
      device: 'cpu',
      threads,
      inputs: await fillInputs(stage, fixture, join(folder, 'inputs')),
      outputs: await emptyFolders(Object.keys(stage.outputs), join(folder, 'outputs')),
      scratch: scratch ?? join(folder, 'scratch'),
      corpora: await writeCorpora(fixture.corpora ?? {}, join(folder, 'corpora')),
    });
    return { folder, job, run: () => runJob(stage, job, signal, watch ? folder : undefined) };
  }

  async close(): Promise<void> {
    if (this.#root) await rm(await this.#root, { recursive: true, force: true });
    this.#root = undefined;
  }

  async #newFolder(): Promise<string> {
    this.#root ??= mkdtemp(join(tmpdir(), 'stage-test-'));
    const folder = join(await this.#root, String(this.#jobs++));
    await mkdir(folder);
    return folder;
  }
}

/** What the pipeline's own validation needs to know of a stage. */
export function schemaOf(stage: AnyStage): StageSchema {
  const known = schemas.get(stage.params);
  if (known) return known;
  const params = JSON.parse(JSON.stringify({ ...stage.params, additionalProperties: false })) as TObject;
  const schema = { name: stage.name, params };
  schemas.set(stage.params, schema);
  return schema;
}

/** Kept, so that validation compiles the schema of a stage once. */
const schemas = new WeakMap<TObject, StageSchema>();

/** @throws RequestError as a pipeline would, apart from the place in its file */
function paramsFor(stage: AnyStage, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { params, fault } = checkParams(schemaOf(stage), given);
  if (fault) throw new RequestError(fault.parts);
  return params;
}

async function runJob(
  stage: AnyStage,
  job: Job,
  signal: AbortSignal,
  watched: string | undefined,
): Promise<Ran<AnyStage['outputs']>> {
  const notices: string[] = [];
  const metrics: Record<string, number> = {};
  const summary: string[] = [];
  const work = () =>
    runStage(stage, job, signal, (message) => {
      if (message.type === 'notice') notices.push(message.message);
      if (message.type === 'metrics') Object.assign(metrics, message.values);
      if (message.type === 'summary') summary.push(message.text);
    });
  const strays = watched === undefined ? await work().then(() => []) : await straysOf(work, watched);
  const outputs: Record<string, unknown> = {};
  const files = new Map<string, string>();
  for (const [name, kind] of Object.entries(stage.outputs)) {
    const folder = job.outputs[name]!;
    outputs[name] = await kind.open(folder, { where: `output ${name}` });
    for (const [path, digest] of await digestsBelow(folder)) files.set(`${name}/${path}`, digest);
  }
  return {
    outputs,
    folders: job.outputs,
    scratch: job.scratch,
    files,
    notices,
    metrics,
    summary: summary.join('\n'),
    strays,
  };
}

/** Works in an empty folder; returns what has changed in it and in the job's folder, outputs and scratch aside. */
async function straysOf(work: () => Promise<void>, folder: string): Promise<string[]> {
  const empty = join(folder, 'working-folder');
  await mkdir(empty);
  const before = await digestsBelow(folder);
  const home = process.cwd();
  process.chdir(empty);
  try {
    await work();
  } finally {
    process.chdir(home);
  }
  const after = await digestsBelow(folder);
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => !/^(outputs|scratch)\//.test(path));
  return paths.filter((path) => before.get(path) !== after.get(path)).sort();
}

async function fillInputs(
  stage: AnyStage,
  fixture: Fixture<AnyStage['inputs']>,
  folder: string,
): Promise<Record<string, InputFolder[]>> {
  const inputs: Record<string, InputFolder[]> = {};
  const fills = fixture.inputs as Record<string, Fill<unknown> | Record<string, Fill<unknown>> | undefined>;
  for (const [name, spec] of Object.entries(stage.inputs)) {
    const { kind } = inputSpec(spec);
    const given = fills[name];
    const members = typeof given === 'function' ? { [name]: given } : (given ?? {});
    inputs[name] = [];
    for (const [from, fill] of Object.entries(members)) {
      const place = join(folder, name, from);
      await mkdir(place, { recursive: true });
      const writer = (await kind.create(place, { where: `input ${name}` })) as { close(): Promise<void> };
      await fill(writer);
      await writer.close();
      inputs[name].push({ from, folder: place });
    }
  }
  return inputs;
}

async function emptyFolders(names: readonly string[], folder: string): Promise<Record<string, string>> {
  const folders: Record<string, string> = {};
  for (const name of names) {
    folders[name] = join(folder, name);
    await mkdir(folders[name], { recursive: true });
  }
  return folders;
}

async function writeCorpora(
  corpora: NonNullable<Fixture<unknown>['corpora']>,
  folder: string,
): Promise<Record<string, string>> {
  const folders: Record<string, string> = {};
  for (const [corpus, files] of Object.entries(corpora)) {
    folders[corpus] = join(folder, corpus);
    await mkdir(folders[corpus], { recursive: true });
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(folder, corpus, path)), { recursive: true });
      await writeFile(join(folder, corpus, path), bytes);
    }
  }
  return folders;
}

/** SHA-256 of every file below a folder, by relative path, in order. */
export async function digestsBelow(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const digests = new Map<string, string>();
  for (const path of paths.sort()) {
    digests.set(
      path,
      createHash('sha256')
        .update(await readFile(join(folder, path)))
        .digest('hex'),
    );
  }
  return digests;
}
