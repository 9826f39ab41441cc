/**
 * The stamp of a synthesized corpus: which synthesizer made it, from which seed, and the digest of each
 * file, so that a changed synthesizer and a damaged or deleted file are both noticed.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExternalRequest } from '@prosodia/core';
import { digests } from './digests.ts';

/** Raised whenever the synthesizer's output changes; a test compares its output with this number. */
export const SYNTHESIZER_VERSION = 1;

export const STAMP_FILE = '.synthesized.json';

export interface DemoStamp {
  readonly synthesizer: number;
  readonly seed: number;
  /** BLAKE3 by path below the corpus folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** True if the folder holds just what this synthesizer makes of `seed`. */
export async function demoIsWhole(
  folder: string,
  seed: number,
  request: Pick<ExternalRequest, 'digest' | 'progress' | 'signal'>,
): Promise<boolean> {
  const stamp = await readStamp(folder);
  if (stamp?.synthesizer !== SYNTHESIZER_VERSION || stamp.seed !== seed) return false;
  const paths = Object.keys(stamp.files);
  try {
    const sums = await digests(folder, paths, request);
    return paths.every((path, i) => sums[i] === stamp.files[path]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function readStamp(folder: string): Promise<DemoStamp | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, STAMP_FILE), 'utf8')) as DemoStamp;
  } catch {
    return undefined; // Missing or cut short: either way the corpus is made anew.
  }
}
