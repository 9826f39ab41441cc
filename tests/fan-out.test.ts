/** Pipelines that fan out, through the real command: instances, their cache, searches, counts, what is shown. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunRecord, readRecord } from '@prosodia/runner';
import { type Ended, TestProject, stagesOf, summaryOf } from './support/project.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}.yaml`, import.meta.url));
const COMPARISON = fixture('comparison');
const SEARCH = fixture('search');

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());

async function run(pipeline: string, ...args: string[]): Promise<Ended> {
  const ended = await project.cli(['run', pipeline, '--json', ...args]);
  expect(ended.err).toBe('');
  expect(ended.code).toBe(0);
  return ended;
}

const latest = (pipeline: string, ...path: string[]): string =>
  join(project.root, 'artifacts', 'runs', pipeline, 'latest', ...path);

const recordOf = async (pipeline: string): Promise<RunRecord> => (await readRecord(latest(pipeline)))!;

describe('a comparison over features, networks, folds and seeds', () => {
  // split, 3 features, 3 scaled, 90 trainings, 18 pooled, the table
  const ALL = 1 + 3 + 3 + 90 + 18 + 1;

  it('runs every combination once, what an axis cannot change once, and nothing the second time', async () => {
    expect(summaryOf(await run(COMPARISON))).toMatchObject({ computed: ALL, cached: 0 });
    expect(summaryOf(await run(COMPARISON))).toMatchObject({ computed: 0, cached: ALL });
    const lines = readFileSync(latest('comparison', 'text.txt'), 'utf8').split('\n');
    expect(lines).toHaveLength(18);
    expect(lines[0]).toMatch(
      /^pooled\[feature=mfcc,network=cnn,seed=1\]=train\[fold=0\]=M conv-dense 0 \d+ train\[fold=1\]=/,
    );
  });

  it('computes only what is new when an axis gets another value, and nothing when it loses one', async () => {
    const file = join(project.root, 'wider.yaml');
    const text = readFileSync(COMPARISON, 'utf8').replace('name: comparison', 'name: wider');
    writeFileSync(file, text.replace('seed: [1, 2]', 'seed: [1, 2, 3]'));
    const wider = stagesOf(await run(file));
    const computed = Object.keys(wider).filter((stage) => wider[stage] !== 'cached');
    // 45 trainings and 9 poolings of the new seed; the table, which has more lines.
    expect(computed).toHaveLength(45 + 9 + 1);
    expect(computed.filter((stage) => stage.includes('[')).every((stage) => stage.includes('seed=3'))).toBe(true);
    writeFileSync(file, text.replace('seed: [1, 2]', 'seed: [2]'));
    expect(summaryOf(await run(file))).toMatchObject({ computed: 1 }); // The table, with fewer lines.
  });

  it('shares instances with another pipeline, whatever its axes are called', async () => {
    const file = join(project.root, 'single.yaml');
    writeFileSync(
      file,
      `name: single
stages:
  a: { uses: write, with: { text: l } }
  b: { uses: upper, from: { text: a } }
  s: { uses: deal, with: { folds: 5 } }
  c:
    uses: fit
    matrix: { part: [3, 4], note: [x, y] }
    from: { text: b, split: s }
    with: { fold: '\${part}', layers: [lstm] }
    seed: 2
`,
    );
    expect(summaryOf(await run(file))).toMatchObject({ computed: 0, cached: 3 + 4 });
  });

  it('is addressed by instance in status and inspect', async () => {
    const status = await project.cli(['status', COMPARISON, '--json']);
    const stages = (JSON.parse(status.out) as { stage: string; status: string }[]).map(({ stage }) => stage);
    expect(stages).toContain('train[feature=mel,network=lstm,fold=3,seed=2]');
    const shown = await project.cli(['inspect', 'comparison', 'train[feature=mel,network=lstm,fold=3,seed=2].text']);
    expect([shown.code, shown.err]).toEqual([0, '']);
    expect(shown.out).toMatch(/^train\[feature=mel,network=lstm,fold=3,seed=2\]\.text {2}text/);
  });

  it('is one line per stage in the output, and one per instance on request', async () => {
    const short = await project.cli(['run', COMPARISON]);
    expect(short.err).toMatch(/^ {2}cached {4}train +90\/90$/m);
    expect(short.err.split('\n').length).toBeLessThan(12);
    const long = await project.cli(['run', COMPARISON, '--verbose']);
    expect(long.err.match(/^ {2}cached {4}train\[/gm)).toHaveLength(90);
  });
});

describe('a search, seeds of its winner, and an ensemble over groups', () => {
  it('chooses on the metric, and goes on with the winner', async () => {
    const first = await run(SEARCH);
    // split, 20 trials, 5 seeds, seeds, 4 groups, vote
    expect(summaryOf(first)).toMatchObject({ computed: 1 + 20 + 5 + 1 + 4 + 1, cached: 0 });
    const { choices, resolved, ok } = await recordOf('search');
    expect(ok).toBe(true);
    const { winner, scores, value, metric } = choices['trial']!;
    expect(metric).toBe('trial.val_score');
    expect(Object.keys(scores)).toHaveLength(20);
    expect(scores[winner]).toBe(Math.max(...Object.values(scores).map((score) => score!)));
    expect(resolved['winner[seed=3]']!.with).toMatchObject(value as object);
    expect(resolved['winner[seed=3]']!.from['text']).toEqual([`trial[trial=${winner}].text`]);
    expect(first.events.find(({ event }) => event === 'choice')).toMatchObject({ choice: 'trial', winner, trials: 20 });
    expect(readFileSync(latest('search', 'vote', 'text.txt'), 'utf8').match(/left-out\[group=\d\]/g)).toHaveLength(4);
  });

  it('is all hits the second time, and status knows the winner', async () => {
    expect(summaryOf(await run(SEARCH))).toMatchObject({ computed: 0, cached: 32 });
    const { out } = await project.cli(['status', SEARCH, '--json']);
    const statuses = JSON.parse(out) as { stage: string; status: string }[];
    expect(statuses).toHaveLength(32);
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(['cached']));
  });

  it('keeps the trials it has when there are to be more', async () => {
    const more = stagesOf(await run(SEARCH, '--trials=22'));
    const trials = Object.keys(more).filter((stage) => /^trial\[/.test(stage) && more[stage] !== 'cached');
    expect(trials.sort()).toEqual(['trial[trial=20]', 'trial[trial=21]']);
  });

  it('tells before it has run what waits for what', async () => {
    const env = { PROSODIA_ARTIFACTS: 'empty' };
    const { out } = await project.cli(['status', SEARCH, '--json'], { env });
    const reasons = Object.fromEntries(
      (JSON.parse(out) as { stage: string; reason: string }[]).map(({ stage, reason }) => [stage, reason]),
    );
    expect(reasons['winner[seed=1]']).toBe('waits for the choice of trial');
    expect(reasons['left-out']).toBe('waits for the folds of split');
  });

  it('fails with a plain message if the metric is not reported', async () => {
    const file = join(project.root, 'unreported.yaml');
    writeFileSync(
      file,
      readFileSync(SEARCH, 'utf8')
        .replace('metric: val_score', 'metric: val_scroe')
        .replace('name: search', 'name: unreported'),
    );
    const { code, err } = await project.cli(['run', file]);
    expect(code).toBe(1);
    expect(err).toMatch(/trial\[trial=0\] reports no val_scroe[^]*did you mean val_score\?/);
  });
});
