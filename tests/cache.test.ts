/** What is computed again, and what is not, through the real command on toy stages. */
import { appendFileSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunRecord, readRecord } from '@prosodia/runner';
import { type Ended, TestProject, stagesOf, summaryOf } from './support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());

const ALL_CACHED = { word: 'cached', other: 'cached', large: 'cached', drawn: 'cached', joined: 'cached' };

/** Each test has a store of its own unless it goes on with that of another. */
async function run(artifacts: string, ...args: string[]): Promise<Ended> {
  const ended = await project.cli(['run', 'toy', '--json', ...args], { env: { PROSODIA_ARTIFACTS: artifacts } });
  expect(ended.err).toBe('');
  expect(ended.code).toBe(0);
  return ended;
}

/** The record that `latest` points at. */
async function latest(artifacts: string): Promise<RunRecord> {
  return (await readRecord(join(project.root, artifacts, 'runs', 'toy', 'latest')))!;
}

describe('a run', () => {
  it('computes everything once, then nothing, and says so in its last event', async () => {
    const first = await run('a');
    expect(summaryOf(first)).toMatchObject({ ok: true, computed: 5, cached: 0 });
    expect(new Set(Object.values(stagesOf(first)))).toEqual(new Set(['computed: never run before']));
    const second = await run('a');
    expect(summaryOf(second)).toMatchObject({ ok: true, computed: 0, cached: 5 });
    expect(second.events.filter(({ event }) => event === 'start')).toEqual([]);
  });

  it('leaves a record with everything needed to repeat it, and the published files', async () => {
    const record = await latest('a');
    expect(record).toMatchObject({
      run: 2,
      pipeline: 'toy',
      ok: true,
      device: 'cpu',
      vars: { word: 'hello', seed: 42 },
    });
    expect(record.resolved['joined']).toEqual({
      uses: 'join',
      with: { by: ' ' },
      from: { texts: ['large.text', 'other.text', 'drawn.text'], last: [] },
      seed: 42,
    });
    expect(record.metrics).toEqual({ word: { letters: 5 }, other: { letters: 5 } });
    const folder = join(project.root, 'a', 'runs', 'toy', 'latest');
    expect(readFileSync(join(folder, 'result', 'text.txt'), 'utf8')).toMatch(/^large=HELLO! other=world drawn=\d+\n/);
    expect(readFileSync(join(folder, 'text.txt'), 'utf8')).toBe('HELLO!');
    expect(readFileSync(join(folder, 'stages', 'word', 'text', 'text.txt'), 'utf8')).toBe('hello');
  });

  it('says what a changed parameter changes, reruns only what depends on it, and going back is a hit', async () => {
    const changed = await run('a', '--set', 'suffix=?');
    expect(stagesOf(changed)).toEqual({
      ...ALL_CACHED,
      large: 'computed: suffix: "!" -> "?"',
      joined: 'computed: input texts changed',
    });
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
  });

  it('stops where the bytes are the same again', async () => {
    // One word twice, and the doubled word once.
    const once = await run('a', '--word=hoho');
    expect(stagesOf(once)['large']).toBe('computed: input text changed');
    const twice = await run('a', '--word=ho', '--size=2');
    expect(stagesOf(twice)).toEqual({ ...ALL_CACHED, word: 'computed: text: "hoho" -> "ho"; size: 1 -> 2' });
  });

  it('gives another seed to the stages that draw, and to no others', async () => {
    const other = await run('a', '--seed=43');
    expect(stagesOf(other)['drawn']).toBe('computed: seed: 42 -> 43');
    expect(stagesOf(other)['other']).toBe('cached');
    expect(stagesOf(other)['large']).not.toMatch(/seed/);
  });

  it('shows in `status` what a run would do, and does nothing', async () => {
    const env = { PROSODIA_ARTIFACTS: 'a' };
    await run('a');
    const { out, code } = await project.cli(['status', 'toy', '--json', '--suffix=??'], { env });
    expect(code).toBe(0);
    const statuses = JSON.parse(out) as { stage: string; status: string; reason: string }[];
    expect(Object.fromEntries(statuses.map(({ stage, status, reason }) => [stage, `${status}: ${reason}`]))).toEqual({
      word: 'cached: unchanged',
      other: 'cached: unchanged',
      large: 'run: suffix: "!" -> "??"',
      drawn: 'cached: unchanged',
      joined: 'maybe: waits for large',
    });
  });
});

