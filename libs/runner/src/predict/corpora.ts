/** What a run was trained on: the licence and citation travel with everything that is made of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KeptRun } from '../compare-records.ts';

/** A corpus as the catalogue has it; of one that is not in it, only the name is known. */
export interface TrainedOn {
  name: string;
  title?: string | undefined;
  licence?: string | undefined;
  citation?: string | undefined;
}

/**
 * The catalogue's entry of each corpus that the run has read.
 * @param root of the project
 */
export async function corporaOf(root: string, { resolved }: KeptRun['record']): Promise<TrainedOn[]> {
  const names = Object.values(resolved).flatMap(({ with: { corpus } }) => (typeof corpus === 'string' ? [corpus] : []));
  return Promise.all(
    [...new Set(names)].sort().map(async (name) => {
      const text = await readFile(join(root, 'data', 'corpora', `${name}.yaml`), 'utf8').catch(() => '');
      const { title, licence, citation } = (parse(text) ?? {}) as Omit<TrainedOn, 'name'>;
      return { name, title, licence, citation };
    }),
  );
}
