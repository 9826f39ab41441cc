/**
 * One process at a time in a folder, so that two runs do not write the same download.
 *
 * The lock is a file that its owner touches every few seconds; one that nobody has touched for longer was
 * left by a process that died, and is taken over.
 */
import { open, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled } from '@prosodia/core';

const BEAT_MS = 2_000;
const DEAD_MS = 20_000;
const LOOK_MS = 500;

/**
 * Runs `work` while holding the lock `file`; waits while another process holds it.
 *
 * @param onWait called once if there is need to wait
 */
export async function withLock<T>(
  file: string,
  signal: AbortSignal,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let waited = false;
  while (!(await take(file))) {
    if (!waited) onWait();
    waited = true;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    throwIfCancelled(signal, 'ingest');
  }
  const beat = setInterval(() => void touch(file), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx')).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const touched = await stat(file).catch(() => undefined);
  if (touched && Date.now() - touched.mtimeMs > DEAD_MS) await rm(file, { force: true });
  return false;
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
}
