/** Source recordings, by content: the bytes a stage gets are those whose digest its clips table pins. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, type Recordings, messageOf } from '@prosodia/core';

/** @param corpora corpus name to its folder on this machine */
export function recordingsIn(corpora: Readonly<Record<string, string>>): Recordings {
  const folder = (corpus: string): string => {
    const found = corpora[corpus];
    if (found !== undefined) return found;
    throw new DataError({
      problem: `the recordings of corpus ${corpus} are not at hand`,
      expected: `one of the corpora of this run: ${Object.keys(corpora).join(', ') || '(none)'}`,
      fix: 'the pipeline needs an ingest stage for that corpus',
    });
  };
  return {
    folder,
    async read({ corpus, path, sha256 }) {
      const where = `clip ${corpus}/${path}`;
      try {
        return await readPinned(join(folder(corpus), path), sha256);
      } catch (error) {
        throw error instanceof DataError ? error.at(where) : error;
      }
    },
  };
}

/** The bytes of a file. Throws a DataError without a place if it is gone or its digest is another. */
export async function readPinned(file: string, sha256: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new DataError(
      {
        problem: 'the recording cannot be read',
        got: messageOf(cause),
        fix: 'put the file back, or run again to list the recordings afresh',
      },
      { cause },
    );
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === sha256) return bytes;
  throw new DataError({
    problem: 'the recording has changed since it was listed',
    expected: `sha256 ${sha256}`,
    got: `sha256 ${found}`,
    fix: 'run again: the changed file is listed afresh',
  });
}
