/** Runs that are killed, interrupted or not alone, through the real command on toy stages. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '@prosodia/core';
import { type RunEvent, readRecord } from '@prosodia/runner';
import { type Ended, type Started, TestProject, summaryOf } from './support/project.ts';

/** How often a run is killed; more in a long test. */
const KILLS = Number(process.env['PROSODIA_KILLS'] ?? 5);

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
  writeFileSync(
    join(project.root, 'chain.yaml'),
    `name: chain
vars: { mark: a }
stages:
  one: { uses: slow, with: { steps: 4, mark: '\${mark}1' } }
  two: { uses: slow, from: { after: one }, with: { steps: 4, mark: '\${mark}2' } }
  side: { uses: slow, with: { steps: 6, mark: '\${mark}3' } }
  drawn: { uses: draw, from: { after: two }, with: { count: 1000 } }
  all: { uses: join, from: { texts: [one, two, side, drawn] } }
publish: { result: all.text }
`,
  );
  writeFileSync(
    join(project.root, 'endless.yaml'),
    `name: endless
vars: { steps: 1000000, until: '' }
stages:
  before: { uses: write, with: { text: x } }
  long: { uses: slow, from: { after: before }, with: { steps: '\${steps}', until: '\${until}' } }
`,
  );
});
afterAll(() => project.remove());

const start = (artifacts: string, ...args: string[]): Started =>
  project.start(['run', ...args], { env: { PROSODIA_ARTIFACTS: artifacts } });

/** Waits until the command has said something. */
async function said({ child, said: text, ended }: Started, pattern: RegExp): Promise<void> {
  while (!pattern.test(text.out + text.err)) {
    if (child.exitCode !== null) throw new Error(`ended without saying ${pattern}: ${JSON.stringify(await ended)}`);
    await sleep(5);
  }
}

/** Bytes of everything in the content store, by digest and path. */
function contents(artifacts: string): Record<string, string> {
  const root = join(project.root, artifacts, 'store', 'content');
  const paths = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    paths
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => [path.slice(root.length), readFileSync(path, 'base64')]),
  );
}

function computedIn(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.event === 'stage' && event.status === 'computed' ? [event.stage] : []));
}

describe('kill -9', () => {
  it(
    `at ${KILLS} random moments loses no finished stage, and the end is the same to the byte`,
    { timeout: 60_000 + KILLS * 20_000 },
    async () => {
      const undisturbed = await start('calm', 'chain.yaml', '--json').ended;
      expect(undisturbed.code).toBe(0);
      const milliseconds = summaryOf(undisturbed).seconds * 1000;

      const rng = new Rng(Date.now());
      let mark = 0;
      let kills = 0;
      while (kills < KILLS) {
        // A fresh mark now and then, so that all stages have something left to lose.
        const variable = `--mark=${mark === 0 ? 'a' : `a${mark}`}`;
        const finished = new Set<string>();
        let ended: Ended;
        do {
          const run = start('rough', 'chain.yaml', '--json', variable);
          await said(run, /"plan"/);
          const timer = kills < KILLS ? setTimeout(() => killGroup(run), rng.next() * milliseconds * 1.2) : undefined;
          ended = await run.ended;
          clearTimeout(timer);
          const again = computedIn(ended.events).filter((stage) => finished.has(stage));
          expect(again).toEqual([]);
          for (const stage of computedIn(ended.events)) finished.add(stage);
          if (ended.signal === 'SIGKILL') kills++;
          else expect([ended.code, ended.err]).toEqual([0, '']);
        } while (ended.signal === 'SIGKILL');
        expect([...finished].sort()).toEqual(['all', 'drawn', 'one', 'side', 'two']);
        mark++;
      }
      const rough = contents('rough');
      for (const [path, bytes] of Object.entries(contents('calm'))) expect(rough[path]).toBe(bytes);
      const warm = await start('rough', 'chain.yaml', '--json').ended;
      expect(summaryOf(warm).computed).toBe(0);
      expect(readdirSync(join(project.root, 'rough', 'store', 'tmp'))).toEqual([]);
      expect(readdirSync(join(project.root, 'rough', 'store', 'locks'))).toEqual([]);
    },
  );
});

