/**
 * One computation of a key at a time, across processes.
 *
 * Every contender writes a file of its own beside the lock's path, and holds the lock if it then sees no
 * other. Of two that hold it at once, the later one to write would have seen the file of the earlier one;
 * so there are never two. The file's name is its owner, its time of change a heartbeat. As no name is ever
 * used twice, clearing away what a dead process left cannot hit the lock of a living one.
 *
 * An owner is dead if its process is gone (same host), or if its heartbeat has not moved while we watched
 * it for a while by our own clock; times of different clocks are never compared. An owner that was only
 * stopped for that long may find that another has taken its place: then both compute the same bytes, and
 * the store takes them from whoever is first.
 */
import { open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '@prosodia/core';
import { hasCode, makeFolder } from './files.ts';
import { type Owner, isGone, newOwner, ownerName, parseOwner } from './owner.ts';

export interface LockOptions {
  signal?: AbortSignal;
  /** Called once if somebody else holds the lock. */
  onWait?: (owner: string) => void;
  heartbeatMs?: number;
  /** A heartbeat that did not move for this long is dead. */
  deadAfterMs?: number;
  /** Pause between two looks at a lock that is held. */
  pollMs?: number;
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
  const { signal, onWait, heartbeatMs = 2_000, deadAfterMs = 20_000, pollMs = 100 } = options;
  const mine = `${path}.${ownerName(newOwner())}`;
  const watch = new Watch(deadAfterMs);
  let told = false;
  await makeFolder(dirname(path));
  for (;;) {
    if (signal?.aborted) throw new CancelledError('waiting for another run');
    let other = await findOther(path, mine, watch);
    if (!other) {
      await (await open(mine, 'wx')).close();
      other = await findOther(path, mine, watch);
      if (!other) return keepAlive(mine, heartbeatMs);
      await rm(mine, { force: true }); // Another came at the same moment: both step back, for times that differ.
    } else if (!told) {
      onWait?.(`process ${other.pid} on ${other.host}`);
      told = true;
    }
    await sleep(pollMs * (0.5 + Math.random()), undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

/** A living owner other than `mine`, if there is one; the files of dead ones are removed. */
async function findOther(path: string, mine: string, watch: Watch): Promise<Owner | undefined> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const file = join(dirname(path), name);
    const owner = name.startsWith(prefix) ? parseOwner(name.slice(prefix.length)) : undefined;
    if (!owner || file === mine) continue;
    if (!isGone(owner) && !(await watch.isSilent(file))) return owner;
    await rm(file, { force: true });
  }
  return undefined;
}

/** Remembers when each heartbeat was last seen to move, by this process's clock. */
class Watch {
  readonly #limitMs: number;
  readonly #seen = new Map<string, { beat: number; since: number }>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  async isSilent(file: string): Promise<boolean> {
    let beat: number;
    try {
      beat = (await stat(file)).mtimeMs;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return true; // Released just now.
      throw error;
    }
    const seen = this.#seen.get(file);
    if (seen?.beat === beat) return performance.now() - seen.since > this.#limitMs;
    this.#seen.set(file, { beat, since: performance.now() });
    return false;
  }
}

function keepAlive(mine: string, heartbeatMs: number): () => Promise<void> {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(mine, now, now).catch(() => undefined); // A missed beat shows as silence, which is what it is.
  }, heartbeatMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await rm(mine, { force: true });
  };
}
