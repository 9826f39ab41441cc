/**
 * Holds the forest to scikit-learn's: the same rows, ten seeds on each side, are both equally good?
 *
 *   PYTHON=path/to/python node bench/forest/agreement.mjs [--seeds 10] [--trees 100] [--run artifacts/runs/ensemble/latest]
 *
 * Random forests cannot be equal tree by tree: the two draw other random numbers. So for the accuracy and the
 * log-loss on test rows and for the out-of-bag accuracy the means over the seeds are compared, in units of the
 * standard error of their difference (Welch's t). Beyond 2.88 in size (1 % for ten seeds a side) is marked. Importances,
 * the mean over the seeds, are compared by Spearman's rank correlation. Where many columns matter about equally little,
 * their order is chance, so scikit-learn is also compared with itself over as many other seeds: ours must reach 0.95, or
 * come within 0.02 of that; more trees bring both closer to 1.
 *
 * A single fully grown tree without bootstrap and with all features leaves nothing to chance but ties between splits.
 * Each test row goes down both trees until they split the node's training rows otherwise; there the impurities that the
 * two splits leave must be the same, or the row counts as wrong; but for splits between values within 1e-7 of each
 * other, which scikit-learn takes as equal and we do not. A node of one class is decided, split or not: with weights that
 * no binary fraction holds, scikit-learn's impurity of such a node comes out as 1e-16 and it goes on splitting. `certain`
 * are the rows that meet no tie: their predictions must be identical.
 *
 * With --run, the data are the features of a run of the `ensemble` recipe: what its forest was given.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { Rng } = await import('@prosodia/core');
const { fitForest, predict, predictProba } = await import('@prosodia/forest');
const { encodeLabels, logLoss } = await import('@prosodia/stats');
const { ClipTable, FeatureTable, SplitTable, clipLabels } = await import('@prosodia/tables');
const { readRecord } = await import('@prosodia/runner');
const { ensureBuild } = await import('../../libs/runner/launch/build.mjs');

const root = resolve(import.meta.dirname, '../..');
process.env.PROSODIA_ROOT = root;
process.env.PROSODIA_BUILD = await ensureBuild(root);

const { values: args } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    trees: { type: 'string', default: '100' },
    run: { type: 'string' },
  },
});
const seeds = Number(args.seeds);
const trees = Number(args.trees);
const python = process.env.PYTHON ?? 'python3';

const folder = mkdtempSync(join(tmpdir(), 'prosodia-agreement-'));
try {
  console.log(
    '| data | figure | ours | scikit-learn | difference in standard errors |\n| --- | --- | --- | --- | --- |',
  );
  const sets = args.run === undefined ? synthesized() : await ofRun(resolve(args.run));
  const rest = [];
  let failures = 0;
  for (const data of sets) {
    const theirs = peer(data);
    const ours = [];
    for (let seed = 0; seed < seeds; seed++) ours.push(await fitted(data, seed));
    for (const figure of ['accuracy', 'log_loss', 'oob']) {
      const [a, b] = [ours, theirs.fits].map((fits) => spread(fits.map((fit) => fit[figure])));
      const t = (a.mean - b.mean) / Math.sqrt((a.variance + b.variance) / seeds);
      if (!(Math.abs(t) <= 2.88)) failures++;
      const shown = [a, b].map(({ mean, variance }) => `${mean.toFixed(4)} ± ${Math.sqrt(variance).toFixed(4)}`);
      console.log(
        `| ${data.name} | ${figure} | ${shown.join(' | ')} | ${t.toFixed(2)}${Math.abs(t) <= 2.88 ? '' : ' !'} |`,
      );
    }
    const mean = meanImportances(theirs.fits);
    const [correlation, itself] = [meanImportances(ours), theirs.again].map((other) => spearman(other, mean));
    const tree = await singleTree(data, theirs.tree);
    if (!(correlation > Math.min(0.95, itself - 0.02)) || tree.wrong > 0) failures++;
    rest.push(
      `| ${data.name} | ${correlation.toFixed(3)} | ${itself.toFixed(3)} | ${tree.certain} of ${data.testRows} | ${tree.same} | ${tree.wrong} |`,
    );
  }
  console.log(
    '\n| data | importances, Spearman | scikit-learn with itself | certain rows of one tree | predicted the same | wrong |',
  );
  console.log(`| --- | --- | --- | --- | --- | --- |\n${rest.join('\n')}`);
  process.exitCode = failures > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}

/** Data sets of different structure, by formula and seed. */
function synthesized() {
  const make = (name, rows, cols, classes, draw, extra = {}) => {
    const rng = new Rng(11, name);
    const row = draw(rng.fork('structure'), cols, classes);
    const side = (own) => {
      const x = new Float32Array(rows * cols);
      const y = Int32Array.from({ length: rows }, (_, i) => row(own, x.subarray(i * cols, (i + 1) * cols)));
      return { x, y };
    };
    const [train, test] = [side(rng.fork('train')), side(rng.fork('test'))];
    return { name, rows, testRows: rows, cols, classes, ...train, testX: test.x, testY: test.y, ...extra };
  };
  const centres = (rng, cols, classes) =>
    Array.from({ length: classes * cols }, (_, i) => (0.5 * rng.normal()) / (1 + (i % cols) / 8));
  return [
    make('overlapping classes, 1000 x 40', 1000, 40, 8, (structure, cols, classes) => {
      const centre = centres(structure, cols, classes);
      return (rng, x) => {
        const k = rng.int(classes);
        for (let j = 0; j < cols; j++) x[j] = rng.normal() + centre[k * cols + j];
        return k;
      };
    }),
    make('correlated columns, rare classes, 1500 x 60', 1500, 60, 5, (structure, cols, classes) => {
      const centre = centres(structure, 6, classes).map((c) => 2 * c);
      const mixing = Array.from({ length: 6 * cols }, () => structure.normal());
      return (rng, x) => {
        const k = Math.floor(classes * rng.next() ** 2);
        const latent = Array.from({ length: 6 }, (_, f) => rng.normal() + centre[k * 6 + f]);
        for (let j = 0; j < cols; j++) {
          x[j] = latent.reduce((sum, value, f) => sum + value * mixing[f * cols + j], (0.1 + j / 20) * rng.normal());
        }
        return k;
      };
    }),
    make('interactions, 1200 x 12', 1200, 12, 4, () => (rng, x) => {
      for (let j = 0; j < x.length; j++) x[j] = rng.uniform(-1 - j / 10, 1 + j / 10);
      if (rng.next() < 0.1) return rng.int(4);
      return 2 * Number(x[0] * x[1] > 0) + Number(x[2] + x[3] * x[4] > 0.2 * Math.sin(5 * x[5]));
    }),
    make('whole numbers, many equal, 1000 x 20', 1000, 20, 3, () => (rng, x) => {
      const k = rng.int(3);
      for (let j = 0; j < x.length; j++) x[j] = Math.round(2 * rng.normal() + (k * (20 - j)) / 12);
      return k;
    }),
  ];
}

