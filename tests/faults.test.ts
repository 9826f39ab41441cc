/** Runs that go wrong in every way we could think of, through the real command on toy stages. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '@prosodia/runner';
import { TestProject, summaryOf } from './support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());

/** A pipeline whose second stage goes wrong, with a third that would come after it. */
function faulty(name: string, how: string): string {
  const file = join(project.root, `${name}.yaml`);
  const unless = join(project.root, `${name}.mended`);
  writeFileSync(
    file,
    `name: ${name}
stages:
  first: { uses: write, with: { text: 'kept for ${name}' } }
  bad: { uses: fault, from: { after: first }, with: { how: ${how}, unless: '${unless}' } }
  last: { uses: upper, from: { text: bad } }
`,
  );
  return file;
}

const FAULTS: [how: string, code: number, message: RegExp, log: RegExp][] = [
  ['throw', 1, /TypeError: nobody thought of this\n +at .*stage\.ts/, /at .*stages\/fault\/stage\.ts:\d+/],
  [
    'data',
    1,
    /^stage bad, clip x: the data is wrong\n {2}expected: numbers\n {2}got: {6}letters\n {2}fix: {6}mend it$/m,
    /DataError/,
  ],
  ['leak', 1, /^stage bad: a test row was fitted on$/m, /LeakError/],
  ['request', 2, /^stage bad: this cannot be asked for$/m, /RequestError/],
  ['kill', 1, /stage bad: the process of the stage died\n {2}got: {6}signal SIGKILL\n {2}fix: .*memory/, /SIGKILL/],
  ['exit', 1, /the process of the stage died\n {2}got: {6}exit code 7/, /printed:\nlast words/],
  ['abort', 1, /the process of the stage died\n {2}got: {6}signal SIGABRT/, /SIGABRT/],
  ['reject', 1, /the process of the stage died\n {2}got: {6}exit code 1/, /nobody waits for this/],
  ['memory', 1, /^stage bad: the stage ran out of memory\n.*\n {2}fix: .*max-old-space-size.*--jobs 1/m, /heap out of/],
  ['thread-exit', 1, /^stage bad: a worker thread ended early with code 7$/m, /last words of a thread/],
  ['thread-throw', 1, /RangeError: nobody catches this\n +at .*thread\.ts/, /at .*stages\/fault\/thread\.ts:\d+/],
  ['thread-memory', 1, /^stage bad: a worker thread ran out of memory\n.*\n {2}fix: .*--jobs 1/m, /out of memory/],
];

