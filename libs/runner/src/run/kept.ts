/** Which runs are kept: those whose results `gc` never removes. */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '@prosodia/core';
import type { Project } from '../project.ts';
import { exists } from '../store/store.ts';
import { type RunRecord, readRecord } from './record.ts';

/** An empty file of this name in a run's folder keeps the run until it is removed. */
const PIN = 'pinned';

export interface RunOnDisk {
  /** `pipeline/number`, as commands name it. */
  name: string;
  pipeline: string;
  number: number;
  folder: string;
  /** None if the run was killed while it was written. */
  record: RunRecord | undefined;
  pinned: boolean;
  /** When the folder changed last. */
  changed: number;
}

export interface KeepRules {
  /** How many of the latest finished runs of every pipeline. At least 1. */
  keep: number;
  /** Runs that began after this time; milliseconds since 1970. */
  since?: number;
}

/** All runs of a project, those of a pipeline from the first to the last. */
export async function runsOnDisk(project: Project): Promise<RunOnDisk[]> {
  const root = join(project.artifacts, 'runs');
  const runs: RunOnDisk[] = [];
  for (const pipeline of (await readdir(root).catch(() => [])).sort()) {
    const numbers = (await readdir(join(root, pipeline)).catch(() => []))
      .map(Number)
      .filter((number) => Number.isInteger(number) && number > 0)
      .sort((a, b) => a - b);
    for (const number of numbers) {
      const folder = join(root, pipeline, String(number));
      const [record, pinned, { mtimeMs }] = await Promise.all([
        readRecord(folder),
        exists(join(folder, PIN)),
        stat(folder).catch(() => ({ mtimeMs: Infinity })),
      ]);
      runs.push({ name: `${pipeline}/${number}`, pipeline, number, folder, record, pinned, changed: mtimeMs });
    }
  }
  return runs;
}

/**
 * The runs to keep: the latest finished ones of every pipeline, its very last one (it may be waiting to be resumed),
 * those that are young enough, and pinned ones.
 */
export function keptOf(runs: readonly RunOnDisk[], { keep, since = Infinity }: KeepRules): Set<RunOnDisk> {
  const kept = new Set<RunOnDisk>();
  const finished = new Map<string, number>();
  const seen = new Set<string>();
  for (const run of [...runs].reverse()) {
    const { pipeline, record } = run;
    const rank = finished.get(pipeline) ?? 0;
    const young = record !== undefined && Date.parse(record.started) >= since;
    if (run.pinned || young || !seen.has(pipeline) || (record?.ok && rank < keep)) kept.add(run);
    if (record?.ok) finished.set(pipeline, rank + 1);
    seen.add(pipeline);
  }
  return kept;
}

/** Keys and digests that runs refer to. */
export function referencesOf(runs: Iterable<RunOnDisk>): Set<string> {
  const names = new Set<string>();
  for (const { record } of runs) {
    for (const { key, outputs = {} } of record?.stages ?? []) {
      if (key !== undefined) names.add(key);
      for (const { digest } of Object.values(outputs)) names.add(digest);
    }
  }
  return names;
}

/**
 * Keeps a run until it is unpinned.
 * @param name `pipeline/number`
 * @throws RequestError if there is no such run
 */
export async function pinRun(project: Project, name: string, pinned: boolean): Promise<void> {
  const folder = join(project.artifacts, 'runs', name);
  if (!/^[^/\\]+\/\d+$/.test(name) || !(await exists(folder))) {
    const names = (await runsOnDisk(project)).map((run) => run.name);
    throw new RequestError({
      problem: 'there is no such run',
      expected: names.length === 0 ? 'PIPELINE/NUMBER of a run' : `one of: ${names.slice(-8).join(', ')}`,
      got: name,
    });
  }
  if (pinned) await writeFile(join(folder, PIN), '');
  else await rm(join(folder, PIN), { force: true });
}
