/**
 * The record of a run: a numbered folder with everything needed to understand and repeat it.
 *
 * Published outputs are links into the store, so a warm run copies nothing; where links are not
 * allowed they are copies.
 */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { arch, cpus, hostname, platform, totalmem } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { DeviceClass } from '@prosodia/core';
import type { OutputRef, Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import { hasCode, listFiles, writeAtomically } from '../store/files.ts';
import type { KeyParts, Manifest } from '../store/manifest.ts';
import type { Status } from './events.ts';
import type { Chosen } from './grow.ts';

export interface StageRecord {
  stage: string;
  uses: string;
  status: Status;
  /** Why it ran, or that it was cached. */
  reason: string;
  seconds: number;
  /** How long it took when it was computed, in this run or an earlier one. */
  computed_seconds?: number;
  key?: string;
  parts?: KeyParts;
  outputs?: Record<string, { kind: string; digest: string; bytes: number }>;
  metrics?: Record<string, number>;
  notices?: string[];
  peak_memory_bytes?: number;
  error?: string;
}

export interface RunRecord {
  run: number;
  pipeline: string;
  title: string;
  ok: boolean;
  started: string;
  seconds: number;
  vars: Plan['vars'];
  device: DeviceClass;
  /** The pipeline as it was run: parameters with defaults, inputs by reference. */
  resolved: Record<
    string,
    { uses: string; with: Record<string, unknown>; from: Record<string, string[]>; seed: number }
  >;
  stages: StageRecord[];
  metrics: Record<string, Record<string, number>>;
  /** What searches found, by the id of the choice: `trial`, or `trial[fold=2]`. */
  choices: Record<string, Chosen>;
  host: {
    node: string;
    platform: string;
    arch: string;
    cpu: string;
    cores: number;
    memory_bytes: number;
    name: string;
  };
}

/** Where the runs of a pipeline are kept. */
export function runsFolder(project: Project, pipeline: string): string {
  return join(project.artifacts, 'runs', pipeline);
}

/** A new numbered run folder; numbers are never used twice. */
export async function createRunFolder(project: Project, pipeline: string): Promise<{ number: number; folder: string }> {
  const parent = runsFolder(project, pipeline);
  await mkdir(parent, { recursive: true });
  for (let number = (await lastRunNumber(parent)) + 1; ; number++) {
    const folder = join(parent, String(number));
    try {
      await mkdir(folder);
      return { number, folder };
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

async function lastRunNumber(parent: string): Promise<number> {
  const names = await readdir(parent).catch(() => []);
  return Math.max(0, ...names.map(Number).filter(Number.isInteger));
}

/** The stages of the most recent run of a pipeline, by instance; empty if there is none. */
export async function lastStages(project: Project, pipeline: string): Promise<Map<string, StageRecord>> {
  const parent = runsFolder(project, pipeline);
  const names = await readdir(parent).catch(() => []);
  const numbers = names
    .map(Number)
    .filter((n) => Number.isInteger(n) && n > 0)
    .sort((a, b) => b - a);
  const stages = new Map<string, StageRecord>();
  for (const number of numbers.slice(0, 5)) {
    const record = await readRecord(join(parent, String(number)));
    for (const stage of record?.stages ?? []) {
      if (stage.parts && !stages.has(stage.stage)) stages.set(stage.stage, stage);
    }
    if (record?.ok) break;
  }
  return stages;
}

/** A run's record; undefined if the folder has none (a run that was killed). */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as RunRecord;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  await writeAtomically(join(folder, 'run.json'), JSON.stringify(record, null, 2) + '\n');
}

/** Links every artifact under `stages/`, and the published ones where the pipeline wants them. */
export async function linkOutputs(
  project: Project,
  folder: string,
  publish: Plan['publish'],
  results: ReadonlyMap<string, Manifest>,
): Promise<void> {
  const content = ({ instance, output }: OutputRef) =>
    project.store.contentFolder(results.get(instance)!.outputs[output]!.digest);
  for (const [instance, manifest] of results) {
    for (const output of Object.keys(manifest.outputs)) {
      await link(content({ instance, output }), join(folder, 'stages', instance, output));
    }
  }
  for (const [place, reference] of Object.entries(publish)) {
    if (!results.has(reference.instance)) continue;
    const source = content(reference);
    if (place !== '.') await link(source, join(folder, place));
    else for (const path of await listFiles(source)) await link(join(source, path), join(folder, path));
  }
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await symlink(relative(dirname(path), target), path);
  } catch (error) {
    if (!hasCode(error, 'EPERM', 'ENOSYS')) throw error;
    await cp(target, path, { recursive: true });
  }
}

/** Points `latest` at a finished run. */
export async function pointLatest(folder: string, number: number): Promise<void> {
  const parent = dirname(folder);
  const temporary = join(parent, `.latest-${randomUUID()}`);
  try {
    await symlink(String(number), temporary);
    await rename(temporary, join(parent, 'latest'));
  } catch (error) {
    await rm(temporary, { force: true });
    if (!hasCode(error, 'EPERM', 'ENOSYS')) throw error;
    await writeFile(join(parent, 'latest.txt'), `${number}\n`);
  }
}

export function hostFacts(): RunRecord['host'] {
  const processors = cpus();
  return {
    node: process.version,
    platform: platform(),
    arch: arch(),
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memory_bytes: totalmem(),
    name: hostname(),
  };
}
