/** The shipped recipes: all can be planned, with every split, and those that fan out run end to end on tones. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyProject } from './support/corpus.ts';
import { type TestProject, summaryOf } from './support/project.ts';
import { predictedAgain, shortenedRecipe } from './support/recipes.ts';

const FOLDER = fileURLToPath(new URL('../pipelines', import.meta.url));
const RECIPES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

let project: TestProject;
let data: string;
beforeAll(() => {
  ({ project, data } = tinyProject());
});
afterAll(() => project.remove());

describe('a shipped recipe', () => {
  it.each(RECIPES)('%s can be planned as it is, and with speakers kept apart if it takes a split', async (name) => {
    const takesSplit = /^vars:.* split:/m.test(readFileSync(join(FOLDER, name), 'utf8'));
    for (const split of takesSplit ? [[], ['--split=emobox-6fold']] : [[]]) {
      const { code, out, err } = await project.cli(['status', join(FOLDER, name), '--json', ...split]);
      expect(err).toBe('');
      expect(code).toBe(0);
      expect((JSON.parse(out) as unknown[]).length).toBeGreaterThan(4);
    }
  });

  it.each(RECIPES)('%s names its schema for editors', (name) => {
    expect(readFileSync(join(FOLDER, name), 'utf8')).toMatch(/^# yaml-language-server: \$schema=\.\.\/schemas\//);
  });
});

describe('best', () => {
  it('judges every speaker by models that never heard it, and says how speakers were normalized', async () => {
    const file = shortenedRecipe(project, 'best', [
      ['epochs: 60', 'epochs: 1'],
      ['extra_trees: true', 'extra_trees: true, n_estimators: 5'],
      ['seed: ${seeds}', 'seed: [1]'],
      ["scheme: '${split}'", "scheme: '${split}', folds: 2"],
    ]);
    const ran = await project.cli(['run', file, '--json', '--corpus=tiny', `--data=${data}`, '--folds=0,1']);
    expect(ran.err).toBe('');
    // Eleven stages once; two members, trees and a vote for each of two folds; the report.
    expect(summaryOf(ran)).toMatchObject({ ok: true, computed: 11 + 2 * 4 + 1 });
    const latest = join(project.root, 'artifacts', 'runs', 'best', 'latest');
    const { protocol } = JSON.parse(readFileSync(join(latest, 'metrics.json'), 'utf8')) as {
      protocol: { split: { shared_speakers: number } };
    };
    expect(protocol.split.shared_speakers).toBe(0);
    expect(readFileSync(join(latest, 'report.html'), 'utf8')).toContain('normalized by all recordings of that speaker');
    const { before, now } = await predictedAgain(project, 'best', data, 'vote[fold=0]', true);
    expect(before).toHaveLength(40);
    expect(now).toEqual(before);
  }, 240_000);
});

describe('cnn-lstm', () => {
  it('searches on validation rows, trains the winner again from other seeds, and writes CSV', async () => {
    const file = shortenedRecipe(project, 'cnn-lstm', [
      ['epochs: 100', 'epochs: 1'],
      ['frames: 174', 'frames: 20'],
    ]);
    const args = ['--corpus=tiny', `--data=${data}`, '--trials=2', '--seeds=1,2'];
    const ran = await project.cli(['run', file, '--json', ...args]);
    expect(ran.err).toBe('');
    expect(summaryOf(ran)).toMatchObject({ ok: true });
    const latest = join(project.root, 'artifacts', 'runs', 'cnn-lstm', 'latest');
    expect(readFileSync(join(latest, 'spread', 'comparison.md'), 'utf8')).toMatch(/seed=1 +\| seed=2/);
    expect(readFileSync(join(latest, 'csv', 'predictions.csv'), 'utf8')).toMatch(/^clip_id,item_id,fold,role,label,/);
    const { before, now } = await predictedAgain(project, 'cnn-lstm', data);
    expect(before.length).toBeGreaterThan(5);
    expect(now).toEqual(before);
  }, 240_000);
});
