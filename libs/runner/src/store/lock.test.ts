import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError, loadable } from '@prosodia/core';
import { withLock } from './lock.ts';
import { newOwner, ownerName, parseOwner } from './owner.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-lock-'));
  path = join(folder, 'key.lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function contender(rounds: number, deadly = false): ChildProcess {
  const { url, execArgv } = loadable(new URL('./testing/contender.ts', import.meta.url));
  return fork(url, [path, String(rounds), deadly ? 'yes' : 'no'], { execArgv, stdio: 'inherit' });
}

/** A process number that belongs to nobody: that of a process that has just ended. */
async function deadPid(): Promise<number> {
  const child = fork('', { execArgv: ['-e', ''], stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

describe('withLock', () => {
  it('lets one at a time in, within a process, and leaves nothing behind', async () => {
    let inside = 0;
    let most = 0;
    let done = 0;
    const one = () =>
      withLock(path, { pollMs: 2 }, async () => {
        most = Math.max(most, ++inside);
        await sleep(1);
        inside--;
        done++;
      });
    await Promise.all(Array.from({ length: 8 }, one));
    expect({ most, done, left: await readdir(folder) }).toEqual({ most: 1, done: 8, left: [] });
  });

  it('never has two owners among processes that contend for it and die in it', async () => {
    const children = [contender(15), contender(15), contender(5, true), contender(8, true), contender(11, true)];
    const ends = (await Promise.all(children.map((child) => once(child, 'exit')))) as [number | null, string | null][];
    expect(ends).toEqual([
      [0, null],
      [0, null],
      [null, 'SIGKILL'],
      [null, 'SIGKILL'],
      [null, 'SIGKILL'],
    ]);
  });

  it('takes over from an owner whose process is gone, without waiting for its heartbeat', async () => {
    await writeFile(`${path}.${ownerName({ ...newOwner(), pid: await deadPid() })}`, '');
    const waits: string[] = [];
    expect(await withLock(path, { onWait: (owner) => waits.push(owner) }, async () => 'in')).toBe('in');
    expect(waits).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes over from an owner on another host whose heartbeat stands still, not from one that beats', async () => {
    const other = `${path}.${ownerName({ ...newOwner(), host: 'else.where' })}`;
    await writeFile(other, '');
    let beats = 0;
    const heart = setInterval(() => {
      beats++;
      const now = new Date(1_000_000 + beats * 1000); // A clock far from ours: only movement counts.
      utimes(other, now, now).catch(() => undefined);
    }, 5);
    const waits: string[] = [];
    let beatsWhenIn = -1;
    const entered = withLock(
      path,
      { pollMs: 5, deadAfterMs: 2_000, onWait: (owner) => waits.push(owner) },
      async () => {
        beatsWhenIn = beats;
      },
    );
    await sleep(100);
    expect(beatsWhenIn).toBe(-1);
    clearInterval(heart);
    await entered;
    expect(beatsWhenIn).toBe(beats);
    expect(waits).toEqual([`process ${process.pid} on else.where`]);
  });

  it('stops waiting when told to, and does not disturb the owner', async () => {
    const controller = new AbortController();
    await withLock(path, {}, async () => {
      const waiting = withLock(path, { signal: controller.signal, pollMs: 5 }, async () => 'in');
      controller.abort();
      await expect(waiting).rejects.toThrow(CancelledError);
      expect(await readdir(folder)).toHaveLength(1);
    });
  });

  it('is released when the work fails', async () => {
    await expect(withLock(path, {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps different keys apart, also where one is the beginning of the other', async () => {
    await withLock(path, {}, () => withLock(`${path}2`, {}, async () => undefined));
    await withLock(`${path}.2`, {}, () => withLock(path, {}, async () => undefined));
  });
});

describe('owner names', () => {
  it('survive the way into a file name and back', () => {
    for (const host of [hostname(), 'a.b.c', 'Büro rechner', '../x', '100%']) {
      const owner = { ...newOwner(), host };
      expect(ownerName(owner)).not.toMatch(/[/\\]/);
      expect(parseOwner(ownerName(owner))).toEqual(owner);
    }
  });

  it('are told from other file names', () => {
    expect(['', '.DS_Store', '12-34', `1.%zz.0.${newOwner().id}`].map(parseOwner)).toEqual(Array(4).fill(undefined));
  });
});
