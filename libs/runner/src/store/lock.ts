/**
 * One computation of a key at a time, across processes: a lock file with its owner and a heartbeat.
 *
 * Whoever finds the lock held waits, and afterwards finds the result in the store. A lock is dead if
 * its process is gone (same host), or if its heartbeat has not moved while we watched it for a while
 * by our own clock; times of different clocks are never compared.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '@prosodia/core';
import { hasCode } from './files.ts';

interface Owner {
  id: string;
  pid: number;
  host: string;
}

export interface LockOptions {
  signal?: AbortSignal;
  /** Called once if somebody else holds the lock. */
  onWait?: (owner: string) => void;
  heartbeatMs?: number;
  /** A heartbeat that did not move for this long is dead. */
  deadAfterMs?: number;
}

/** Runs `work` while holding the lock. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(path: string, options: LockOptions): Promise<() => Promise<void>> {
  const { signal, onWait, heartbeatMs = 2_000, deadAfterMs = 20_000 } = options;
  const me: Owner = { id: randomUUID(), pid: process.pid, host: hostname() };
  await mkdir(dirname(path), { recursive: true });
  let watched = { beat: '', since: 0 };
  let told = false;
  for (;;) {
    if (signal?.aborted) throw new CancelledError('waiting for another run');
    if (await create(path, me)) return keepAlive(path, me, heartbeatMs);
    const held = await inspect(path);
    if (held) {
      const beat = `${held.owner?.id ?? ''} ${held.mtime}`;
      if (beat !== watched.beat) watched = { beat, since: performance.now() };
      const silent = performance.now() - watched.since > deadAfterMs;
      if (silent || isGone(held.owner)) {
        await removeDead(path, held.owner);
        continue;
      }
      if (!told) onWait?.(held.owner ? `process ${held.owner.pid} on ${held.owner.host}` : 'another run');
      told = true;
    }
    await sleep(100, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(JSON.stringify(owner));
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function keepAlive(path: string, me: Owner, heartbeatMs: number): () => Promise<void> {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined); // A missed beat shows as silence, which is what it is.
  }, heartbeatMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    const held = await inspect(path);
    if (held?.owner?.id === me.id) await rm(path, { force: true });
  };
}

async function inspect(path: string): Promise<{ owner: Owner | undefined; mtime: number } | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    let owner: Owner | undefined;
    try {
      owner = JSON.parse(text) as Owner;
    } catch {
      owner = undefined; // Its owner has made the file and not yet written to it, or died just then.
    }
    return { owner, mtime: mtimeMs };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isGone(owner: Owner | undefined): boolean {
  if (!owner || owner.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

/** Of several runs that find the same dead lock, the rename lets one win; a live lock taken by mistake is put back. */
async function removeDead(path: string, dead: Owner | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  const taken = await inspect(aside);
  if (taken?.owner?.id === dead?.id) await rm(aside, { force: true });
  else await rename(aside, path);
}
