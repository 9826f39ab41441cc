/** Five runs at the same time on one store: the same pipeline, pipelines that overlap, and kills among them. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunEvent, readRecord } from '@prosodia/runner';
import { contentOf, killGroup } from './support/kills.ts';
import { type Started, TestProject, summaryOf } from './support/project.ts';

const RUNS = 5;
const NAMES = Array.from({ length: RUNS }, (_, i) => `part${i}`);

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
  // Each has a chain of two and a draw in common with all others, one stage with its neighbour, and one of its own.
  for (const [i, name] of NAMES.entries()) {
    writeFileSync(
      join(project.root, `${name}.yaml`),
      `name: ${name}
stages:
  one: { uses: slow, with: { steps: 3, mark: a } }
  two: { uses: slow, from: { after: one }, with: { steps: 3, mark: b } }
  drawn: { uses: draw, from: { after: two }, with: { count: 1000 } }
  neighbour: { uses: upper, from: { text: two }, with: { suffix: n${Math.floor(i / 2)} } }
  own: { uses: join, from: { texts: [neighbour, drawn, mine] } }
  mine: { uses: write, with: { text: ${name} } }
publish: { result: own.text }
`,
    );
  }
});
afterAll(() => project.remove());

const start = (artifacts: string, file: string): Started =>
  project.start(['run', file, '--json'], { env: { PROSODIA_ARTIFACTS: artifacts } });

/** The first that starts builds the sources; here that is not what is looked at, so it is done before. */
async function startAll(artifacts: string, files: readonly string[]): Promise<Started[]> {
  await project.cli(['stages']);
  return files.map((file) => start(artifacts, file));
}

const computedIn = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.event === 'stage' && event.status === 'computed' ? [event.stage] : []));

function expectTidy(artifacts: string): void {
  for (const folder of ['tmp', 'locks', 'leases']) {
    expect([folder, readdirSync(join(project.root, artifacts, 'store', folder))]).toEqual([folder, []]);
  }
}

describe('five runs at once', () => {
  it('of one pipeline compute each stage once, and every one of them succeeds with a record of its own', async () => {
    const runs = await startAll('same', Array<string>(RUNS).fill('part0.yaml'));
    const ended = await Promise.all(runs.map((run) => run.ended));
    expect(ended.map(({ code, err }) => [code, err])).toEqual(Array(RUNS).fill([0, '']));
    expect(ended.flatMap(({ events }) => computedIn(events)).sort()).toEqual([
      'drawn',
      'mine',
      'neighbour',
      'one',
      'own',
      'two',
    ]);
    const folders = ended.map((end) => summaryOf(end).run).sort();
    expect(folders).toEqual(NAMES.map((_, i) => join(project.root, 'same', 'runs', 'part0', String(i + 1))));
    for (const folder of folders) expect((await readRecord(folder))?.ok).toBe(true);
    expectTidy('same');
  });

  it('of pipelines that overlap compute what they share once, and give what they give one after another', async () => {
    const runs = await startAll(
      'overlap',
      NAMES.map((name) => `${name}.yaml`),
    );
    const ended = await Promise.all(runs.map((run) => run.ended));
    expect(ended.map(({ code, err }) => [code, err])).toEqual(Array(RUNS).fill([0, '']));
    const count = (stage: string) =>
      ended.flatMap(({ events }) => computedIn(events)).filter((s) => s === stage).length;
    expect(Object.fromEntries(['one', 'two', 'drawn', 'neighbour', 'mine', 'own'].map((s) => [s, count(s)]))).toEqual({
      one: 1,
      two: 1,
      drawn: 1,
      neighbour: 3,
      mine: RUNS,
      own: RUNS,
    });
    for (const name of NAMES) expect((await start('in-turn', `${name}.yaml`).ended).code).toBe(0);
    const store = (name: string) => contentOf(join(project.root, name, 'store'));
    expect(store('overlap')).toEqual(store('in-turn'));
    expectTidy('overlap');
  });

  it('of which two are killed: the others finish as if they had been alone', async () => {
    const runs = await startAll(
      'losses',
      NAMES.map((name) => `${name}.yaml`),
    );
    const victims = runs.slice(0, 2);
    for (const run of victims) run.child.stdout!.once('data', () => killGroup(run)); // As soon as it has a plan.
    const ended = await Promise.all(runs.map((run) => run.ended));
    const ends = ended.map(({ code, signal }) => code ?? signal);
    expect(ends.slice(2)).toEqual([0, 0, 0]);
    for (const end of ends.slice(0, 2)) expect(['SIGKILL', 0]).toContain(end); // 0: it was done before we knew.
    for (const name of NAMES) expect((await start('losses', `${name}.yaml`).ended).code).toBe(0);
    const store = (name: string) => contentOf(join(project.root, name, 'store'));
    expect(store('losses')).toEqual(store('in-turn'));
    expectTidy('losses');
  });
});