/** A heap that is soon full. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=96' };

describe('a stage that goes wrong', () => {
  it.each(FAULTS)(
    '(%s) fails the run with its reason, keeps its log and what came before, and can be resumed',
    async (how, code, message, log) => {
      const file = faulty(`bad-${how}`, how);
      const env = { PROSODIA_ARTIFACTS: `faults-${how}`, ...(how.endsWith('memory') ? SMALL_HEAP : {}) };
      const failed = await project.cli(['run', file, '--json'], { env });
      expect(failed.code).toBe(code);
      expect(failed.err).toMatch(message);
      expect(failed.err).toContain(`To resume:\n  npx prosodia run ${file}\n`);
      expect(summaryOf(failed)).toMatchObject({ ok: false, computed: 1, stopped: 'bad' });

      const folder = summaryOf(failed).run;
      const record = (await readRecord(folder))!;
      expect(record.stages.map(({ status }) => status)).toEqual(['computed', 'failed', 'skipped']);
      expect(readFileSync(join(folder, 'logs', 'bad.txt'), 'utf8')).toMatch(log);
      expect(failed.err).toContain('bad.txt');
      expect(readdirSync(join(project.root, `faults-${how}`, 'store', 'tmp'))).toEqual([]);

      writeFileSync(join(project.root, `bad-${how}.mended`), '');
      const resumed = await project.cli(['run', file, '--json'], { env });
      expect(resumed.code).toBe(0);
      expect(summaryOf(resumed)).toMatchObject({ ok: true, computed: 2, cached: 1 });
      expect(resumed.events).toContainEqual(
        expect.objectContaining({ event: 'start', stage: 'bad', reason: 'it failed last time' }),
      );
    },
  );

  it('ends the stages beside it, which are not blamed', async () => {
    const file = join(project.root, 'beside.yaml');
    writeFileSync(
      file,
      'name: beside\nstages:\n  long: { uses: slow, with: { steps: 100000 } }\n  bad: { uses: fault, with: { how: data } }\n',
    );
    const ended = await project.cli(['run', file, '--json', '--jobs=2'], { env: { PROSODIA_ARTIFACTS: 'beside' } });
    expect(ended.code).toBe(1);
    const record = (await readRecord(summaryOf(ended).run))!;
    expect(record.stages.map(({ status }) => status)).toEqual(['cancelled', 'failed']);
    expect(ended.err).toContain('stage bad, clip x: the data is wrong');
    expect(ended.err).not.toContain('long');
  });

  it('that only prints does not disturb the events on stdout', async () => {
    const file = faulty('prints', 'print');
    const ended = await project.cli(['run', file, '--json'], { env: { PROSODIA_ARTIFACTS: 'prints' } });
    expect(ended.code).toBe(0);
    const lines = ended.out.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toHaveLength(ended.events.length);
    const printed = ended.events.filter(({ event }) => event === 'output');
    expect(printed.map((event) => 'text' in event && event.text).sort()).toEqual(['to stderr', 'to stdout']);
  });
});

describe('a store that cannot take more', () => {
  it('says so when the disk is full, harms nothing, and goes on when there is room', async (context) => {
    const disk = join(project.root, 'small-disk');
    mkdirSync(disk);
    const { spawnSync } = await import('node:child_process');
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk]);
    if (mounted.status !== 0) context.skip('mounting a small disk needs root on Linux');
    try {
      const env = { PROSODIA_ARTIFACTS: disk };
      expect((await project.cli(['run', 'toy', '--json'], { env })).code).toBe(0);
      const full = await project.cli(['run', 'toy', '--json', '--word=longword', '--size=200000'], { env });
      expect(full.code).toBe(1);
      expect(full.err).toMatch(/the disk is full\n {2}got: {6}ENOSPC\n {2}fix: {6}make room/);
      expect(full.err).not.toMatch(/^ +at /m);
      expect(readdirSync(join(disk, 'store', 'tmp'))).toEqual([]);
      const warm = await project.cli(['run', 'toy', '--json'], { env });
      expect([warm.code, summaryOf(warm).computed]).toEqual([0, 0]);
      spawnSync('mount', ['-o', 'remount,size=8m', disk]);
      const roomy = await project.cli(['run', 'toy', '--json', '--word=longword', '--size=200000'], { env });
      expect(roomy.code).toBe(0);
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  it('still serves what it has when it is read-only, and says what cannot be stored', async (context) => {
    const disk = join(project.root, 'fixed-disk');
    const store = join(disk, 'store');
    mkdirSync(store, { recursive: true });
    const { spawnSync } = await import('node:child_process');
    const env = { PROSODIA_ARTIFACTS: disk };
    expect((await project.cli(['run', 'toy'], { env })).code).toBe(0);
    if (spawnSync('mount', ['--bind', store, store]).status !== 0)
      context.skip('a read-only mount needs root on Linux');
    try {
      spawnSync('mount', ['-o', 'remount,ro,bind', store]);
      const warm = await project.cli(['run', 'toy', '--json'], { env });
      expect([warm.code, summaryOf(warm).computed, warm.err]).toEqual([0, 0, '']);
      const changed = await project.cli(['run', 'toy', '--json', '--word=other'], { env });
      expect(changed.code).toBe(1);
      expect(changed.err).toMatch(
        /results cannot be stored: the file system is read-only\n.*\n {2}fix: {6}set PROSODIA_ARTIFACTS/,
      );
      const { code, out } = await project.cli(['status', 'toy'], { env });
      expect(code).toBe(0);
      expect(out).toContain('cached');
    } finally {
      spawnSync('umount', [store]);
    }
  });

  it('says what is wrong if only the record cannot be written', async () => {
    mkdirSync(join(project.root, 'half'));
    writeFileSync(join(project.root, 'half', 'runs'), '');
    const ended = await project.cli(['run', 'toy', '--json'], { env: { PROSODIA_ARTIFACTS: 'half' } });
    expect(ended.code).toBe(1);
    expect(summaryOf(ended)).toMatchObject({ ok: false, computed: 5, stopped: 'record' });
    expect(existsSync(join(project.root, 'half', 'store', 'actions'))).toBe(true);
  });
});
