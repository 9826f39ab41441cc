/** `why` and `runs`, through the real command on toy stages: every cause of a miss has its sentence. */
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '@prosodia/runner';
import { type Ended, TestProject } from './support/project.ts';

let project: TestProject;
beforeAll(async () => {
  project = new TestProject('toy');
  await cli('run', 'toy');
});
afterAll(() => project.remove());

async function cli(...args: string[]): Promise<Ended> {
  return project.cli(args, { env: { PROSODIA_ARTIFACTS: 'a' } });
}

async function why(...args: string[]): Promise<string> {
  const { out, err, code } = await cli('why', 'toy', ...args);
  expect(err).toBe('');
  expect(code).toBe(0);
  return out;
}

describe('why, before running,', () => {
  it('explains a hit: its key, the run that made it, and that all it was made of is equal', async () => {
    const out = await why('large');
    expect(out).toMatch(/^large \(upper\) is in the store\.\n {2}key [\da-f]{64}\n {2}made by run 1, of \d{4}-/);
    expect(out).toMatch(/equal to what it was made of: code \(\d+ files, \d+ packages?\), 1 parameter, 1 input/);
    expect(out).not.toContain('Root cause');
  });

  it('names a parameter with both values and the run compared with', async () => {
    expect(await why('large', '--suffix=?')).toMatch(
      /^large \(upper\) would be computed\.\n {2}compared with run 1, of .*\n {2}parameter suffix: "!" -> "\?"\n$/,
    );
  });

  it('follows an input to the stage that changes it, however far', async () => {
    const out = await why('joined', '--word=bye');
    expect(out).toContain('joined (join) may be computed.');
    expect(out).toContain('input texts may change, through large\n');
    expect(out).toContain('input text may change, through word\n');
    expect(out).toContain('Root cause\n  word: text: "hello" -> "bye"\n');
    const { roots } = JSON.parse(await why('joined', '--word=bye', '--json')) as Explanation;
    expect(roots).toEqual([
      { stage: 'word', changes: [{ kind: 'parameter', name: 'text', from: 'hello', to: 'bye' }] },
    ]);
  });

  it('explains a stage that several paths lead to once, and refers to it after that', async () => {
    const file = join(project.root, 'diamond.yaml');
    writeFileSync(
      file,
      `name: diamond
vars: { word: hello }
stages:
  word: { uses: write, with: { text: '\${word}' } }
  left: { uses: upper, from: { text: word } }
  right: { uses: upper, from: { text: word }, with: { suffix: '?' } }
  joined: { uses: join, from: { texts: [left, right] } }
`,
    );
    await cli('run', file);
    const { out } = await cli('why', file, 'joined', '--word=bye');
    expect(out.match(/parameter text: "hello" -> "bye"/g)).toHaveLength(1);
    expect(out).toContain('word would be computed, as explained above\n');
    const { through } = JSON.parse((await cli('why', file, 'joined', '--word=bye', '--json')).out) as Explanation;
    const words = through.flatMap(({ causes }) => causes.flatMap((cause) => cause.through.flatMap((t) => t.causes)));
    expect(words.map(({ repeated }) => repeated)).toEqual([undefined, true]);
  });

  it('names the seed for a stage that draws', async () => {
    expect(await why('drawn', '--seed=43')).toContain('\n  seed: 42 -> 43\n');
  });

  it('names a source file with both digests', async () => {
    const file = join(project.root, 'stages/upper/letters.ts');
    const before = readFileSync(file, 'utf8');
    appendFileSync(file, '\n// A remark.\n');
    expect(await why('large')).toMatch(
      /\n {2}source file stages\/upper\/letters\.ts changed \([\da-f]{8} -> [\da-f]{8}\)\n/,
    );
    expect(await why('joined')).toMatch(/Root cause\n {2}large: source file stages\/upper\/letters\.ts changed/);
    writeFileSync(file, before);
  });

  it('names a package with both locked versions', async () => {
    const file = join(project.root, 'package-lock.json');
    const before = readFileSync(file, 'utf8');
    const lock = JSON.parse(before) as { packages: Record<string, { version: string }> };
    lock.packages['node_modules/typebox']!.version = '99.0.0';
    writeFileSync(file, JSON.stringify(lock));
    expect(await why('large')).toMatch(/\n {2}package typebox: [\d.]+ -> 99\.0\.0\n/);
    writeFileSync(file, before);
  });

  it('suggests the nearest stage for a name that is none', async () => {
    const { code, err } = await cli('why', 'toy', 'lage');
    expect(code).toBe(2);
    expect(err).toContain('there is no stage lage');
    expect(err).toContain('did you mean large?');
  });
});

describe('why, of a run,', () => {
  it('says through which stage the bytes of an input changed, and what changed there', async () => {
    await cli('run', 'toy', '--word=bye');
    const out = await why('joined', '--run=latest');
    expect(out).toContain('joined (join) was computed.\n  compared with run 1');
    expect(out).toContain('input texts has other bytes, through large\n');
    expect(out).toContain('Root cause\n  word: text: "hello" -> "bye"\n');
    expect(await why('joined', '--run=1')).toContain('never run before');
  });

  it('says of a hit on an older result which run made it, and what changed since the run between', async () => {
    await cli('run', 'toy');
    const out = await why('large', '--run=latest');
    expect(out).toContain('large (upper) was served from the store.');
    expect(out).toContain('made by run 1, of');
    expect(out).toContain('since that run these changed, and this combination was computed before:');
  });
});

it('`runs` lists runs, the newest first, with what they computed', async () => {
  const { out } = await cli('runs', 'toy', '--json', '--limit=2');
  expect(JSON.parse(out)).toMatchObject([
    { id: 'toy/3', ok: true, seed: 42, computed: 0, cached: 5 },
    { id: 'toy/2', ok: true, computed: 3, cached: 2 },
  ]);
  expect((await cli('runs')).out).toMatch(/^run +when \(UTC\).*\ntoy\/3 [^]*\ntoy\/1 /);
  const none = await cli('runs', 'tou');
  expect([none.code, none.err]).toEqual([2, expect.stringContaining('did you mean toy?')]);
});

it('why tells damage and removal in the store from changes', async () => {
  const text = join(project.root, 'a', 'runs', 'toy', 'latest', 'stages', 'large', 'text', 'text.txt');
  await chmod(text, 0o644);
  truncateSync(text, 3);
  expect(await why('large')).toContain('its stored result is damaged (output text: text.txt has 3 bytes instead of 6)');
  rmSync(join(project.root, 'a', 'store'), { recursive: true });
  expect(await why('word')).toContain('its result was no longer in the store');
});
