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
      let bytes: Uint8Array;
      try {
        bytes = await readFile(join(folder(corpus), path));
      } catch (cause) {
        if (cause instanceof DataError) throw cause.at(where);
        throw new DataError(
          {
            problem: 'the recording cannot be read',
            got: messageOf(cause),
            where,
            fix: 'put the file back, or run again to list the recordings afresh',
          },
          { cause },
        );
      }
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found !== sha256) {
        throw new DataError({
          problem: 'the recording has changed since it was listed',
          expected: `sha256 ${sha256}`,
          got: `sha256 ${found}`,
          where,
          fix: 'run again: the changed file is listed afresh',
        });
      }
      return bytes;
    },
  };
}
