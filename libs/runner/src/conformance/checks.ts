/**
 * The conformance suite: what every stage promises, tried on toy data.
 *
 * A check returns the problems it found, so that the suite can run under any test runner or none.
 * Runs that several checks look at are made once.
 */
import { readdir } from 'node:fs/promises';
import {
  type ArtifactKind,
  CancelledError,
  type InputSpec,
  LeakError,
  ProsodiaError,
  type StageDefinition,
  type TObject,
  messageOf,
} from '@prosodia/core';
import { checkParams } from '../pipeline/params.ts';
import { type AnyStage, type BenchOptions, type Fixture, type Ran, Workbench, schemaOf } from './bench.ts';
import type { Outcome, StageCases } from './cases.ts';
import { documentationProblems, refusalProblems, roundTripProblems } from './schema-checks.ts';
import { readTable, tableProblems } from './tables.ts';
import { type ToyClip, toyClips, withOther } from './toys.ts';

/** One promise; `run` returns what breaks it. */
export interface StageCheck {
  readonly name: string;
  run(): Promise<string[]>;
}

type AnyFixture = Fixture<AnyStage['inputs']>;
type AnyRan = Ran<AnyStage['outputs']>;

/**
 * The checks of a stage, in a good order: what fails first explains most.
 * @param bench where the stage runs; the caller closes it
 */
export function stageChecks<
  P extends TObject,
  I extends Record<string, InputSpec>,
  O extends Record<string, ArtifactKind>,
  State,
>(stage: StageDefinition<P, I, O, State>, cases: StageCases<I, O>, bench: Workbench): StageCheck[] {
  const suite = new Suite(stage as unknown as AnyStage, cases as unknown as StageCases, bench);
  return suite.checks();
}

/** Runs every check; the problems, each with the promise it breaks. */
export async function checkStage<
  P extends TObject,
  I extends Record<string, InputSpec>,
  O extends Record<string, ArtifactKind>,
  State,
>(stage: StageDefinition<P, I, O, State>, cases: StageCases<I, O>): Promise<string[]> {
  const bench = new Workbench();
  try {
    const problems: string[] = [];
    for (const check of stageChecks(stage, cases, bench)) {
      const found = await check.run().catch((error: unknown) => [`it ended with ${outcomeOf(error)}`]);
      problems.push(...found.map((problem) => `${stage.name} ${check.name}: ${problem}`));
    }
    return problems;
  } finally {
    await bench.close();
  }
}

class Suite {
  readonly #stage: AnyStage;
  readonly #cases: StageCases;
  readonly #bench: Workbench;
  readonly #clips: readonly ToyClip[];
  #usual: Promise<AnyRan> | undefined;

  constructor(stage: AnyStage, cases: StageCases, bench: Workbench) {
    this.#stage = stage;
    this.#cases = cases;
    this.#bench = bench;
    this.#clips = toyClips(cases.toys);
  }

