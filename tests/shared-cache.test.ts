/** A cache shared over HTTP: two machines are two empty stores, and the server does what servers do. */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CacheServer, SECRET } from './support/cache-server.ts';
import { type Ended, TestProject, summaryOf } from './support/project.ts';

let project: TestProject;
let server: CacheServer;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());
beforeEach(async () => {
  server = await new CacheServer().start();
});
afterEach(() => server.stop());

/** Runs on a machine whose store is empty. */
async function machine(protocol: 'nx' | 's3', extra: Record<string, string> = {}, ...args: string[]): Promise<Ended> {
  rmSync(join(project.root, 'fresh'), { recursive: true, force: true });
  const env = { ...server.environment[protocol], PROSODIA_ARTIFACTS: 'fresh', ...extra };
  const ended = await project.cli(['run', 'toy', '--json', ...args], { env });
  expect([ended.code, ended.err]).toEqual([0, '']);
  expect(readdirSync(join(project.root, 'fresh', 'store', 'tmp'))).toEqual([]);
  return ended;
}

const said = ({ events }: Ended): string[] =>
  events.flatMap((event) => (event.event === 'remote' ? [event.message] : []));

describe.each(['nx', 's3'] as const)('a shared cache (%s)', (protocol) => {
  it('spares the second machine all the work, and the third one too though it may only read', async () => {
    expect(summaryOf(await machine(protocol))).toMatchObject({ computed: 5 });
    const objects = server.objects.size;
    const second = await machine(protocol);
    expect([summaryOf(second).computed, summaryOf(second).cached, said(second)]).toEqual([0, 5, []]);
    const third = await machine(protocol, { PROSODIA_REMOTE_MODE: 'read-only' }, '--word=new');
    expect([summaryOf(third).computed, said(third)]).toEqual([3, []]);
    expect(server.objects.size).toBe(objects);
  });

  it('leaves what a later "why" needs to name a source file, on a machine that computed nothing', async () => {
    await machine(protocol);
    expect(summaryOf(await machine(protocol)).computed).toBe(0);
    const folder = join(project.root, 'fresh', 'store', 'code');
    const lists = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(lists.filter((list) => list.includes('stages/upper/'))).toHaveLength(1);
  });

  it('may be off, refuse, be down or hang: one line, and the run goes on alone', async () => {
    const expected: [CacheServer['mischief'], RegExp][] = [
      [401, /answered 401/],
      [403, /answered 403/],
      [500, /answered 500/],
      ['hang', /no byte came for 0.3 s/],
    ];
    for (const [mischief, message] of expected) {
      server.mischief = mischief;
      const ended = await machine(protocol, { PROSODIA_REMOTE_TIMEOUT: '0.3' });
      expect(summaryOf(ended)).toMatchObject({ ok: true, computed: 5 });
      expect(said(ended)).toEqual([expect.stringMatching(message)]);
    }
    server.stop();
    expect(said(await machine(protocol))).toEqual([expect.stringMatching(/ECONNREFUSED/)]);
    expect(said(await machine(protocol, { PROSODIA_REMOTE: 'off' }))).toEqual([]);
  });

  it('that has been damaged, breaks off or dies halfway does no harm', async () => {
    await machine(protocol);
    server.mischief = 'flip';
    const flipped = await machine(protocol);
    expect(summaryOf(flipped)).toMatchObject({ ok: true, computed: 5 });
    expect(said(flipped).every((line) => line.includes('a damaged object, which is not used'))).toBe(true);
    server.mischief = 'truncate';
    const broken = await machine(protocol);
    expect(summaryOf(broken)).toMatchObject({ ok: true, computed: 5 });
    expect(said(broken)).toHaveLength(1);
    server.mischief = 'none';
    server.diesAfter = server.log.length + 3;
    const orphaned = await machine(protocol);
    expect([summaryOf(orphaned).ok, said(orphaned).length]).toEqual([true, 1]);
  });

  it('that answers slowly but goes on answering is waited for', async () => {
    await machine(protocol);
    server.mischief = 'trickle';
    const slow = await machine(protocol, { PROSODIA_REMOTE_TIMEOUT: '5' });
    expect([summaryOf(slow).cached, said(slow)]).toEqual([5, []]);
  });

  it('that two machines write at the same time has whole objects, and both runs end well', async () => {
    const both = await Promise.all(
      ['left', 'right'].map((name) => {
        const env = { ...server.environment[protocol], PROSODIA_ARTIFACTS: `${protocol}-${name}` };
        return project.cli(['run', 'toy', '--json', '--size=1000'], { env });
      }),
    );
    expect(both.map((ended) => [ended.code, ended.err, said(ended)])).toEqual(Array(2).fill([0, '', []]));
    const third = await machine(protocol, {}, '--size=1000');
    expect([summaryOf(third).cached, said(third)]).toEqual([5, []]);
  });

  it('never has its secret told, in what is printed or kept of a run, whether it goes well or not', async () => {
    for (const mischief of ['none', 401, 'refuse-writes'] as const) {
      server.mischief = mischief;
      const ended = await machine(protocol);
      const kept = join(project.root, 'fresh');
      const files = readdirSync(kept, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
      expect(texts.length).toBeGreaterThan(5);
      for (const text of [ended.out, ended.err, ...texts]) expect(text).not.toContain(SECRET);
    }
  });

  it('that takes no writes is read from, and said so once', async () => {
    server.mischief = 'refuse-writes';
    expect(said(await machine(protocol))).toEqual([expect.stringMatching(/nothing more is uploaded.*403/)]);
    expect(server.objects.size).toBe(0);
  });
});

describe('the address of a shared cache', () => {
  it('is refused with the reason if it cannot be used', async () => {
    for (const [env, message] of [
      [{ PROSODIA_REMOTE: 'ftp://host/x' }, 'https://host/path or s3://bucket/prefix'],
      [{ PROSODIA_REMOTE: 'https://me:word@host/' }, 'tokens come from the environment'],
      [{ PROSODIA_REMOTE: 's3://bucket' }, 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    ] as const) {
      const ended = await project.cli(['run', 'toy'], {
        env: { ...env, PROSODIA_ARTIFACTS: 'odd', AWS_ACCESS_KEY_ID: '' },
      });
      expect([ended.code, ended.err]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});
