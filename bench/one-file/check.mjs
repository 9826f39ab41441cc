/**
 * Holds a one-file model to the probabilities that its run had written, clip by clip, and prints the largest difference.
 *
 *   npx prosodia export cnn-lstm --one-file --to emotion.onnx
 *   PYTHON=path/to/python node bench/one-file/check.mjs --run artifacts/runs/cnn-lstm/latest --model emotion.onnx
 *
 * Test clips of the run, spread evenly over all of them: `--clips` with onnxruntime-node, the first `--some` of them
 * with onnxruntime-web (wasm, in Node) and with Python's onnxruntime, if PYTHON has it. Samples are those of the run,
 * resampled already. Ends with 1 if one probability differs by more than 1e-4.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { MODEL, MessageReader, PAIR } = await import('@prosodia/onnx');
const { AudioTable, PredictionTable } = await import('@prosodia/tables');

const BOUND = 1e-4;
const { values: args } = parseArgs({
  options: {
    run: { type: 'string' },
    model: { type: 'string' },
    clips: { type: 'string', default: '200' },
    some: { type: 'string', default: '5' },
  },
});
if (args.run === undefined || args.model === undefined) throw new Error('--run FOLDER --model FILE');

const bytes = readFileSync(args.model);
const pairs = new MessageReader(bytes).messages(MODEL.metadata);
const facts = Object.fromEntries(pairs.map((pair) => [pair.string(PAIR.key), pair.string(PAIR.value)]));
const members = JSON.parse(facts.members);
const stages = join(args.run, 'stages');

/** Mean probabilities of the members by item, test rows only. */
const expected = new Map();
for (const member of members) {
  const table = await PredictionTable.open(join(stages, member, 'predictions'), { where: member });
  const { rows, probabilities } = await table.all();
  const classes = probabilities.length / rows.length;
  for (const [r, { item_id, role }] of rows.entries()) {
    if (role !== 'test') continue;
    const own = probabilities.subarray(r * classes, (r + 1) * classes);
    const sum = expected.get(item_id) ?? new Float64Array(classes);
    expected.set(
      item_id,
      sum.map((value, c) => value + own[c] / members.length),
    );
  }
}
const wanted = Math.min(Number(args.clips), expected.size);
const all = [...expected.keys()];
const chosen = Array.from({ length: wanted }, (_, i) => all[Math.floor((i * all.length) / wanted)]);

/** @type {Map<string, Float32Array>} */
const samples = new Map();
const audio = await AudioTable.open(join(stages, 'audio', 'audio'), { where: 'the run' });
for (const row of await audio.all()) if (chosen.includes(row.item_id)) samples.set(row.item_id, row.samples);

const worst = (found) =>
  Math.max(...found.flatMap((own, i) => [...expected.get(chosen[i])].map((p, c) => Math.abs(p - own[c]))));

/** How far the clips differ from each other, in one label: a model that gives all the same would be easy to match. */
const spread = Math.max(
  ...[...expected.values().next().value].map((_, c) => {
    const own = chosen.map((item) => expected.get(item)[c]);
    return Math.max(...own) - Math.min(...own);
  }),
);

/** Probabilities of the first clips. */
async function predicted(ort, options, count) {
  const session = await ort.InferenceSession.create(bytes, options);
  const found = [];
  for (const item of chosen.slice(0, count)) {
    const own = Float32Array.from(samples.get(item));
    const { probabilities } = await session.run({ waveform: new ort.Tensor('float32', own, [1, own.length]) });
    found.push([...probabilities.data]);
  }
  return found;
}

const some = Math.min(Number(args.some), wanted);
const node = await import('onnxruntime-node');
const web = await import('onnxruntime-web');
web.env.wasm.numThreads = 1;
const result = {
  members,
  megabytes: Number((bytes.length / 1e6).toFixed(1)),
  clips: wanted,
  spread: Number(spread.toFixed(3)),
  node: worst(await predicted(node, { intraOpNumThreads: 1 }, wanted)),
  some,
  web: worst(await predicted(web, { executionProviders: ['wasm'] }, some)),
};
const peer = spawnSync(process.env.PYTHON ?? 'python3', [join(import.meta.dirname, 'peer.py'), args.model], {
  input: JSON.stringify(chosen.slice(0, some).map((item) => [...samples.get(item)])),
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
if (peer.status === 0) result.python = worst(JSON.parse(peer.stdout));
else result.python = `skipped: ${peer.stderr.trim().split('\n').at(-1)}`;
console.log(JSON.stringify(result));
const found = [result.node, result.web, result.python].filter((value) => typeof value === 'number');
process.exit(found.every((value) => value <= BOUND) ? 0 : 1);
