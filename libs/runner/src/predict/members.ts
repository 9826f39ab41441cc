/** Which predictions of a run stand for it: those that its published report judges. */
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '@prosodia/core';
import type { RunRecord } from '../run/record.ts';

/** `instance.output`, apart; the name of an instance may itself hold dots. */
export function splitReference(reference: string): { instance: string; output: string } {
  const dot = reference.lastIndexOf('.');
  return { instance: reference.slice(0, dot), output: reference.slice(dot + 1) };
}

/** The output of an instance that holds predictions; undefined if it has none. */
export function predictionsOf(record: RunRecord, instance: string): string | undefined {
  const { outputs = {} } = record.stages.find(({ stage }) => stage === instance) ?? {};
  return Object.keys(outputs).find((name) => outputs[name]!.kind === 'predictions');
}

/**
 * Instances whose predictions are averaged: those of one stage, over its axes.
 * @param wanted a stage or an instance; without it, what the published report judges
 * @throws RequestError if the run predicts nothing, or more than one stage is meant
 */
export async function membersOf(record: RunRecord, folder: string, wanted: string | undefined): Promise<string[]> {
  const all = Object.keys(record.resolved).filter((name) => predictionsOf(record, name) !== undefined);
  if (wanted !== undefined) {
    const chosen = all.filter((name) => name === wanted || name.startsWith(`${wanted}[`));
    if (chosen.length > 0) return chosen;
    throw new RequestError({
      problem: `the run has no predictions of a stage ${wanted}`,
      expected: `one of: ${all.join(', ') || '(none)'}`,
      got: wanted,
    });
  }
  const published = await reported(record, folder);
  const consumed = new Set(all.flatMap((name) => sources(record, name)));
  const meant = published.length > 0 ? published : all.filter((name) => !consumed.has(name));
  const stages = new Set(meant.map((name) => name.replace(/\[.*/, '')));
  if (stages.size === 1) return meant;
  throw new RequestError({
    problem: stages.size === 0 ? 'the run predicts nothing' : 'the run has predictions of several stages',
    expected: stages.size === 0 ? 'a pipeline that trains a model' : `--stage with one of: ${meant.join(', ')}`,
  });
}

function sources(record: RunRecord, instance: string): string[] {
  const { from } = record.resolved[instance]!;
  return Object.values(from).flatMap((list) => list.map((reference) => splitReference(reference).instance));
}

/** The nearest predictions upstream of the published report. */
async function reported(record: RunRecord, folder: string): Promise<string[]> {
  const target = await readlink(join(folder, 'report.html')).catch(() => '');
  const judge = record.stages.find(({ outputs = {} }) =>
    Object.values(outputs).some(({ kind, digest }) => kind === 'report' && target.includes(digest)),
  );
  if (!judge) return [];
  const found = new Set<string>();
  const visit = (instance: string): void => {
    for (const source of sources(record, instance)) {
      if (predictionsOf(record, source) !== undefined) found.add(source);
      else visit(source);
    }
  };
  visit(judge.stage);
  return [...found].sort();
}
