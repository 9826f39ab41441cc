import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoClips } from '@prosodia/audio';
import { describe, expect, it } from 'vitest';
import { demoIsWhole } from './demo-stamp.ts';
import { synthesizeDemo } from './demo.ts';
import { externalRequest, inTempFolder } from './harness.ts';

describe('the demo corpus', () => {
  const clips = demoClips().slice(0, 3);

  it('is known not to be whole once a file is damaged or gone, or the seed is another', () =>
    inTempFolder(async (root) => {
      const folder = join(root, 'demo');
      const request = externalRequest({ root, corpus: 'demo' });
      await synthesizeDemo({ folder, seed: 1, clips, threads: 1, ...request });
      expect(await demoIsWhole(folder, 1, request)).toBe(true);
      expect(await demoIsWhole(folder, 2, request)).toBe(false);
      const file = join(folder, `Speaker_${clips[0]!.speaker}`, `${clips[0]!.name}.wav`);
      const bytes = await readFile(file);
      bytes[100]! ^= 1;
      await writeFile(file, bytes);
      expect(await demoIsWhole(folder, 1, request)).toBe(false);
      await rm(file);
      expect(await demoIsWhole(folder, 1, request)).toBe(false);
    }));
});