function killGroup({ child }: Started): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

describe('Ctrl-C', () => {
  it('ends the run with 130 and the command to resume it, keeps what is finished, and resuming completes', async () => {
    const run = start('stop', 'endless.yaml', '--steps=3000');
    await said(run, /run +long/);
    process.kill(-run.child.pid!, 'SIGINT'); // As a terminal does: to the whole group.
    const { code, err } = await run.ended;
    expect(code).toBe(130);
    expect(err).toContain('Stopping. Finished stages are kept; press Ctrl-C again to stop at once.');
    expect(err).toContain('Finished stages are kept. To resume:\n  npx prosodia run endless.yaml --steps=3000\n');
    const record = (await readRecord(join(project.root, 'stop', 'runs', 'endless', '1')))!;
    expect(record.stages.map(({ status }) => status)).toEqual(['computed', 'cancelled']);
    expect(readdirSync(join(project.root, 'stop', 'store', 'tmp'))).toEqual([]);
    expect(readdirSync(join(project.root, 'stop', 'store', 'locks'))).toEqual([]);

    const resumed = await start('stop', 'endless.yaml', '--steps=3', '--json').ended;
    expect(resumed.code).toBe(0);
    expect(computedIn(resumed.events)).toEqual(['long']);
  });

  it('says in JSON that the run was interrupted', async () => {
    const run = start('stop-json', 'endless.yaml', '--json');
    await said(run, /"start","stage":"long"/);
    run.child.kill('SIGTERM');
    const ended = await run.ended;
    expect(ended.code).toBe(130);
    expect(summaryOf(ended)).toMatchObject({ ok: false, computed: 1, stopped: 'interrupted' });
  });

  it('twice ends at once', async () => {
    const run = start('stop-twice', 'endless.yaml');
    await said(run, /run +long/);
    run.child.kill('SIGINT');
    await said(run, /Stopping/);
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
  });
});

describe('two runs at once', () => {
  it('share the work: each stage is computed once, and both succeed', async () => {
    const runs = await Promise.all([
      start('shared', 'chain.yaml', '--json').ended,
      start('shared', 'chain.yaml', '--json').ended,
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(runs.flatMap(({ events }) => computedIn(events)).sort()).toEqual(['all', 'drawn', 'one', 'side', 'two']);
    expect(runs.map((ended) => summaryOf(ended).run).sort()).toEqual(
      ['1', '2'].map((number) => join(project.root, 'shared', 'runs', 'chain', number)),
    );
  });

  /** Arguments of a run that lasts until a file is made, and how to make it. */
  function endlessUntil(name: string): { args: string[]; finish(): void } {
    const file = join(project.root, name);
    return { args: ['endless.yaml', '--json', `--until=${file}`], finish: () => writeFileSync(file, '') };
  }

  it('one waits for the other, says for whom, and takes over at once when the other is killed', async () => {
    const { args, finish } = endlessUntil('waiting-over');
    const first = start('waiting', ...args);
    await said(first, /"start","stage":"long"/);
    const second = start('waiting', ...args);
    await said(second, /"event":"wait","stage":"long","owner":"process \d+ on /);
    expect(second.said.out).toContain(`process ${first.child.pid} on`);
    killGroup(first);
    await first.ended;
    await said(second, /"event":"progress","stage":"long"/);
    finish();
    const ended = await second.ended;
    expect(ended.code).toBe(0);
    expect(computedIn(ended.events)).toEqual(['long']);
  });

  it('a waiting one can be interrupted without disturbing the other', async () => {
    const { args, finish } = endlessUntil('patience-over');
    const first = start('patient', ...args);
    await said(first, /"start","stage":"long"/);
    const second = start('patient', ...args);
    await said(second, /"event":"wait"/);
    second.child.kill('SIGINT');
    expect((await second.ended).code).toBe(130);
    finish();
    const ended = await first.ended;
    expect([ended.code, computedIn(ended.events)]).toEqual([0, ['before', 'long']]);
  });
});
