/** The work of tests/kills.mjs. */
import { parseArgs } from 'node:util';
import { Rng } from '@prosodia/core';
import { speechRecipe, toyChain } from './killable.ts';
import { killAtRandom } from './kills.ts';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } } });
const kills = Number(values.kills);
const seed = Number(values.seed ?? Date.now());
let sound = true;
for (const [name, make, share] of [
  ['toy stages', toyChain, Math.ceil(kills / 2)],
  ['real stages', speechRecipe, Math.floor(kills / 2)],
] as const) {
  const { project, args } = make();
  try {
    const report = await killAtRandom({ project, args, kills: share, rng: new Rng(seed, name) });
    const faults = [report.lost, report.different, report.leftovers, report.failures];
    sound &&= faults.every((list) => list.length === 0);
    console.log(JSON.stringify({ pipeline: name, seed, ...report }, null, 2));
  } finally {
    project.remove();
  }
}
process.exit(sound ? 0 : 1);