describe('an edit of code', () => {
  it('that changes no result reruns that stage and stops there, naming the file', async () => {
    await run('a');
    appendFileSync(join(project.root, 'stages/upper/letters.ts'), '\n// A remark.\n');
    expect(stagesOf(await run('a'))).toEqual({
      ...ALL_CACHED,
      large: 'computed: code changed: stages/upper/letters.ts',
    });
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
  });

  it('of a file that no stage reaches reruns nothing', async () => {
    appendFileSync(join(project.root, 'libs/runner/src/explain.ts'), '\n// A remark.\n');
    writeFileSync(join(project.root, 'stages/upper/letters.test.ts'), '// No test at all.\n');
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
  });

  it('of a library that every stage reaches reruns every stage', async () => {
    appendFileSync(join(project.root, 'libs/core/src/random.ts'), '\n// A remark.\n');
    expect(new Set(Object.values(stagesOf(await run('a'))))).toEqual(
      new Set(['computed: code changed: libs/core/src/random.ts']),
    );
  });

  it('of the locked version of a package counts where the package is used', async () => {
    const file = join(project.root, 'package-lock.json');
    const before = readFileSync(file, 'utf8');
    const withVersion = (name: string) => {
      const lock = JSON.parse(before) as { packages: Record<string, { version: string }> };
      lock.packages[`node_modules/${name}`]!.version = '99.0.0';
      writeFileSync(file, JSON.stringify(lock));
    };
    withVersion('yaml'); // Only the runner reads YAML.
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
    withVersion('typebox');
    const reasons = new Set(Object.values(stagesOf(await run('a'))));
    expect([...reasons]).toEqual([expect.stringMatching(/^computed: code changed: typebox@[\d.]+, typebox@99\.0\.0$/)]);
    writeFileSync(file, before);
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
  });

  it('made while a run goes on does not change what that run computes, nor spoil the store', async () => {
    const [source, until] = ['stages/upper/letters.ts', 'go-on'].map((name) => join(project.root, name)) as [
      string,
      string,
    ];
    writeFileSync(
      join(project.root, 'edited.yaml'),
      `name: edited
stages:
  long: { uses: slow, with: { steps: 1000000, until: '${until}' } }
  large: { uses: upper, from: { text: long }, with: { suffix: of the edited run } }
`,
    );
    const env = { PROSODIA_ARTIFACTS: 'd' };
    const text = join(project.root, 'd', 'runs', 'edited', 'latest', 'stages', 'large', 'text', 'text.txt');
    const going = project.start(['run', 'edited.yaml', '--json'], { env });
    await vi.waitUntil(() => going.said.out.includes('"progress"'), { timeout: 50_000 });
    const before = readFileSync(source, 'utf8');
    writeFileSync(source, before.replace('text.toUpperCase()', '`<${text}>`'));
    for (let edit = 0; edit < 5; edit++) {
      appendFileSync(source, `// Edit ${edit}.\n`);
      await project.cli(['stages'], { env }); // Each makes a build.
    }
    writeFileSync(until, '');
    expect((await going.ended).code).toBe(0);
    expect(readFileSync(text, 'utf8')).toMatch(/^\d+of the edited run$/);
    const next = await project.cli(['run', 'edited.yaml', '--json'], { env });
    expect(stagesOf(next)).toEqual({ long: 'cached', large: 'computed: code changed: stages/upper/letters.ts' });
    expect(readFileSync(text, 'utf8')).toMatch(/^<\d+>of the edited run$/);
    writeFileSync(source, before);
    expect(stagesOf(await project.cli(['run', 'edited.yaml', '--json'], { env }))).toEqual({
      long: 'cached',
      large: 'cached',
    });
  });

  it('that changes the result goes on to what depends on it', async () => {
    const file = join(project.root, 'stages/upper/letters.ts');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('text.toUpperCase()', '`<${text.toUpperCase()}>`'));
    expect(stagesOf(await run('a'))).toEqual({
      ...ALL_CACHED,
      large: 'computed: code changed: stages/upper/letters.ts',
      joined: 'computed: input texts changed',
    });
    writeFileSync(file, before);
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
  });

  it('that does not compile is told as such, with the place, and harms nothing', async () => {
    const file = join(project.root, 'stages/upper/letters.ts');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, `${before}\nconst = 1;\n`);
    const { code, err } = await project.cli(['run', 'toy'], { env: { PROSODIA_ARTIFACTS: 'a' } });
    expect(code).toBe(2);
    expect(err).toMatch(/The sources do not compile\.[^]*stages\/upper\/letters\.ts:\d+:\d+/);
    writeFileSync(file, before);
    expect(stagesOf(await run('a'))).toEqual(ALL_CACHED);
  });

  it('that breaks the contract of stages is told as such', async () => {
    const file = join(project.root, 'stages/upper/stage.ts');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace("name: 'upper'", "name: 'uper'"));
    const { code, err } = await project.cli(['stages']);
    expect(code).toBe(2);
    expect(err).toContain('stages/upper/stage.ts: a stage is named as its folder');
    writeFileSync(file, before);
  });
});

