/** `prosodia predict` on recordings of the run's own test: the graph that serves is the one that trained. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from './support/project.ts';

interface Output {
  predictions: { file: string; start_s: number; end_s: number; probabilities: Record<string, number> }[];
  refused: { file: string; reason: string }[];
}

let project: TestProject;
let folder: string;
let recordings: { clip_id: string; path: string }[];

async function rows<T>(sql: string): Promise<T[]> {
  const { out } = await project.cli(['inspect', 'mfcc-forest', '--sql', sql, '--json']);
  return JSON.parse(out) as T[];
}

beforeAll(async () => {
  project = new TestProject('all');
  const { code, err } = await project.cli(['run', 'mfcc-forest', '--json']);
  expect(code, err).toBe(0);
  folder = join(project.root, 'data', 'demo');
  recordings = await rows(
    "select clip_id, path from clips join forest_predictions using (clip_id) where role = 'test' order by clip_id limit 12",
  );
});
afterAll(() => project.remove());

describe('predict', () => {
  it('gives clips of the test the probabilities they had in the run', async () => {
    const files = recordings.map(({ path }) => join(folder, path));
    const { code, out, err } = await project.cli(['predict', 'mfcc-forest', ...files, '--json']);
    expect(code, err).toBe(0);
    const { predictions } = JSON.parse(out) as Output;
    const before = await rows<Record<string, number | string>>('select * from forest_predictions');
    expect(predictions).toHaveLength(files.length);
    for (const [i, { probabilities }] of predictions.entries()) {
      const row = before.find(({ clip_id }) => clip_id === recordings[i]!.clip_id)!;
      for (const [label, p] of Object.entries(probabilities)) expect(p).toBe(Number(row[`p_${label}`]));
    }
  });

  it('refuses what is no recording, says why, and predicts the others', async () => {
    const broken = join(project.root, 'broken.wav');
    writeFileSync(broken, 'this is no recording');
    const good = join(folder, recordings[0]!.path);
    const { code, out, err } = await project.cli(['predict', 'mfcc-forest', broken, good, '--json']);
    const { predictions, refused } = JSON.parse(out) as Output;
    expect(code).toBe(1);
    expect(refused.map(({ file }) => file)).toEqual([broken]);
    expect(err).toContain('refused: ');
    expect(predictions.map(({ file }) => file)).toEqual([good]);
  });

  it('cuts a long recording into windows that reach its end', async () => {
    const long = join(project.root, 'long');
    mkdirSync(long);
    writeFileSync(join(long, 'a.wav'), readFileSync(join(folder, recordings[0]!.path)));
    expect(readdirSync(long)).toEqual(['a.wav']);
    const { out } = await project.cli(['predict', 'mfcc-forest', long, '--window=1', '--hop=0.5', '--json']);
    const { predictions } = JSON.parse(out) as Output;
    const whole = (
      await rows<{ duration_s: number }>(`select duration_s from clips where clip_id = '${recordings[0]!.clip_id}'`)
    )[0]!.duration_s;
    expect(predictions.length).toBeGreaterThan(1);
    expect(predictions[1]!.start_s).toBeCloseTo(0.5, 3);
    expect(predictions.at(-1)!.end_s).toBeCloseTo(whole, 3);
  });
});
