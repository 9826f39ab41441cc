/** Cold runs killed at random moments; `node tests/kills.mjs --kills 200` is the long form. */
import { describe, expect, it } from 'vitest';
import { Rng } from '@prosodia/core';
import { speechRecipe, toyChain } from './support/killable.ts';
import { killAtRandom } from './support/kills.ts';

describe('kill -9 of a cold run', () => {
  it.each([
    ['toy stages', toyChain, 3],
    ['real stages', speechRecipe, 2],
  ] as const)(
    '(%s) at random moments loses no finished stage, leaves nothing behind, and the end is the same to the byte',
    { timeout: 180_000 },
    async (_, make, kills) => {
      const { project, args } = make();
      try {
        const report = await killAtRandom({ project, args, kills, rng: new Rng(Date.now()) });
        expect(report).toMatchObject({ kills, lost: [], different: [], leftovers: [], failures: [] });
      } finally {
        project.remove();
      }
    },
  );
});
