/** The work of tests/kills.mjs. */
import { parseArgs } from 'node:util';
import { Rng } from '@prosodia/core';
import { speechRecipe, toyChain } from './killable.ts';
import { killAtRandom } from './kills.ts';

const USAGE = `usage: node tests/kills.mjs [--kills 200] [--seed N]

  --kills N  how many kills in all, half of them on toy stages (default 200)
  --seed N   repeats the choice of moments, as far as the machine allows (default: the time)`;

const { kills, seed } = options();
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

function options(): { kills: number; seed: number } {
  try {
    const { values } = parseArgs({
      options: {
        kills: { type: 'string', default: '200' },
        seed: { type: 'string', default: String(Date.now()) },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    return { kills: count('kills', values.kills, 2), seed: count('seed', values.seed, 0) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function count(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} wants a whole number of at least ${least}, not ${JSON.stringify(text)}`);
}
