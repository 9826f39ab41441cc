/**
 * Why a stage is computed or served from the store, followed to the root: its own parameters, code, seed and device,
 * and where an input's bytes differ, the stage they come from, and so on upstream.
 *
 * A stage is always compared with the latest earlier run that has it, and so are the stages before it: with that same
 * run, not each with one of its own, since only then do the differences add up.
 */
import { RequestError, nearest } from '@prosodia/core';
import { type KeptRun, runsOf } from './compare-records.ts';
import { type Change, changesBetween } from './explain.ts';
import type { OutputRef, Plan } from './pipeline/plan.ts';
import type { Project } from './project.ts';
import type { RunRecord } from './run/record.ts';
import { surveyPlan } from './run/survey.ts';
import type { CodeParts } from './store/code-lists.ts';
import type { KeyParts } from './store/manifest.ts';

export interface RunName {
  run: number;
  started: string;
}

/** What differs for one stage, and through which stages before it. */
export interface Cause {
  stage: string;
  /** `unknown`: it has not run, and whether it must depends on those in `through`. */
  status: 'computed' | 'cached' | 'would run' | 'unknown' | 'failed';
  changes: Change[];
  /** Not a difference of keys: damage, never run, failed last time, removed from the store. */
  remark?: string;
  /** It is explained where it was met before, and not again here. */
  repeated?: true;
  /** By input that differs or may differ: the stages whose bytes it has. */
  through: { input: string; certain: boolean; causes: Cause[] }[];
}

export interface Explanation extends Cause {
  uses: string;
  key?: string;
  /** The latest earlier run that has this stage. */
  compared?: RunName;
  /** For a hit: the run that computed the result, how long it took, and how much of it is equal. */
  made?: RunName & { seconds: number };
  equal?: { files: number; packages: number; parameters: number; inputs: number };
  /** Where each chain of causes ends. */
  roots: { stage: string; changes: Change[]; remark?: string }[];
}

/** A stage on one side of the comparison. */
interface Side {
  uses: string;
  status: Cause['status'];
  remark?: string;
  parts: KeyParts | undefined;
  key: string | undefined;
  code: CodeParts | undefined;
  inputs: Readonly<Record<string, readonly OutputRef[]>>;
  /** Digest by output; undefined before it has run. */
  outputs: Readonly<Record<string, string>> | undefined;
}

type Snapshot = (stage: string) => Promise<Side | undefined>;

/**
 * What would happen to a stage now.
 * @throws RequestError if the pipeline has no such stage
 */
export async function explainPlanned(project: Project, plan: Plan, stage: string): Promise<Explanation> {
  const survey = await surveyPlan(project, plan);
  requireStage(stage, [...survey.instances.keys(), ...survey.plan.pending.map(({ name }) => name)]);
  const waiting = survey.plan.pending.find(({ name }) => name === stage);
  if (waiting) {
    const remark = `nothing can be said of it yet: it waits for ${waiting.waitsFor}`;
    return { stage, uses: waiting.uses, status: 'unknown', changes: [], remark, through: [], roots: [] };
  }
  const now: Snapshot = (name) => {
    const found = survey.instances.get(name);
    if (!found) return Promise.resolve(undefined);
    const { instance, status, parts, key, manifest, damage } = found;
    return Promise.resolve({
      uses: instance.stage.name,
      status: ({ cached: 'cached', run: 'would run', maybe: 'unknown' } as const)[status],
      ...(damage !== undefined ? { remark: `its stored result is damaged (${damage})` } : {}),
      ...(parts === undefined ? { remark: 'its recordings are not there yet' } : {}),
      parts,
      key,
      code: project.fingerprints.of(instance.stage.source).parts,
      inputs: instance.inputs,
      outputs: manifest && digestsOf(manifest.outputs),
    });
  };
  return explain(project, stage, now, await runsOf(project, plan.name));
}

/**
 * What happened to a stage in a run.
 * @throws RequestError if the run has no such stage
 */
export async function explainRecorded(project: Project, { record }: KeptRun, stage: string): Promise<Explanation> {
  requireStage(
    stage,
    record.stages.map((each) => each.stage),
  );
  const earlier = (await runsOf(project, record.pipeline)).filter((run) => run.record.run < record.run);
  return explain(project, stage, snapshotOf(project, record), earlier);
}

async function explain(
  project: Project,
  stage: string,
  now: Snapshot,
  earlier: readonly KeptRun[],
): Promise<Explanation> {
  const side = (await now(stage))!;
  const previous = earlier.find(({ record }) => record.stages.some((each) => each.stage === stage && each.parts));
  const before = previous ? snapshotOf(project, previous.record) : undefined;
  const cause = await causeOf(stage, now, before, new Set([stage]));
  const made = side.status === 'cached' ? madeBy(side.key, earlier) : undefined;
  return {
    ...cause,
    uses: side.uses,
    ...(side.key === undefined ? {} : { key: side.key }),
    ...(previous ? { compared: nameOf(previous) } : {}),
    ...(made ? { made } : {}),
    ...(side.status === 'cached' && side.parts ? { equal: sizeOf(side) } : {}),
    roots: rootsOf(cause),
  };
}

