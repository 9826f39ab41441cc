/**
 * Runs a pipeline with several seeds and prints mean and spread of its figures as Markdown.
 *
 *   node bench/recipe/seeds.mjs ensemble 1,2,3,4,5 --corpus=ravdess-speech --data=path/to/ravdess
 *
 * What is in the store is not computed again, so a second call only reads the reports.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [pipeline, seedList, ...options] = process.argv.slice(2);
if (pipeline === undefined || !/^\d+(,\d+)*$/.test(seedList ?? '')) {
  console.error('usage: node bench/recipe/seeds.mjs <pipeline> <seed,seed,...> [--NAME=VALUE ...]');
  process.exit(2);
}
const command = join(import.meta.dirname, '..', '..', 'libs', 'cli', 'bin', 'prosodia.mjs');

const runs = seedList.split(',').map((seed) => {
  const child = spawnSync(process.execPath, [command, 'run', pipeline, `--seed=${seed}`, '--json', ...options], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) process.exit(child.status ?? 1);
  const last = JSON.parse(child.stdout.trim().split('\n').at(-1));
  const metrics = JSON.parse(readFileSync(join(last.run, 'metrics.json'), 'utf8'));
  const record = JSON.parse(readFileSync(join(last.run, 'run.json'), 'utf8'));
  console.error(`seed ${seed}: accuracy ${metrics.accuracy.toFixed(4)}, ${last.computed} stages computed`);
  return { metrics, record };
});

const percent = (value) => (100 * value).toFixed(1);

/** Mean and sample standard deviation, in percent. */
function spread(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return `${percent(mean)} ± ${percent(Math.sqrt(variance))}`;
}

const rows = [
  ['accuracy', ({ metrics }) => metrics.accuracy],
  ['balanced accuracy (UAR)', ({ metrics }) => metrics.balanced_accuracy],
  ['macro F1', ({ metrics }) => metrics.macro_f1],
  ...runs[0].metrics.confusion_matrix.labels.map((label) => [label, ({ metrics }) => metrics.per_class[label].recall]),
  ...Object.keys(runs[0].metrics.members ?? {}).map((name) => [
    `${name} alone, accuracy`,
    ({ metrics }) => metrics.members[name].accuracy,
  ]),
];
console.log(`| figure | mean ± deviation, % | seeds ${seedList} |\n| --- | --- | --- |`);
for (const [name, read] of rows) {
  const values = runs.map(read);
  console.log(`| ${name} | ${spread(values)} | ${values.map(percent).join(', ')} |`);
}
const peak = Math.max(...runs.flatMap(({ record }) => record.stages.map((stage) => stage.peak_memory_bytes ?? 0)));
console.log(`\nLargest memory of a stage: ${(peak / 1024 ** 3).toFixed(2)} GiB`);
