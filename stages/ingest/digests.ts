/** Digests of many files through the runner's memory, a few at a time. */
import { join } from 'node:path';
import type { ExternalRequest } from '@prosodia/core';
import { mapAtOnce } from './at-once.ts';

/** Enough to keep a disk busy, few enough for any limit on open files. */
const AT_ONCE = 8;

/** BLAKE3 of each of `paths` below `folder`, in their order. Rejects if a file is gone. */
export async function digests(
  folder: string,
  paths: readonly string[],
  { digest, progress, signal }: Pick<ExternalRequest, 'digest' | 'progress' | 'signal'>,
): Promise<string[]> {
  let done = 0;
  return mapAtOnce(paths, AT_ONCE, signal, async (path) => {
    const sum = await digest(join(folder, path));
    progress(++done, paths.length, 'recordings');
    return sum;
  });
}
