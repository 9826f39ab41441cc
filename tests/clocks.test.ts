/** Clocks that are set, backwards and forwards, between runs and within them: no result depends on one. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf } from './support/kills.ts';
import { type Ended, TestProject, summaryOf } from './support/project.ts';

const HOUR = 3600e3;
const YEAR = 365 * 24 * HOUR;
const CLOCK = new URL('support/clock.mjs', import.meta.url).href;

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());

/** Runs a command under a clock with these shifts. */
async function under(shifts: readonly number[], artifacts: string, ...args: string[]): Promise<Ended> {
  const env = { PROSODIA_ARTIFACTS: artifacts, NODE_OPTIONS: `--import=${CLOCK}`, CLOCK_SHIFTS: shifts.join() };
  const ended = await project.cli([...args, '--json'], { env });
  expect([ended.code, ended.err]).toEqual([0, '']);
  return ended;
}

const computed = (ended: Ended): number => summaryOf(ended).computed;

describe('a clock that is set between runs', () => {
  it.each([
    ['back', -YEAR],
    ['forward', YEAR],
  ])('(%s) loses no result, hides no edit and brings the order of runs into no disorder', async (name, shift) => {
    expect(computed(await under([0], name, 'run', 'toy'))).toBe(5);
    expect(computed(await under([shift], name, 'run', 'toy'))).toBe(0);
    expect(computed(await under([shift], name, 'run', 'toy', '--word=other'))).toBe(3);
    const last = await under([0], name, 'run', 'toy');
    expect([computed(last), summaryOf(last).run]).toEqual([0, join(project.root, name, 'runs', 'toy', '4')]);
    await under([shift], name, 'gc', '--older-than=30d', '--keep=1');
    expect(computed(await under([0], name, 'run', 'toy'))).toBe(0);
  });

  it('hides no edit of a source, whatever date the edited file has', async () => {
    const file = join(project.root, 'stages', 'upper', 'stage.ts');
    const source = readFileSync(file, 'utf8');
    await under([0], 'edits', 'run', 'toy');
    let mark = 0;
    for (const shift of [YEAR, -YEAR]) {
      writeFileSync(file, `${source}\nexport const mark = ${mark++};\n`);
      const then = new Date(Date.now() + shift);
      utimesSync(file, then, then);
      const edited = await under([0], 'edits', 'run', 'toy');
      const ran = edited.events.flatMap((event) => (event.event === 'start' ? [event.stage] : []));
      expect(ran).toEqual(['large']); // The same bytes: what comes after it is left in peace.
    }
    writeFileSync(file, source);
  });
});

describe('a clock that jumps within a run', () => {
  it('changes no byte, keeps runs side by side from computing twice, and leaves nothing behind', async () => {
    await under([0], 'calm', 'run', 'toy', '--size=1000');
    const jumps = [0, YEAR, -YEAR, HOUR, -HOUR, 1];
    const runs = await Promise.all(
      [jumps, [...jumps].reverse()].map((shifts) => under(shifts, 'jumpy', 'run', 'toy', '--size=1000')),
    );
    expect(runs.map(computed).reduce((a, b) => a + b)).toBe(5);
    const store = (name: string) => contentOf(join(project.root, name, 'store'));
    expect(store('jumpy')).toEqual(store('calm'));
    for (const { events } of runs) {
      for (const event of events) if (event.event === 'stage') expect(event.seconds).toBeGreaterThanOrEqual(0);
    }
    expect(computed(await under([0], 'jumpy', 'run', 'toy', '--size=1000'))).toBe(0);
  });
});
