import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, DataError } from './errors.ts';
import { mapSharded } from './shard.ts';

let folder: string;
let worker: URL;

const SOURCE = `
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
type Item = { n: number };
export default (setup: { scale: number; slow?: boolean }) => async ({ n }: Item) => {
  if (n === -1) throw Object.assign(new Error('item -1 is bad'));
  if (n === -2) process.exit(7);
  await sleep(n % 3);
  if (setup.slow) await sleep(20);
  return { n, values: Float32Array.of(n * setup.scale, Math.sin(n)), isMainThread };
};
`;

/** Tells how many items it is at. */
const BUSY = `
import { setTimeout as sleep } from 'node:timers/promises';
let busy = 0;
export default () => async () => {
  busy++;
  await sleep(1);
  const result = { busy };
  busy--;
  return result;
};
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-shard-'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'worker.ts'), SOURCE);
  await writeFile(join(folder, 'busy.ts'), BUSY);
  worker = pathToFileURL(join(folder, 'worker.ts'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Result {
  n: number;
  values: Float32Array;
  isMainThread: boolean;
}

async function collect(items: Iterable<{ n: number }>, threads: number, signal?: AbortSignal): Promise<Result[]> {
  const results: Result[] = [];
  const options = { worker, setup: { scale: 2 }, threads, ...(signal ? { signal } : {}) };
  for await (const result of mapSharded<{ scale: number }, { n: number }, Result>(items, options)) results.push(result);
  return results;
}

const items = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

describe('mapSharded', () => {
  it('gives the same results in the same order for 1, 2 and 3 threads', async () => {
    const one = await collect(items(40), 1);
    expect(one.map(({ n }) => n)).toEqual(items(40).map(({ n }) => n));
    expect(one[3]!.values).toEqual(Float32Array.of(6, Math.sin(3)));
    const threaded = one.map((result) => ({ ...result, isMainThread: false }));
    expect(await collect(items(40), 2)).toEqual(threaded);
    expect(await collect(items(40), 3)).toEqual(threaded);
  });

  it('starts threads only when its patience is at an end, without losing or repeating an item', async () => {
    const run = async (slow: boolean, patience_s: number) => {
      const options = { worker, setup: { scale: 2, slow }, threads: 2, patience_s };
      const results: Result[] = [];
      for await (const result of mapSharded<object, { n: number }, Result>(items(12), options)) results.push(result);
      expect(results.map(({ n }) => n)).toEqual(items(12).map(({ n }) => n));
      return results.map((result) => result.isMainThread);
    };
    expect(await run(false, 1e9)).toEqual(items(12).map(() => true));
    const places = await run(true, 0.05);
    expect(places.slice(0, 1)).toEqual([true]);
    expect(places.slice(3)).toEqual(items(9).map(() => false));
  });

  it('takes no more items once nobody wants results, in either part', async () => {
    for (const patience_s of [0, 1e9]) {
      let closed = false;
      function* source() {
        try {
          for (let n = 0; ; n++) yield { n };
        } finally {
          closed = true;
        }
      }
      const results = mapSharded(source(), { worker, setup: { scale: 1 }, threads: 2, patience_s });
      await results.next();
      await results.return();
      expect(closed).toBe(true);
    }
  });

  it('takes items only as fast as it hands them out, so that memory is bounded', async () => {
    let taken = 0;
    function* source() {
      for (let n = 0; n < 100; n++) {
        taken++;
        yield { n };
      }
    }
    const results = mapSharded<{ scale: number }, { n: number }, Result>(source(), {
      worker,
      setup: { scale: 1 },
      threads: 2,
    });
    await results.next();
    expect(taken).toBeLessThanOrEqual(8);
    await results.return();
  });

  it('moves the arrays of items to the threads if it may, and copies them otherwise', async () => {
    for (const moved of [true, false]) {
      const given = [0, 1].map((n) => ({ n, samples: Float32Array.of(n, 2) }));
      const options = { worker, setup: { scale: 2 }, threads: 2, moved };
      for await (const _ of mapSharded<{ scale: number }, { n: number }, Result>(given, options));
      expect(given.map(({ samples }) => samples.length)).toEqual(moved ? [0, 0] : [2, 2]);
    }
  });

  it('gives a thread one item at a time, however many it waits with', async () => {
    const results: { busy: number }[] = [];
    const options = { worker: new URL('busy.ts', worker), setup: {}, threads: 2 };
    for await (const result of mapSharded<object, { n: number }, { busy: number }>(items(30), options)) {
      results.push(result);
    }
    expect(results.map(({ busy }) => busy)).toEqual(items(30).map(() => 1));
  });

  it('hands on the error of an item', async () => {
    for (const threads of [1, 2])
      await expect(collect([{ n: 1 }, { n: -1 }], threads)).rejects.toThrow('item -1 is bad');
  });

  it('says so when a thread dies', async () => {
    await expect(collect([{ n: 1 }, { n: -2 }], 2)).rejects.toThrow(DataError);
  });

  it('stops on its signal', async () => {
    const controller = new AbortController();
    function* endless() {
      for (let n = 0; ; n++) {
        if (n === 10) controller.abort();
        yield { n };
      }
    }
    for (const threads of [1, 2])
      await expect(collect(endless(), threads, controller.signal)).rejects.toThrow(CancelledError);
  });

  it('works on nothing', async () => {
    expect(await collect([], 2)).toEqual([]);
  });
});
