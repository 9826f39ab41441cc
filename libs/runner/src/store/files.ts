/** File operations that survive a crash: what is there is complete, or it is not there. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProsodiaError } from '@prosodia/core';

/** Paths of all files below a folder, relative to it, with forward slashes, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else found.push(path);
    }
  };
  walk('');
  return found.sort();
}

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

/** Makes what was written to a file, or the entries of a folder, durable. */
export async function sync(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Windows and some network file systems cannot do this for folders, or through a read-only handle.
    if (!hasCode(error, 'EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP')) throw error;
  }
}

/** A file's new content, beside its place and not yet seen there. */
export interface Pending {
  /** Where the content is now. */
  readonly path: string;
  /** Puts it in place in one step; only what is durable should get there. */
  place(): Promise<void>;
  /** Removes it; harmless when it is in place. */
  drop(): Promise<void>;
}

/** Writes the new content of a file, up to the last step. */
export async function writeBeside(path: string, content: string | Uint8Array): Promise<Pending> {
  await makeFolder(dirname(path));
  const temporary = `${path}.${randomUUID()}.tmp`;
  const drop = () => rm(temporary, { force: true }).catch(() => undefined); // The first error says more.
  try {
    await writeFile(temporary, content, { flag: 'wx' });
  } catch (error) {
    await drop();
    throw error;
  }
  return { path: temporary, place: () => rename(temporary, path), drop };
}

/** Replaces a file in one step. */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const pending = await writeBeside(path, content);
  try {
    await sync(pending.path);
    await pending.place();
  } finally {
    await pending.drop();
  }
}

/** True if an error of the file system has this code. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** What keeps a disk from taking more, in plain words. */
const OBSTACLES: Readonly<Record<string, { problem: string; fix: string }>> = {
  ENOSPC: { problem: 'the disk is full', fix: 'make room, or set PROSODIA_ARTIFACTS to a folder on another disk' },
  EDQUOT: { problem: 'the disk quota is used up', fix: 'make room, or set PROSODIA_ARTIFACTS to a folder elsewhere' },
  EROFS: {
    problem: 'results cannot be stored: the file system is read-only',
    fix: 'set PROSODIA_ARTIFACTS to a folder that can be written to',
  },
  EACCES: {
    problem: 'results cannot be stored: writing is not permitted',
    fix: 'allow it, or set PROSODIA_ARTIFACTS to a folder that can be written to',
  },
};

/** The obstacle behind an error code as an error that helps; undefined for codes that are no such obstacle. */
export function obstacle(code: string | undefined, where: string, cause: unknown): ProsodiaError | undefined {
  const known = OBSTACLES[code === 'EPERM' ? 'EACCES' : (code ?? '')];
  return known && new ProsodiaError({ problem: known.problem, got: code!, where, fix: known.fix }, { cause });
}

/** Runs `work`, which writes below `place`; an error of the disk comes out as one that says what to do. */
export async function writing<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw obstacle((error as NodeJS.ErrnoException | undefined)?.code, place, error) ?? error;
  }
}