describe('damage in the store', () => {
  /** The stored text of an instance, made writable. */
  async function storedText(instance: string): Promise<string> {
    const file = join(project.root, 'b', 'runs', 'toy', 'latest', 'stages', instance, 'text', 'text.txt');
    await chmod(file, 0o644);
    return file;
  }

  it('is noticed, told and repaired by running again, and later stages stay', async () => {
    await run('b');
    truncateSync(await storedText('large'), 3);
    expect(stagesOf(await run('b'))).toEqual({
      ...ALL_CACHED,
      large: 'computed: its stored result is damaged (output text: text.txt has 3 bytes instead of 6)',
    });
    writeFileSync(await storedText('drawn'), 'x');
    rmSync(await storedText('word'));
    const repaired = await run('b');
    expect(stagesOf(repaired)['word']).toBe('computed: its stored result is damaged (output text: text.txt is gone)');
    expect(stagesOf(repaired)['drawn']).toMatch(/^computed: its stored result is damaged/);
    expect(stagesOf(await run('b'))).toEqual(ALL_CACHED);
  });

  it('of the pointers is noticed too', async () => {
    const actions = join(project.root, 'b', 'store', 'actions');
    for (const path of readdirSync(actions, { recursive: true }) as string[]) {
      if (path.endsWith('.json')) truncateSync(join(actions, path), 40);
    }
    const repaired = await run('b');
    expect(
      Object.values(stagesOf(repaired)).every((text) => /its entry [\da-f]+\.json cannot be read/.test(text)),
    ).toBe(true);
    expect(stagesOf(await run('b'))).toEqual(ALL_CACHED);
  });

  it('as a whole is only a cold start', async () => {
    rmSync(join(project.root, 'b', 'store'), { recursive: true });
    const again = await run('b');
    expect(new Set(Object.values(stagesOf(again)))).toEqual(
      new Set(['computed: its result is no longer in the store']),
    );
  });
});

describe('two stages with the same work', () => {
  it('share it', async () => {
    writeFileSync(
      join(project.root, 'twins.yaml'),
      'name: twins\nstages:\n  a: { uses: slow, with: { steps: 3 } }\n  b: { uses: slow, with: { steps: 3 } }\n',
    );
    const ended = await project.cli(['run', 'twins.yaml', '--json', '--jobs=2'], { env: { PROSODIA_ARTIFACTS: 'c' } });
    expect(ended.code).toBe(0);
    expect(summaryOf(ended)).toMatchObject({ computed: 1, cached: 1 });
  });
});
