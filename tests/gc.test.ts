/** Clearing the store through the real command: what goes, what stays, and beside runs that are going on. */
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GcReport } from '@prosodia/runner';
import { killGroup } from './support/kills.ts';
import { type Ended, TestProject, summaryOf } from './support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());

async function run(artifacts: string, ...args: string[]): Promise<Ended> {
  const ended = await project.cli(['run', 'toy', '--json', ...args], { env: { PROSODIA_ARTIFACTS: artifacts } });
  expect([ended.code, ended.err]).toEqual([0, '']);
  return ended;
}

async function gc(artifacts: string, ...args: string[]): Promise<GcReport> {
  const ended = await project.cli(['gc', '--json', ...args], { env: { PROSODIA_ARTIFACTS: artifacts } });
  expect([ended.code, ended.err]).toEqual([0, '']);
  return JSON.parse(ended.out) as GcReport;
}

/** Makes every result look unused for so many days. */
function age(artifacts: string, days: number): void {
  const root = join(project.root, artifacts, 'store', 'actions');
  const then = new Date(Date.now() - days * 86400e3);
  for (const path of readdirSync(root, { recursive: true }) as string[]) {
    if (path.endsWith('.json')) utimesSync(join(root, path), then, then);
  }
}

const resultsIn = ({ stages }: GcReport): number => stages.reduce((sum, { results }) => sum + results, 0);

