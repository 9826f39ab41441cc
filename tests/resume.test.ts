/** A training that is killed or interrupted, through the real command and the real stages. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '@prosodia/runner';
import { tinyProject } from './support/corpus.ts';
import { type Ended, type Started, type TestProject, summaryOf } from './support/project.ts';

/** How often the training is killed; more in a long test. */
const KILLS = Number(process.env['PROSODIA_KILLS'] ?? 2);

let project: TestProject;
let data: string;
beforeAll(() => {
  ({ project, data } = tinyProject());
  writeFileSync(
    join(project.root, 'long.yaml'),
    `name: long
vars: { corpus: tiny, seed: 42 }
stages:
  clips: { uses: ingest, with: { corpus: '\${corpus}' } }
  split: { uses: split, from: { clips }, with: { scheme: holdout, test: 0.25, validation: 0.2 } }
  audio: { uses: resample, from: { clips }, with: { rate: 8000 } }
  frames:
    uses: featurize
    from: { audio }
    with: { n_fft: 512, hop_length: 256, n_mels: 24, features: [mfcc: { n_mfcc: 8, functionals: [mean, std] }] }
  dnn:
    uses: train-network
    from: { features: frames, split, clips }
    with:
      layers: [dense: { units: 256, activation: relu }, batch_norm: {}, dropout: 0.3, dense: { units: 128, activation: relu }]
      callbacks: { early_stopping: { patience: 10000 }, reduce_lr_on_plateau: { patience: 3 } }
      batch_size: 8
      epochs: 400
`,
  );
});
afterAll(() => project.remove());

const start = (artifacts: string, ...args: string[]): Started =>
  project.start(['run', 'long.yaml', '--json', `--data=${data}`, ...args], {
    env: { PROSODIA_ARTIFACTS: artifacts },
  });

const scratch = (artifacts: string): string => join(project.root, artifacts, 'store', 'scratch');

/** The one checkpoint there is; undefined before the first. */
function checkpoint(artifacts: string): string | undefined {
  if (!existsSync(scratch(artifacts))) return undefined;
  const [key] = readdirSync(scratch(artifacts));
  const file = key && join(scratch(artifacts), key, 'checkpoint');
  return file && existsSync(file) ? file : undefined;
}

/** Waits until a checkpoint has been written that is newer than `than`. Returns its time. */
async function newCheckpoint({ child }: Started, artifacts: string, than: number): Promise<number> {
  for (;;) {
    const file = checkpoint(artifacts);
    const time = file ? statSync(file).mtimeMs : 0;
    if (time > than) return time;
    if (child.exitCode !== null) throw new Error('the run ended before it wrote a checkpoint');
    await sleep(5);
  }
}

/** The epoch the training went on after, as it said; undefined if it did not. */
function resumedAfter({ events }: Ended): number | undefined {
  const said = events.flatMap((event) => (event.event === 'notice' && event.stage === 'dnn' ? [event.message] : []));
  const match = said.map((text) => /^goes on after epoch (\d+), where/.exec(text)).find(Boolean);
  return match ? Number(match[1]) : undefined;
}

async function outputs(run: string): Promise<unknown> {
  const record = (await readRecord(run))!;
  return record.stages.find(({ stage }) => stage === 'dnn')!.outputs;
}

let calm: Ended;
beforeAll(async () => {
  calm = await start('calm').ended;
  expect([calm.code, calm.err]).toEqual([0, '']);
}, 120_000);

describe('a training', () => {
  it(
    `killed ${KILLS} times goes on where it was, says so, and ends with the same bytes`,
    { timeout: 60_000 + KILLS * 20_000 },
    async () => {
      expect(resumedAfter(calm)).toBeUndefined();
      let seen = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const run = start('rough');
        seen = await newCheckpoint(run, 'rough', seen);
        process.kill(-run.child.pid!, 'SIGKILL');
        const ended = await run.ended;
        expect(ended.signal).toBe('SIGKILL');
        expect(checkpoint('rough')).toBeDefined();
        if (kill === 0) expect(resumedAfter(ended)).toBeUndefined();
      }
      const last = await start('rough').ended;
      expect([last.code, last.err]).toEqual([0, '']);
      const epoch = resumedAfter(last);
      expect(epoch).toBeGreaterThanOrEqual(KILLS);
      expect(epoch).toBeLessThan(400);
      expect(await outputs(summaryOf(last).run)).toEqual(await outputs(summaryOf(calm).run));
      expect(readdirSync(scratch('rough'))).toEqual([]);
    },
  );

  it('interrupted by Ctrl-C ends in order and goes on later, with the same bytes', { timeout: 60_000 }, async () => {
    const run = start('stopped');
    await newCheckpoint(run, 'stopped', 0);
    process.kill(-run.child.pid!, 'SIGINT');
    const ended = await run.ended;
    expect(ended.code).toBe(130);
    expect(readdirSync(join(project.root, 'stopped', 'store', 'tmp'))).toEqual([]);
    const last = await start('stopped').ended;
    expect(last.code).toBe(0);
    expect(resumedAfter(last)).toBeGreaterThanOrEqual(1);
    expect(await outputs(summaryOf(last).run)).toEqual(await outputs(summaryOf(calm).run));
  });

  it('with a changed parameter is another one and starts at its beginning', { timeout: 60_000 }, async () => {
    const run = start('other');
    await newCheckpoint(run, 'other', 0);
    process.kill(-run.child.pid!, 'SIGKILL');
    await run.ended;
    const other = await start('other', '--seed=43').ended;
    expect(other.code).toBe(0);
    expect(resumedAfter(other)).toBeUndefined();
    expect(readdirSync(scratch('other'))).toHaveLength(1);
  });
});
