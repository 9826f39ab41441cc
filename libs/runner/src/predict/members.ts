/** Which predictions of a run stand for it: those that its published report judges. */
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '@prosodia/core';
import type { RunRecord } from '../run/record.ts';
import { splitReference } from './served-run.ts';

/** The output of an instance that holds predictions; undefined if it has none. */
export function predictionsOf(record: RunRecord, instance: string): string | undefined {
  const { outputs = {} } = record.stages.find(({ stage }) => stage === instance) ?? {};
  return Object.keys(outputs).find((name) => outputs[name]!.kind === 'predictions');
}

/**
 * Instances whose predictions are averaged: those of one stage, over its axes.
 * @param wanted a stage, or `stage[axis=value]` for the instances that have these values; without it, what the
 *   published report judges
 * @throws RequestError if the run predicts nothing, or more than one stage is meant
 */
export async function membersOf(record: RunRecord, folder: string, wanted: string | undefined): Promise<string[]> {
  const all = Object.keys(record.resolved).filter((name) => predictionsOf(record, name) !== undefined);
  if (wanted !== undefined) {
    const chosen = all.includes(wanted) ? [wanted] : all.filter((name) => isMeant(name, wanted));
    if (chosen.length > 0) return chosen;
    throw new RequestError({
      problem: `the run has no predictions of a stage ${wanted}`,
      expected: `one of: ${some(all)}`,
      got: wanted,
    });
  }
  if (all.length === 0) {
    throw new RequestError({ problem: 'the run predicts nothing', expected: 'a pipeline that trains a model' });
  }
  const { judged, compared } = await reported(record, folder);
  if (compared && judged.length > 1) {
    throw new RequestError({
      problem: 'the report of the run compares several predictors',
      expected: `--stage with one of them, or with those of one axis, averaged: ${some(judged)}`,
    });
  }
  const consumed = new Set(all.flatMap((name) => sources(record, name)));
  const meant = judged.length > 0 ? judged : all.filter((name) => !consumed.has(name));
  if (new Set(meant.map(stageOf)).size === 1) return meant;
  throw new RequestError({
    problem: 'the run has predictions of several stages',
    expected: `--stage with one of: ${some(meant)}`,
  });
}

/** `network[fold=0,model=cnn]` is meant by `network`, `network[model=cnn]` and so on. */
function isMeant(instance: string, wanted: string): boolean {
  if (stageOf(instance) !== stageOf(wanted)) return false;
  const own = axesOf(instance);
  return axesOf(wanted).every((axis) => own.includes(axis));
}

function stageOf(instance: string): string {
  return instance.replace(/\[.*/s, '');
}

function axesOf(instance: string): string[] {
  const inside = /\[(.*)\]$/s.exec(instance)?.[1];
  return inside === undefined ? [] : inside.split(',').map((axis) => axis.trim());
}

function some(names: readonly string[]): string {
  if (names.length === 0) return '(none)';
  return names.slice(0, 6).join(', ') + (names.length > 6 ? ` and ${names.length - 6} more` : '');
}

function sources(record: RunRecord, instance: string): string[] {
  const { from } = record.resolved[instance]!;
  return Object.values(from).flatMap((list) => list.map((reference) => splitReference(reference).instance));
}

/** The nearest predictions upstream of the published report, and whether it compares other reports. */
async function reported(record: RunRecord, folder: string): Promise<{ judged: string[]; compared: boolean }> {
  const published = await linksIn(folder);
  const reportsOf = (name: string) =>
    Object.values(record.stages.find(({ stage }) => stage === name)?.outputs ?? {}).filter(
      ({ kind }) => kind === 'report',
    );
  const judge = Object.keys(record.resolved).find((name) =>
    reportsOf(name).some(({ digest }) => published.some((target) => target.includes(digest))),
  );
  if (judge === undefined) return { judged: [], compared: false };
  const found = new Set<string>();
  const visit = (instance: string): void => {
    for (const source of sources(record, instance)) {
      if (predictionsOf(record, source) !== undefined) found.add(source);
      else visit(source);
    }
  };
  visit(judge);
  const compared = sources(record, judge).some((source) => reportsOf(source).length > 0);
  // A report may be given the members of a vote beside the vote: what it judges is the last.
  const before = new Set([...found].flatMap((name) => upstreamOf(record, name)));
  return { judged: [...found].filter((name) => !before.has(name)).sort(), compared };
}

/** All instances that one depends on. */
function upstreamOf(record: RunRecord, instance: string): string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    for (const source of sources(record, name)) {
      if (found.has(source)) continue;
      found.add(source);
      visit(source);
    }
  };
  visit(instance);
  return [...found];
}

/** Where the links in the folder of a run itself lead: into the report that is published as `.`. */
async function linksIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink());
  return Promise.all(links.map(({ name }) => readlink(join(folder, name))));
}
