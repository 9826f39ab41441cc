/** The second peer, npm's ml-random-forest, in this process. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Classifier {
  train(rows: number[][], labels: number[]): void;
  predict(rows: number[][]): number[];
}
interface Package {
  RandomForestClassifier: new (options: object) => Classifier;
}

/** Trees that are grown; the time is multiplied by what is missing. */
const TREES = 2;

/**
 * Seconds for `trees` trees, reckoned from a few: fitting and predicting the rows fitted on.
 *
 * @param folder one that `npm install ml-random-forest` was run in
 */
export function measureMlRandomForest(folder: string, x: Float32Array, y: Int32Array, cols: number, trees: number) {
  const require = createRequire(join(folder, 'package.json'));
  const { RandomForestClassifier } = require('ml-random-forest') as Package;
  const { version } = require('ml-random-forest/package.json') as { version: string };
  const rows = Array.from(y, (_, i) => Array.from(x.subarray(i * cols, (i + 1) * cols)));
  const before = process.cpuUsage();
  const forest = new RandomForestClassifier({
    nEstimators: TREES,
    maxFeatures: Math.floor(Math.sqrt(cols)),
    replacement: true,
    seed: 1,
    useSampleBagging: true,
    noOOB: true,
  });
  forest.train(rows, Array.from(y));
  forest.predict(rows);
  const { user, system } = process.cpuUsage(before);
  const peer_s = ((user + system) / 1e6 / TREES) * trees;
  const peak_mib = Math.round(process.resourceUsage().maxRSS / 1024);
  return { peer: `ml-random-forest ${version}`, peer_s, reckoned_from_trees: TREES, clock: 'cpu', peer_mib: peak_mib };
}
