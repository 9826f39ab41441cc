/** What a stage keeps for a later try of itself: files in a folder that the runner ties to the stage's key. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scratch } from '@prosodia/core';
import { hasCode, writeAtomically } from '../store/files.ts';

/** @param folder is made when something is first written */
export function scratchIn(folder: string): Scratch {
  return {
    async read(name) {
      try {
        return await readFile(join(folder, checked(name)));
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    },
    write: (name, bytes) => writeAtomically(join(folder, checked(name)), bytes),
  };
}

/** A name is part of a path, and must not lead out of the folder. */
function checked(name: string): string {
  if (!/^[a-z\d][\w.-]*$/i.test(name)) throw new RangeError(`scratch: expected a plain file name, got ${name}`);
  return name;
}