/** @param told stages that are explained already, to which those explained here are added */
async function causeOf(stage: string, now: Snapshot, before: Snapshot | undefined, told: Set<string>): Promise<Cause> {
  const side = await now(stage);
  if (!side) return { stage, status: 'unknown', changes: [], remark: 'it is in no plan', through: [] };
  const { status } = side;
  const old = await before?.(stage);
  const own = side.remark === undefined ? {} : { remark: side.remark };
  if (!old?.parts) return { stage, status, changes: [], remark: 'never run before', ...own, through: [] };
  if (!side.parts) return { stage, status, changes: [], ...own, through: [] };
  const all = changesBetween(
    { parts: old.parts, ...(old.code ? { code: old.code } : {}) },
    { parts: side.parts, ...(side.code ? { code: side.code } : {}) },
  );
  const through: Cause['through'] = [];
  const changes: Change[] = [];
  for (const change of all) {
    // What waits for its inputs has no recordings or inputs to compare yet.
    if (change.kind === 'recordings' && status === 'unknown') continue;
    if (change.kind !== 'input' || (await allKnown(side.inputs[change.name], now))) changes.push(change);
  }
  for (const [input, references] of Object.entries(side.inputs)) {
    const certain = await allKnown(references, now);
    if (certain && !changes.some((change) => change.kind === 'input' && change.name === input)) continue;
    const causes: Cause[] = [];
    for (const { instance, output } of references) {
      const [given, had] = [await now(instance), await before!(instance)];
      if (given?.outputs && given.outputs[output] === had?.outputs?.[output]) continue;
      if (causes.some((cause) => cause.stage === instance)) continue;
      if (told.has(instance)) {
        const status = given?.status ?? 'unknown';
        causes.push({ stage: instance, status, changes: [], repeated: true, through: [] });
        continue;
      }
      told.add(instance);
      causes.push(await causeOf(instance, now, before, told));
    }
    through.push({ input, certain, causes });
  }
  if (changes.length === 0 && through.length === 0 && !side.remark && status !== 'cached') {
    const remark =
      old.status === 'failed' ? 'it failed or was stopped last time' : 'its result was no longer in the store';
    return { stage, status, changes, remark, through };
  }
  return { stage, status, changes, ...own, through };
}

async function allKnown(references: readonly OutputRef[] | undefined, now: Snapshot): Promise<boolean> {
  for (const { instance } of references ?? []) if (!(await now(instance))?.outputs) return false;
  return true;
}

/** The ends of all chains, each once. */
function rootsOf(cause: Cause): Explanation['roots'] {
  const roots = new Map<string, Explanation['roots'][number]>();
  const visit = ({ stage, changes, remark, through }: Cause) => {
    const own = changes.filter(({ kind }) => kind !== 'input');
    if (own.length > 0 || remark !== undefined) {
      roots.set(stage, { stage, changes: own, ...(remark === undefined ? {} : { remark }) });
    }
    for (const { causes } of through) causes.forEach(visit);
  };
  visit(cause);
  return [...roots.values()];
}

/** A recorded run as one side of a comparison. */
function snapshotOf(project: Project, record: RunRecord): Snapshot {
  const known = new Map<string, Side>();
  return async (stage) => {
    const found = record.stages.find((each) => each.stage === stage);
    if (!found) return undefined;
    const cached = known.get(stage);
    if (cached) return cached;
    const { key, parts, outputs, uses, status, reason } = found;
    const remark = /^its stored result is damaged/.test(reason) ? reason : undefined;
    const side: Side = {
      uses,
      status: status === 'computed' || status === 'cached' ? status : 'failed',
      ...(remark === undefined ? {} : { remark }),
      parts,
      key,
      code: parts && project.store.code.read(parts.code),
      inputs: Object.fromEntries(
        Object.entries(record.resolved[stage]?.from ?? {}).map(([name, texts]) => [name, texts.map(referenceOf)]),
      ),
      outputs: outputs && digestsOf(outputs),
    };
    known.set(stage, side);
    return side;
  };
}

/** `word[size=0.5].text`: the output is what follows the last dot. */
function referenceOf(text: string): OutputRef {
  const dot = text.lastIndexOf('.');
  return { instance: text.slice(0, dot), output: text.slice(dot + 1) };
}

function digestsOf(outputs: Readonly<Record<string, { digest: string }>>): Record<string, string> {
  return Object.fromEntries(Object.entries(outputs).map(([name, { digest }]) => [name, digest]));
}

function madeBy(key: string | undefined, earlier: readonly KeptRun[]): Explanation['made'] {
  for (const run of earlier) {
    const found = run.record.stages.find((each) => each.key === key && each.status === 'computed');
    if (found) return { ...nameOf(run), seconds: found.seconds };
  }
  return undefined;
}

function nameOf({ record: { run, started } }: KeptRun): RunName {
  return { run, started };
}

function sizeOf({ code = {}, parts, inputs }: Side): NonNullable<Explanation['equal']> {
  const names = Object.keys(code);
  const packages = names.filter((name) => /^(?:@[^/@]+\/)?[^/@]+@[^/]+$/.test(name)).length;
  return {
    files: names.length - packages,
    packages,
    parameters: Object.keys(parts?.params ?? {}).length,
    inputs: Object.keys(inputs).length,
  };
}

function requireStage(stage: string, names: readonly string[]): void {
  if (names.includes(stage)) return;
  const near = nearest(stage, names);
  const instances = names.filter((name) => name.startsWith(`${stage}[`));
  const shown = instances.length > 0 ? instances : names;
  throw new RequestError({
    problem: instances.length > 0 ? `${stage} runs more than once` : `there is no stage ${stage}`,
    expected: `one of: ${shown.slice(0, 30).join(', ')}${shown.length > 30 ? ` and ${shown.length - 30} more` : ''}`,
    got: stage,
    ...(instances.length > 0
      ? { fix: `name one of them, in quotes: '${instances[0]!}'` }
      : near
        ? { fix: `did you mean ${near}?` }
        : {}),
  });
}
