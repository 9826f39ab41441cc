/**
 * Every recipe's run predicts its own test recordings as it did in the run, bit for bit: the graph that serves is
 * the one that trained, on one thread and on the same device. The recipes that `recipes.test.ts` runs are tried there.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyProject } from './support/corpus.ts';
import { type TestProject, summaryOf } from './support/project.ts';
import { predictedAgain, shortenedRecipe } from './support/recipes.ts';

interface Output {
  members: string[];
}

let project: TestProject;
let data: string;
beforeAll(() => {
  ({ project, data } = tinyProject());
});
afterAll(() => project.remove());

interface Case {
  recipe: string;
  changes: readonly (readonly [string, string])[];
  args?: string[];
  /** As given to --stage. */
  stage?: string;
}

const CASES: Case[] = [
  {
    recipe: 'ensemble',
    changes: [
      ['epochs: 120', 'epochs: 1'],
      ['n_estimators: 500', 'n_estimators: 5'],
    ],
  },
  {
    recipe: 'cnn2d',
    changes: [
      ['epochs: 100', 'epochs: 1'],
      ['frames: 94', 'frames: 8'],
    ],
  },
  {
    recipe: 'handcrafted-cnn',
    changes: [
      ['epochs: 50', 'epochs: 1'],
      ['frames: 108', 'frames: 16'],
    ],
  },
  {
    recipe: 'architectures',
    changes: [
      ['epochs: 200', 'epochs: 1'],
      ['frames: 130', 'frames: 16'],
      ['copies: 4', 'copies: 1'],
      ['units: 128, return_sequences', 'units: 8, return_sequences'],
      ['exclude:', 'exclude:\n    - { feature: [mfcc, gaussian], model: [cnn, lstm, hybrid] }'],
    ],
    args: ['--folds=0'],
    stage: 'network[feature=mel,model=hybrid]',
  },
];

describe.each(CASES)('$recipe', ({ recipe, changes, args = [], stage }) => {
  it('gives its test recordings the probabilities they had in the run', async () => {
    const file = shortenedRecipe(project, recipe, changes);
    const ran = await project.cli(['run', file, '--json', '--corpus=tiny', `--data=${data}`, ...args]);
    expect(ran.err).toBe('');
    expect(summaryOf(ran)).toMatchObject({ ok: true });
    const { before, now } = await predictedAgain(project, recipe, data, stage);
    expect(before.length).toBeGreaterThan(5);
    expect(now).toEqual(before);
  }, 240_000);
});

describe('a recipe that hears a quarter of a second', () => {
  interface Reply {
    window_s: number;
    heard_s: number;
    predictions: { start_s: number; end_s: number }[];
    notices: string[];
  }

  let recording: string;
  beforeAll(() => {
    recording = join(project.root, 'tone.wav');
    const tone = Float32Array.from({ length: 8000 }, (_, i) => 0.3 * Math.sign(Math.sin(i / 16)));
    writeFileSync(recording, encodeWav(tone, 16_000));
  });

  it('is given windows of that length, and says of longer ones how much of them it hears', async () => {
    const usual = await project.cli(['predict', 'cnn2d', recording, '--json']);
    expect(usual).toMatchObject({ code: 0, err: '' });
    const { predictions, ...reply } = JSON.parse(usual.out) as Reply;
    expect(reply).toMatchObject({ window_s: 0.2, heard_s: 0.2, notices: [] });
    expect(predictions.length).toBeGreaterThan(1);
    expect(predictions.every(({ start_s, end_s }) => end_s - start_s < 0.201)).toBe(true);

    const longer = await project.cli(['predict', 'cnn2d', recording, '--window=6']);
    expect(longer.out).toContain('windows of 6 s every 3 s, 0.3 s of each heard');
    expect(longer.err).toMatch(
      /^note: of the longest window, \d\.\d s, only 0\.3 s are heard: that is what images takes in; windows of 0\.2 s are heard whole\n$/,
    );
  });

  it('says nothing of it where recordings are no longer', async () => {
    const { err } = await project.cli(['predict', 'cnn2d', recording, '--window=0.25']);
    expect(err).toBe('');
  });
});

describe('a run whose report compares several networks', () => {
  it('asks which of them is meant', async () => {
    const { code, err } = await project.cli(['predict', 'architectures', join(data, '01_calm_1.wav')]);
    expect(code).toBe(2);
    expect(err).toContain('the report of the run compares several predictors');
    expect(err).toContain('--stage');
  });

  it('averages those that have the values given, and says how many', async () => {
    const given = ['--stage=network[feature=mel]', join(data, '01_calm_1.wav'), '--json'];
    const { out, code } = await project.cli(['predict', 'architectures', ...given]);
    expect(code).toBe(0);
    expect((JSON.parse(out) as Output).members).toHaveLength(3);
  });
});