  checks(): StageCheck[] {
    const check = (name: string, run: () => Promise<string[]> | string[]): StageCheck => ({
      name,
      run: async () => run(),
    });
    const { empty, one_row, no_training, badParams = [] } = this.#cases;
    const first = this.#clips[0]!;
    const held = this.#clips.filter(({ role }) => role !== 'train');
    return [
      check('has a schema that survives a file', () => roundTripProblems(this.#stage)),
      check('documents its parameters and accepts its own defaults', () => documentationProblems(this.#stage)),
      check('refuses wrong parameters and names them', async () =>
        refusalProblems(this.#stage, (await this.#fixture()).params ?? {}, badParams),
      ),
      check('writes what it declares', () => this.#declared()),
      check('writes nothing but its outputs', async () =>
        (await this.#usualRun()).strays.map((path) => `${path} was written, changed or removed`),
      ),
      check('gives the same bytes twice', () => this.#same({})),
      check('gives the same bytes on two threads', () => this.#same({ threads: 2 })),
      check('gives the same bytes if an earlier run has left something to go on from', () => this.#resumes()),
      check('follows its seed, or ignores it if it draws nothing', () => this.#seeds()),
      check('stops when cancelled before it begins', () => this.#cancelled('before')),
      check('stops when cancelled while it writes, and finishes nothing', () => this.#cancelled('during')),
      check(`${said(empty)} inputs without rows`, () => this.#outcome([], empty)),
      check(`${said(one_row)} a single training row`, () => this.#outcome([{ ...first, role: 'train' }], one_row)),
      ...(this.#stage.fit
        ? [
            check('fits the same whatever the test rows hold', () => this.#leaks()),
            check('fits otherwise if the training rows are others', () => this.#learns()),
            check('refuses to fit on test rows', () => this.#refusesTest()),
            check(`${said(no_training ?? 'refused')} a split without training rows`, () =>
              this.#outcome(held, no_training ?? 'refused'),
            ),
          ]
        : []),
    ];
  }

  async #fixture(clips = this.#clips): Promise<AnyFixture> {
    return (await this.#cases.fixture(clips)) as AnyFixture;
  }

  async #run(clips: readonly ToyClip[], options: BenchOptions = {}): Promise<AnyRan> {
    return this.#bench.run(this.#stage, await this.#fixture(clips), options);
  }

  #usualRun(): Promise<AnyRan> {
    this.#usual ??= this.#run(this.#clips, { watch: true });
    return this.#usual;
  }

  async #declared(): Promise<string[]> {
    const { folders, files } = await this.#usualRun();
    const problems = await this.#tables(folders);
    for (const name of Object.keys(this.#stage.outputs)) {
      if (![...files.keys()].some((path) => path.startsWith(`${name}/`))) problems.push(`output ${name} has no file`);
    }
    const known = new Set(this.#clips.map(({ clip_id }) => clip_id));
    for (const [name, kind] of Object.entries(this.#stage.outputs)) {
      if (Object.keys(this.#stage.inputs).length === 0) break;
      const rows = (await readTable(kind, folders[name]!))?.rows ?? [];
      const stranger = rows.find((row) => typeof row['clip_id'] === 'string' && !known.has(row['clip_id']));
      if (stranger) problems.push(`output ${name} has a row of no known clip: ${String(stranger['clip_id'])}`);
    }
    return problems;
  }

  async #tables(folders: Readonly<Record<string, string>>): Promise<string[]> {
    const outputs = Object.entries(this.#stage.outputs);
    return (await Promise.all(outputs.map(([name, kind]) => tableProblems(name, kind, folders[name]!)))).flat();
  }

  async #same(options: BenchOptions): Promise<string[]> {
    const usual = await this.#usualRun();
    const again = await this.#run(this.#clips, options);
    const told = (ran: AnyRan) => JSON.stringify([ran.notices, ran.metrics, ran.summary]);
    const problems = differing(usual, again).map((path) => `${path} differs`);
    return told(usual) === told(again) ? problems : [...problems, 'notices, metrics or summary differ'];
  }

  async #resumes(): Promise<string[]> {
    const usual = await this.#usualRun();
    if ((await readdir(usual.scratch).catch(() => [])).length === 0) return [];
    const again = await this.#run(this.#clips, { scratch: usual.scratch });
    return differing(usual, again).map((path) => `${path} differs`);
  }

  async #seeds(): Promise<string[]> {
    const matters = this.#cases.seedMatters ?? this.#stage.seeded ?? false;
    const other = differing(await this.#usualRun(), await this.#run(this.#clips, { seed: 2 }));
    if (matters && other.length === 0) return ['another seed changes nothing'];
    if (!this.#stage.seeded && other.length > 0) return other.map((path) => `${path} depends on the seed`);
    return [];
  }

  async #cancelled(when: 'before' | 'during'): Promise<string[]> {
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const stage = when === 'during' ? tripping(this.#stage, () => controller.abort()) : this.#stage;
    const { job, run } = await this.#bench.prepare(stage, await this.#fixture(), {
      signal: controller.signal,
    });
    const error = await run().catch((reason: unknown) => reason);
    const problems = error instanceof CancelledError ? [] : [`ended with ${outcomeOf(error)}, not with CancelledError`];
    for (const [name, kind] of Object.entries(this.#stage.outputs)) {
      // A plain folder cannot be told from a finished one; that is why the store writes its manifest last.
      const finished = await readTable(kind, job.outputs[name]!).catch(() => undefined);
      if (finished) problems.push(`output ${name} was finished`);
    }
    return problems;
  }

  async #outcome(clips: readonly ToyClip[], outcome: Outcome): Promise<string[]> {
    try {
      const { folders } = await this.#run(clips);
      return outcome === 'works' ? await this.#tables(folders) : ['it was not refused'];
    } catch (error) {
      if (!(error instanceof ProsodiaError)) return [`it crashed: ${outcomeOf(error)}`];
      return outcome === 'refused' ? [] : [`it was refused: ${error.message}`];
    }
  }

  /** The planted leak: test rows with other features and other labels must not reach a fitted value. */
  async #leaks(): Promise<string[]> {
    const usual = await this.#usualRun();
    const planted = await this.#run(withOther('test', this.#clips));
    const fitted = this.#fittedOutputs();
    const problems = differing(usual, planted)
      .filter((path) => fitted.some((name) => path.startsWith(`${name}/`)))
      .map((path) => `${path} depends on test rows`);
    const seen = await this.#rowsBesides(usual, 'test');
    const now = await this.#rowsBesides(planted, 'test');
    for (const name of Object.keys(this.#stage.outputs)) {
      if (seen[name] !== now[name]) problems.push(`rows of training clips in output ${name} depend on test rows`);
    }
    return problems;
  }

  /** Without this, a stage that fits nothing at all would pass the planted leak. */
  async #learns(): Promise<string[]> {
    const fitsOn = this.#cases.learnsFrom ?? 'train';
    const usual = await this.#usualRun();
    const other = await this.#run(withOther(fitsOn, this.#clips));
    const seen = await this.#rowsBesides(usual, fitsOn);
    const now = await this.#rowsBesides(other, fitsOn);
    const fitted = this.#fittedOutputs();
    const changed =
      differing(usual, other).some((path) => fitted.some((name) => path.startsWith(`${name}/`))) ||
      Object.keys(seen).some((name) => seen[name] !== now[name]);
    return changed ? [] : [`${fitsOn} rows with other data and labels change nothing`];
  }

  async #refusesTest(): Promise<string[]> {
    const problems: string[] = [];
    const fixture = await this.#fixture();
    if ('fit_on' in this.#stage.params.properties) {
      const { fault } = checkParams(schemaOf(this.#stage), { ...fixture.params, fit_on: ['test'] });
      if (!fault) problems.push('validation accepts fit_on: [test]');
    }
    // Also past validation, as code that calls the host directly could.
    const { run } = await this.#bench.prepare(this.#stage, fixture, {}, (job) => ({
      ...job,
      params: { ...job.params, fit_on: ['train', 'test'] },
    }));
    const error = await run().catch((reason: unknown) => reason);
    if (!(error instanceof LeakError)) problems.push(`the host ended with ${outcomeOf(error)}, not with LeakError`);
    return problems;
  }

  #fittedOutputs(): readonly string[] {
    const byKind = Object.entries(this.#stage.outputs).filter(([, { id }]) => id === 'transform' || id === 'model');
    return this.#cases.fitted ?? byKind.map(([name]) => name);
  }

  /** By output table, its rows apart from those of one role, as text. */
  async #rowsBesides({ folders }: AnyRan, role: ToyClip['role']): Promise<Record<string, string>> {
    const left = new Set(this.#clips.filter((clip) => clip.role !== role).map(({ clip_id }) => clip_id));
    const view = { description: `all but ${role} rows`, keep: (clipId: string) => left.has(clipId) };
    const texts: Record<string, string> = {};
    for (const [name, kind] of Object.entries(this.#stage.outputs)) {
      const table = await readTable(kind, folders[name]!, view);
      if (table)
        texts[name] = JSON.stringify(
          table.rows,
          (_, value) => (ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value) as unknown,
        );
    }
    return texts;
  }
}

/** The same stage, with outputs that call `trip` when they are first written to. */
function tripping(stage: AnyStage, trip: () => void): AnyStage {
  const wrap = (kind: ArtifactKind): ArtifactKind => ({
    ...kind,
    async create(folder, options) {
      const writer = (await kind.create(folder, options)) as object;
      return new Proxy(writer, {
        get(target, name) {
          const value = Reflect.get(target, name, target) as unknown;
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (name !== 'close') trip();
            return (value as (...args: unknown[]) => unknown).apply(target, args);
          };
        },
      });
    },
  });
  const outputs = Object.fromEntries(Object.entries(stage.outputs).map(([name, kind]) => [name, wrap(kind)]));
  return { ...stage, outputs };
}

/** Files that two runs do not have alike. */
function differing(a: AnyRan, b: AnyRan): string[] {
  const paths = [...new Set([...a.files.keys(), ...b.files.keys()])];
  return paths.filter((path) => a.files.get(path) !== b.files.get(path)).sort();
}

function said(outcome: Outcome): string {
  return outcome === 'works' ? 'takes' : 'refuses';
}

function outcomeOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${messageOf(error)}` : 'success';
}
