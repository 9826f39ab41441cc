/**
 * What stages may have of the machine at the same time, through the real command.
 *
 * Seen by the order of the events: a stage has its share from its `start` until after its `stage`. That some run together
 * is seen by stages that end only when both have begun.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent } from '@prosodia/runner';
import { killGroup } from './support/kills.ts';
import { type Ended, type Started, TestProject } from './support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject('toy');
});
afterAll(() => project.remove());

/** Writes a pipeline of stages that have nothing to do with each other, from what each wants. */
function pipeline(name: string, stages: Readonly<Record<string, string>>): string {
  const lines = Object.entries(stages).map(([stage, rest]) => `  ${stage}: { uses: slow, ${rest} }`);
  writeFileSync(join(project.root, `${name}.yaml`), `name: ${name}\nstages:\n${lines.join('\n')}\n`);
  return `${name}.yaml`;
}

const quick = (mark: string, resources: string): string =>
  `with: { steps: 2, mark: ${mark} }, resources: { ${resources} }`;

function start(name: string, ...args: string[]): Started {
  return project.start(['run', `${name}.yaml`, '--json', ...args], { env: { PROSODIA_ARTIFACTS: `of-${name}` } });
}

async function said({ child, said: text, ended }: Started, pattern: RegExp): Promise<void> {
  while (!pattern.test(text.out + text.err)) {
    if (child.exitCode !== null) throw new Error(`ended without saying ${pattern}: ${JSON.stringify(await ended)}`);
    await sleep(5);
  }
}

/** After each event, the stages that run. */
function timeline(events: readonly RunEvent[]): string[][] {
  const running = new Set<string>();
  return events.map((event) => {
    if (event.event === 'start') running.add(event.stage);
    if (event.event === 'stage') running.delete(event.stage);
    return [...running];
  });
}

const notices = ({ events }: Ended): string[] =>
  events.flatMap((event) => (event.event === 'notice' ? [`${event.stage}: ${event.message}`] : []));

describe('resources', () => {
  it('memory: what wants more than there is runs alone, says so, and holds nothing up for ever', async () => {
    const hungry = 'memory_gb: 1000000';
    pipeline('memory', {
      big: quick('a', hungry),
      small: quick('b', ''),
      vast: quick('c', hungry),
      little: quick('d', 'memory_gb: 0.01'),
    });
    const ended = await start('memory', '--jobs=4').ended;
    expect(ended.code).toBe(0);
    const together = timeline(ended.events).filter((stages) => stages.some((stage) => /big|vast/.test(stage)));
    expect(together.filter((stages) => stages.length > 1)).toEqual([]);
    expect(notices(ended).sort()).toEqual([
      expect.stringMatching(/^big: it wants 1000000 GiB of memory, and there are .*: it runs with no other beside it$/),
      expect.stringMatching(/^vast: it wants 1000000 GiB/),
    ]);
  });

  it('threads: never more than --jobs in all, and what wants more gets all there are', async () => {
    pipeline('threads', {
      one: quick('a', ''),
      two: quick('b', 'threads: 2'),
      pair: quick('c', 'threads: 2'),
      all: quick('d', 'threads: all'),
      many: quick('e', 'threads: 50'),
    });
    const ended = await start('threads', '--jobs=3').ended;
    expect(ended.code).toBe(0);
    const threads = Object.fromEntries(
      ended.events.flatMap((event) => (event.event === 'start' ? [[event.stage, event.threads] as const] : [])),
    );
    expect(threads).toMatchObject({ one: 1, two: 2, pair: 2, many: 3 });
    for (const stages of timeline(ended.events)) {
      expect(stages.reduce((sum, stage) => sum + threads[stage]!, 0)).toBeLessThanOrEqual(3);
    }
    expect(notices(ended)).toEqual(['many: it wants 50 threads and gets 3, which is all there are']);
  });

  it('gpu: one stage at a time has it, with another beside it that has no use for it', async () => {
    const over = join(project.root, 'gpu-over');
    const patient = (mark: string, resources: string): string =>
      `with: { steps: 100000, mark: ${mark}, until: '${over}' }, resources: { ${resources} }`;
    pipeline('gpu', {
      first: patient('a', 'gpu: true'),
      second: quick('b', 'gpu: true'),
      third: quick('c', 'gpu: true'),
      plain: patient('d', 'gpu: false'),
    });
    const run = start('gpu', '--jobs=4', '--device=webgpu');
    await said(run, /"start","stage":"plain"/);
    await said(run, /"start","stage":"first"/);
    writeFileSync(over, '');
    const ended = await run.ended;
    expect(ended.code).toBe(0);
    const withGpu = timeline(ended.events).map((stages) => stages.filter((stage) => stage !== 'plain'));
    expect(withGpu.filter((stages) => stages.length > 1)).toEqual([]);
    expect(withGpu.flat()).toEqual(expect.arrayContaining(['first', 'second', 'third']));
  });

  it('of a stage that waits for another run are free again when it is cancelled', async () => {
    const share = `with: { steps: 100000, mark: shared }`;
    pipeline('waiter', { held: share });
    const owner = start('waiter');
    try {
      await said(owner, /"start","stage":"held"/);
      const file = join(project.root, 'failing.yaml');
      const mended = join(project.root, 'never');
      writeFileSync(
        file,
        `name: failing
stages:
  held: { uses: slow, ${share} }
  first: { uses: slow, with: { steps: 100000, until: '${mended}' } }
  bad: { uses: fault, from: { after: first }, with: { how: data } }
`,
      );
      const env = { PROSODIA_ARTIFACTS: 'of-waiter' };
      const run = project.start(['run', file, '--json', '--jobs=2'], { env });
      await said(run, /"event":"wait","stage":"held"/);
      writeFileSync(mended, '');
      const ended = await run.ended;
      expect([ended.code, ended.err]).toEqual([1, expect.stringContaining('stage bad, clip x: the data is wrong')]);
      const status = ended.events.flatMap((event) =>
        event.event === 'stage' ? [`${event.stage} ${event.status}`] : [],
      );
      expect(status.sort()).toEqual(['bad failed', 'first computed', 'held cancelled']);
    } finally {
      killGroup(owner);
      await owner.ended;
    }
  });
});
