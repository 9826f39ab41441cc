/** Shipped recipes, shortened so that they end in seconds on the tones of the test corpus. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClipTable, PredictionTable } from '@prosodia/tables';
import type { TestProject } from './project.ts';

const FOLDER = fileURLToPath(new URL('../../pipelines', import.meta.url));

/** A recipe of the test corpus that no graph can do: `trim` leaves a different length of each recording. */
export const TRIMMED = `name: trimmed
title: A recipe that no graph can do
stages:
  clips: { uses: ingest, with: { corpus: tiny } }
  split: { uses: split, from: { clips }, with: { scheme: holdout, test: 0.25 } }
  audio: { uses: resample, from: { clips }, with: { rate: 8000 } }
  speech: { uses: trim, from: { audio } }
  frames: { uses: featurize, from: { audio: speech }, with: { n_fft: 512, features: [rms: {}] } }
  forest: { uses: train-forest, from: { features: frames, split, clips }, with: { n_estimators: 2 } }
`;

/**
 * Writes a recipe with a few changes of its text into a project.
 * @param changes what is replaced, everywhere; each has to be there
 * @returns path of the file
 */
export function shortenedRecipe(
  project: TestProject,
  name: string,
  changes: readonly (readonly [string, string])[],
): string {
  let text = readFileSync(join(FOLDER, `${name}.yaml`), 'utf8');
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${name}.yaml no longer says ${from}`);
    text = text.replaceAll(from, to);
  }
  const file = join(project.root, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

/**
 * Predicts the test recordings of the latest run with `prosodia predict`.
 * @param stage as for `--stage`
 * @param bySpeaker whether the recordings of each speaker are given by themselves
 * @returns the probabilities that they had in the run, by label, and those they have now, in one order
 */
export async function predictedAgain(
  project: TestProject,
  recipe: string,
  data: string,
  stage?: string,
  bySpeaker = false,
): Promise<{ before: Record<string, number>[]; now: Record<string, number>[] }> {
  const stages = join(project.root, 'artifacts', 'runs', recipe, 'latest', 'stages');
  const where = { where: recipe };
  const clips = await (await ClipTable.open(join(stages, 'clips', 'clips'), where)).all();
  const before = new Map<string, Record<string, number>>();
  const now = new Map<string, Record<string, number>>();
  for (const speaker of bySpeaker ? new Set(clips.map((clip) => clip.speaker)) : [undefined]) {
    const group = clips.filter((clip) => speaker === undefined || clip.speaker === speaker);
    const paths = group.map(({ path }) => join(data, path));
    const chosen = stage === undefined ? [] : [`--stage=${stage}`];
    // In one piece, as the run took them, however little of it the recipe hears.
    const { code, out, err } = await project.cli(['predict', recipe, '--json', '--window=60', ...chosen, ...paths]);
    if (code !== 0) throw new Error(err);
    const { members, predictions } = JSON.parse(out) as {
      members: string[];
      predictions: { probabilities: Record<string, number> }[];
    };
    if (members.length !== 1) throw new Error(`expected one member, got ${members.join(', ')}`);
    for (const [i, { clip_id }] of group.entries()) now.set(clip_id, predictions[i]!.probabilities);
    const table = await PredictionTable.open(join(stages, members[0]!, 'predictions'), where);
    const { rows, probabilities } = await table.all();
    const { labels } = table;
    for (const [r, { clip_id, role }] of rows.entries()) {
      if (role !== 'test') continue;
      const own = labels.map((label, c) => [label, probabilities[r * labels.length + c]!] as const);
      before.set(clip_id, Object.fromEntries(own));
    }
  }
  return { before: [...before.values()], now: [...before.keys()].map((clip_id) => now.get(clip_id)!) };
}