/** What the forest of a recipe's run was given: training rows, augmented copies included, and the test clips. */
async function ofRun(run) {
  const record = await readRecord(run);
  const open = (kind, stage, output) => {
    const { digest } = record.stages.find((own) => own.stage === stage).outputs[output];
    const place = join(run, '..', '..', '..', 'store', 'content', digest.slice(0, 2), digest);
    return kind.open(place, { where: `${stage}.${output}` });
  };
  const features = await open(FeatureTable, 'pca', 'features');
  const roles = await (await open(SplitTable, 'split', 'split')).roles(0);
  const labelOf = await clipLabels(await open(ClipTable, 'clips', 'clips'), 'emotion');
  const { items, values, width: cols } = await features.all();
  const classes = [...new Set(labelOf.values())].sort();
  const side = (wanted) => {
    const rows = [...items.keys()].filter((i) => wanted(items[i]));
    const x = new Float32Array(rows.length * cols);
    rows.forEach((from, to) => x.set(values.subarray(from * cols, (from + 1) * cols), to * cols));
    return {
      x,
      y: encodeLabels(
        rows.map((i) => labelOf.get(items[i].clip_id)),
        classes,
      ).indices,
    };
  };
  const train = side(({ clip_id }) => roles.get(clip_id) !== 'test');
  const test = side(({ clip_id, augmentation }) => roles.get(clip_id) === 'test' && augmentation === null);
  const common = { rows: train.y.length, testRows: test.y.length, cols, classes: classes.length };
  const data = { ...common, ...train, testX: test.x, testY: test.y };
  const size = `${data.rows} x ${cols}`;
  return [
    { ...data, name: `features of the recipe, ${size}` },
    { ...data, name: `the same, classes balanced, ${size}`, class_weight: 'balanced' },
  ];
}

