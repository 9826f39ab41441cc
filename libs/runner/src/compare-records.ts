/** The runs that were kept, and how a user names one of them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError, nearest } from '@prosodia/core';
import type { Project } from './project.ts';
import { type RunRecord, readRecord, runsFolder } from './run/record.ts';

export interface KeptRun {
  record: RunRecord;
  folder: string;
}

/** Runs of one pipeline, the newest first. A run that was killed has no record and is left out. */
export async function runsOf(project: Project, pipeline: string): Promise<KeptRun[]> {
  const parent = runsFolder(project, pipeline);
  const names = await readdir(parent).catch(() => []);
  const numbers = names
    .map(Number)
    .filter((number) => Number.isInteger(number) && number > 0)
    .sort((a, b) => b - a);
  const runs: KeptRun[] = [];
  for (const number of numbers) {
    const folder = join(parent, String(number));
    const record = await readRecord(folder);
    if (record) runs.push({ record, folder });
  }
  return runs;
}

/** Runs of all pipelines, the newest first. */
export async function allRuns(project: Project): Promise<KeptRun[]> {
  const names = await readdir(join(project.artifacts, 'runs')).catch(() => []);
  const runs = (await Promise.all(names.map((name) => runsOf(project, name)))).flat();
  return runs.sort((a, b) => compareText(b.record.started, a.record.started) || b.record.run - a.record.run);
}

/**
 * The run that `text` means: `ensemble` (its latest), `ensemble/3`, `ensemble/latest~1`; with a `pipeline` given also
 * `3`, `latest` and `latest~1`.
 * @throws RequestError if there is no such run, with the nearest name
 */
export async function findRun(project: Project, text: string, pipeline?: string): Promise<KeptRun> {
  const all = await allRuns(project);
  const short = /^(?:\d+|latest(?:~\d+)?)$/.test(text);
  const slash = text.lastIndexOf('/');
  const [name, which] = short
    ? [pipeline ?? (/^latest/.test(text) ? undefined : only(all)), text]
    : slash < 0
      ? [text, 'latest']
      : [text.slice(0, slash), text.slice(slash + 1)];
  const candidates = all.filter(({ record }) => name === undefined || record.pipeline === name);
  const back = /^latest(?:~(\d+))?$/.exec(which);
  const found = back
    ? candidates[Number(back[1] ?? 0)]
    : name === undefined
      ? undefined
      : candidates.find(({ record }) => String(record.run) === which);
  if (found) return found;
  const pipelines = [...new Set(all.map(({ record }) => record.pipeline))];
  const near = name === undefined ? undefined : nearest(name, pipelines);
  const have = candidates.slice(0, 8).map(({ record }) => `${record.pipeline}/${record.run}`);
  throw new RequestError({
    problem: `there is no run ${text}`,
    expected:
      have.length > 0 ? `one of: ${have.join(', ')}` : `a run such as ${pipelines[0] ?? 'ensemble'}/1, or latest~1`,
    got: text,
    fix: near && near !== name ? `did you mean ${near}?` : 'npx prosodia runs lists them',
  });
}

/** A bare number says enough where there is one pipeline. */
function only(runs: readonly KeptRun[]): string | undefined {
  const names = new Set(runs.map(({ record }) => record.pipeline));
  return names.size === 1 ? [...names][0] : undefined;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