describe('gc', () => {
  it('takes the results that no kept run needs, says so beforehand in a dry run, and leaves kept runs whole', async () => {
    await run('a', '--word=first', '--size=1000');
    await run('a', '--word=second', '--size=1000');
    const dry = await gc('a', '--max-size', '0B', '--dry-run');
    expect(dry).toMatchObject({ dry_run: true, runs: [], kept: { runs: ['toy/2'] } });
    expect(dry.stages.map(({ stage, results }) => `${stage} ${results}`).sort()).toEqual([
      'join 1',
      'upper 1',
      'write 1',
    ]);
    expect(dry.over_budget_bytes).toBe(dry.after_bytes);
    expect(summaryOf(await run('a', '--word=first', '--size=1000')).computed).toBe(0);

    await run('a', '--word=second', '--size=1000');
    const done = await gc('a', '--max-size=0B');
    expect(done).toMatchObject({ dry_run: false, stages: dry.stages, after_bytes: dry.after_bytes });
    expect(summaryOf(await run('a', '--word=second', '--size=1000'))).toMatchObject({ computed: 0, cached: 5 });
    expect(summaryOf(await run('a', '--word=first', '--size=1000'))).toMatchObject({ computed: 3, cached: 2 });
    expect(readdirSync(join(project.root, 'a', 'store', 'tmp'))).toEqual([]);
  });

  it('goes by last use, until the limit is met', async () => {
    for (const word of ['one', 'two', 'three']) await run('b', `--word=${word}`, '--size=10000');
    age('b', 5);
    await run('b', '--word=one', '--size=10000');
    await run('b', '--word=other');
    const { before_bytes: before } = await gc('b', '--dry-run');
    // One of the results of `two` or `three` is enough.
    const report = await gc('b', `--max-size=${before - 1}B`);
    expect(resultsIn(report)).toBeGreaterThanOrEqual(1);
    expect(report.after_bytes).toBeLessThan(before);
    expect(summaryOf(await run('b', '--word=one', '--size=10000')).computed).toBe(0);
  });

  it('goes by age, keeps as many runs as asked and those that are pinned, and nothing without a limit', async () => {
    for (const word of ['one', 'two', 'three']) await run('c', `--word=${word}`);
    expect(resultsIn(await gc('c'))).toBe(0);
    age('c', 40);
    const pinned = await gc('c', '--pin=toy/1', '--keep=1', '--older-than=30d', '--dry-run');
    expect(pinned.kept.runs).toEqual(['toy/1', 'toy/2', 'toy/3']); // The runs themselves are young.
    const report = await gc('c', '--older-than=0s');
    expect(report.runs).toEqual(['toy/2']);
    expect(report.kept.runs).toEqual(['toy/1', 'toy/3']);
    for (const word of ['one', 'three']) expect(summaryOf(await run('c', `--word=${word}`)).computed).toBe(0);
    await gc('c', '--unpin=toy/1', '--older-than=0s');
    expect(existsSync(join(project.root, 'c', 'runs', 'toy', '1'))).toBe(false);
    expect(existsSync(join(project.root, 'c', 'runs', 'toy', 'latest', 'text.txt'))).toBe(true);
  });

  it('clears records of runs that computed nothing, digests of files that are gone, lists of code that nobody has, and what killed runs left', async () => {
    await run('d');
    for (let i = 0; i < 3; i++) await run('d');
    const tmp = join(
      project.root,
      'd',
      'store',
      'tmp',
      `999999999.${encodeURIComponent((await import('node:os')).hostname()).replaceAll('.', '%2E')}`,
    );
    const lists = join(project.root, 'd', 'store', 'code');
    const used = readdirSync(lists);
    const old = join(lists, `${'0'.repeat(64)}.json`);
    writeFileSync(old, '{}');
    for (const name of readdirSync(lists)) utimesSync(join(lists, name), 1e9, 1e9);
    mkdirSync(tmp); // Not of the form of an owner: not ours, so it stays.
    const memory = join(project.root, 'd', 'store', 'digests.json');
    const { blake3 } = JSON.parse(readFileSync(memory, 'utf8')) as { blake3: [string, unknown][] };
    const forgettable = [join(project.root, 'gone.wav'), { state: '1 2 3 4', digest: '' }];
    writeFileSync(memory, JSON.stringify({ blake3: [...blake3, forgettable] }));
    const report = await gc('d');
    expect(report).toMatchObject({ runs: ['toy/2', 'toy/3'], forgotten: 1, kept: { runs: ['toy/4'] } });
    expect(readFileSync(memory, 'utf8')).not.toContain('gone');
    expect(existsSync(tmp)).toBe(true);
    expect([used.length > 0, readdirSync(lists)]).toEqual([true, used]);
  });

  it('says what is wrong with a limit, a run or an option', async () => {
    for (const [args, message] of [
      [['--max-size=10'], '--max-size has no unit'],
      [['--older-than=soon'], '--older-than cannot be read'],
      [['--keep=0'], '--keep is a number of runs'],
      [['--pin=toy/99'], 'there is no such run'],
      [['--max-sise=1GB'], 'did you mean --max-size?'],
    ] as const) {
      const ended = await project.cli(['gc', ...args], { env: { PROSODIA_ARTIFACTS: 'c' } });
      expect([ended.code, ended.err]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});

describe('gc beside others', () => {
  it('takes nothing that a run that is going on has looked up or made', async () => {
    const until = join(project.root, 'go-on');
    writeFileSync(
      join(project.root, 'going.yaml'),
      `name: going
vars: { until: '' }
stages:
  first: { uses: write, with: { text: needed later } }
  long: { uses: slow, with: { steps: 1000000, until: '\${until}' } }
  last: { uses: join, from: { texts: [first, long] } }
`,
    );
    const going = project.start(['run', 'going.yaml', '--json', `--until=${until}`, '--jobs=2'], {
      env: { PROSODIA_ARTIFACTS: 'e' },
    });
    while (!/"stage":"first","status":"computed"/.test(going.said.out)) await sleep(5);
    age('e', 400);
    expect(resultsIn(await gc('e', '--max-size=0B', '--older-than=1d'))).toBe(0);
    writeFileSync(until, '');
    const ended = await going.ended;
    expect([ended.code, ended.err]).toEqual([0, '']);
    expect(readdirSync(join(project.root, 'e', 'store', 'leases'))).toEqual([]);
  });

  it('again and again while runs come and go disturbs none of them', async () => {
    let running = true;
    const clearing = (async () => {
      for (let i = 0; running; i++) await gc('f', '--max-size=0B', '--older-than=0s');
    })();
    const chains = [0, 1].map(async (chain) => {
      for (let i = 0; i < 4; i++) await run('f', `--word=w${(i + chain) % 2}`, '--size=500');
    });
    await Promise.all(chains);
    running = false;
    await clearing;
    expect(summaryOf(await run('f', '--word=w0', '--size=500')).ok).toBe(true);
  });

  it('killed at any moment leaves a store in which every result is whole', async () => {
    for (const word of ['one', 'two', 'three', 'four']) await run('g', `--word=${word}`);
    for (let kill = 0; kill < 4; kill++) {
      const clearing = project.start(['gc', '--max-size=0B'], { env: { PROSODIA_ARTIFACTS: 'g' } });
      await sleep(150 + 60 * kill);
      killGroup(clearing);
      await clearing.ended;
      for (const word of ['one', 'two', 'three', 'four']) {
        const ended = await run('g', `--word=${word}`);
        expect(JSON.stringify(ended.events)).not.toContain('damaged');
      }
    }
    expect(readdirSync(join(project.root, 'g', 'store', 'tmp'))).toEqual([]);
  });
});