function peer({ x, y, testX, testY, rows, testRows, cols, classes, class_weight }) {
  for (const [name, array] of Object.entries({ x, y, testX, testY })) {
    writeFileSync(join(folder, name), new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  const sizes = { rows, testRows, cols, classes, trees, seeds, class_weight: class_weight ?? null };
  const script = join(import.meta.dirname, 'agreement.py');
  const { status, stderr } = spawnSync(python, [script, folder, JSON.stringify(sizes)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`scikit-learn's side failed:\n${stderr}`);
  return JSON.parse(readFileSync(join(folder, 'answer.json'), 'utf8'));
}

async function fitted(data, seed) {
  const { x, y, rows, cols, classes, testX, testY, testRows, class_weight = null } = data;
  const forest = await fitForest({
    ...{ x, y, rows, cols, classes, class_weight, seed },
    bootstrap_weighting: 'draw',
    n_estimators: trees,
    oob_score: true,
    threads: availableParallelism(),
  });
  const probabilities = { data: predictProba(forest, testX, testRows, cols), rows: testRows, cols: classes };
  const chosen = predict(forest, testX, testRows, cols);
  return {
    accuracy: chosen.filter((k, i) => k === testY[i]).length / testRows,
    log_loss: logLoss(testY, probabilities),
    oob: forest.oob.score,
    importances: [...forest.feature_importances],
  };
}

async function singleTree({ x, y, rows, cols, classes, testX, testRows, class_weight = null }, theirs) {
  const forest = await fitForest({
    ...{ x, y, rows, cols, classes, class_weight },
    n_estimators: 1,
    max_features: null,
    bootstrap: false,
    seed: 1,
  });
  const own = predict(forest, testX, testRows, cols);
  const weights = classWeights(y, classes, class_weight);
  const goes = {
    ours: (n, row) => row[forest.feature[n]] <= forest.threshold[n],
    theirs: (n, row) => row[theirs.feature[n]] <= theirs.threshold[n],
  };
  const rowsOf = (matrix) => (i) => matrix.subarray(i * cols, (i + 1) * cols);
  const [train, test] = [rowsOf(x), rowsOf(testX)];
  const result = { certain: 0, same: 0, wrong: 0 };
  const waiting = [
    {
      a: 0,
      b: 0,
      members: Array.from({ length: rows }, (_, i) => i),
      tested: Array.from({ length: testRows }, (_, i) => i),
    },
  ];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const { a, b, members, tested } = node;
    if (tested.length === 0) continue;
    const leaves = [forest.feature[a] < 0, theirs.feature[b] < 0];
    const pure = members.every((i) => y[i] === y[members[0]]);
    if (pure || (leaves[0] && leaves[1])) {
      result.certain += tested.length;
      result.same += tested.filter((i) => own[i] === theirs.predicted[i]).length;
      result.wrong += tested.filter((i) => own[i] !== theirs.predicted[i]).length;
      continue;
    }
    if (leaves[0] !== leaves[1]) {
      result.wrong += tested.length;
      continue;
    }
    const split = (side, n) => members.filter((i) => goes[side](n, train(i)));
    const [left, other] = [split('ours', a), split('theirs', b)];
    const equal =
      forest.feature[a] === theirs.feature[b] && left.length === other.length && left.every((i, at) => i === other[at]);
    if (!equal) {
      const [p, q] = [left, other].map((side) => purity(side, members, y, classes, weights));
      const tied = Math.abs(p - q) <= 1e-9 * Math.abs(p);
      if (!tied && gap(members, left, x, cols, forest.feature[a]) > 1e-7) result.wrong += tested.length;
      continue;
    }
    const inLeft = new Set(left);
    const ways = [tested.filter((i) => goes.ours(a, test(i))), tested.filter((i) => !goes.ours(a, test(i)))];
    waiting.push({ a: forest.child[a], b: theirs.left[b], members: left, tested: ways[0] });
    waiting.push({
      a: forest.child[a] + 1,
      b: theirs.right[b],
      members: members.filter((i) => !inLeft.has(i)),
      tested: ways[1],
    });
  }
  return result;
}

/** Between the greatest value on the left and the smallest on the right. */
function gap(members, left, x, cols, column) {
  const isLeft = new Set(left);
  let [low, high] = [-Infinity, Infinity];
  for (const i of members) {
    const value = x[i * cols + column];
    if (isLeft.has(i)) low = Math.max(low, value);
    else high = Math.min(high, value);
  }
  return high - low;
}

function classWeights(y, classes, spec) {
  const counts = new Float64Array(classes);
  for (const k of y) counts[k]++;
  return counts.map((count) => (spec === 'balanced' ? y.length / (classes * count) : 1));
}

/** Sum over both sides of squared class weights over the side's weight: what a split by gini maximizes. */
function purity(left, members, y, classes, weights) {
  const sums = [new Float64Array(classes), new Float64Array(classes)];
  const isLeft = new Set(left);
  for (const i of members) sums[isLeft.has(i) ? 0 : 1][y[i]] += weights[y[i]];
  return sums.reduce((total, side) => {
    const weight = side.reduce((a, b) => a + b, 0);
    return total + (weight > 0 ? side.reduce((a, b) => a + b * b, 0) / weight : 0);
  }, 0);
}

function spread(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1) };
}

function meanImportances(fits) {
  return fits[0].importances.map((_, j) => fits.reduce((sum, fit) => sum + fit.importances[j], 0) / fits.length);
}

function spearman(a, b) {
  const ranks = (values) => {
    const rank = new Float64Array(values.length);
    [...values.keys()].sort((i, j) => values[i] - values[j]).forEach((i, at) => (rank[i] = at));
    return rank;
  };
  const [p, q] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const dot = (u, v) => u.reduce((sum, value, i) => sum + (value - middle) * (v[i] - middle), 0);
  return dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q));
}
