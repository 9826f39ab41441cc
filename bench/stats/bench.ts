/**
 * Scaler, PCA and metrics against scikit-learn, on one thread. `npm run bench -- stats`, or
 *
 *     node --import tsx bench/stats/bench.ts [--rounds 3] [--small]
 *
 * Prints one JSON object per line: { name, ours_s, peer, peer_s, ratio }. Both sides count the processor time of what
 * is timed; rounds alternate between the two, and the fastest of each counts. The peer's BLAS is held to one thread.
 * Both also return a number that summarizes the result, and the bench fails if the two are not the same.
 *
 * The peer needs scikit-learn; PYTHON names the interpreter (default python3).
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Rng } from '@prosodia/core';
import {
  accuracy,
  applyScaler,
  argmaxRows,
  brierScore,
  confusionMatrix,
  fitPca,
  fitScaler,
  logLoss,
  precisionRecallF1,
  rocAucOvr,
  transformPca,
  type Matrix,
} from '@prosodia/stats';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, small: { type: 'boolean', default: false } },
});

interface Answer {
  seconds: number;
  value: number;
}

/** Correlated columns of falling variance, as features of speech have. */
function makeData(rows: number, cols: number): Float32Array {
  const rng = new Rng(rows, 'bench', cols);
  const hidden = Math.min(rows, cols, 64);
  const mixing = Float64Array.from({ length: hidden * cols }, () => rng.normal());
  const x = new Float32Array(rows * cols);
  const latent = new Float64Array(hidden);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < hidden; k++) latent[k] = rng.normal() * 0.9 ** k;
    for (let j = 0; j < cols; j++) {
      let sum = 3 + 0.05 * rng.normal();
      for (let k = 0; k < hidden; k++) sum += latent[k]! * mixing[k * cols + j]!;
      x[i * cols + j] = sum;
    }
  }
  return x;
}

const CLASSES = 8;
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + Math.abs(value), 0);

const ours: Record<string, (matrix: Matrix) => number> = {
  'standard scaler': (x) => sum(applyScaler(fitScaler(x, { kind: 'standard' }), x).data.subarray(0, 100)),
  'robust scaler': (x) => sum(applyScaler(fitScaler(x, { kind: 'robust' }), x).data.subarray(0, 100)),
  'pca fit': (x) => sum(fitPca(x, { n_components: 0.98 }).explained_variance),
  'pca transform': (x) => sum(transformPca(fitted!, x).data.subarray(0, 100)),
  metrics: (x) => {
    const truth = Int32Array.from({ length: x.rows }, (_, i) => i % CLASSES);
    const confusion = confusionMatrix(truth, argmaxRows(x), CLASSES);
    const averaged = precisionRecallF1(confusion).macro.f1 + accuracy(confusion);
    return averaged + logLoss(truth, x) + brierScore(truth, x) + rocAucOvr(truth, x).macro;
  },
};
let fitted: ReturnType<typeof fitPca> | undefined;

function probabilities(rows: number): Float32Array {
  const rng = new Rng(rows, 'probabilities');
  const p = new Float32Array(rows * CLASSES);
  for (let i = 0; i < rows; i++) {
    const weights = Array.from({ length: CLASSES }, (_, k) => rng.next() + (k === i % CLASSES ? 0.7 : 0.05));
    const total = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, k) => (p[i * CLASSES + k] = weight / total));
  }
  return p;
}

const python = process.env['PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import sklearn; print(sklearn.__version__)'], { encoding: 'utf8' });
const peer = found.status === 0 ? `scikit-learn ${found.stdout.trim()}` : undefined;
if (peer === undefined) console.error(`No scikit-learn in ${python}: only our side is measured.`);

const tables = args.small
  ? [[1200, 200]]
  : [
      [5000, 1400],
      [1152, 1248],
      [600, 2000],
      [20_000, 180],
    ];
const folder = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
try {
  for (const [rows, cols] of tables as [number, number][]) {
    const names = ['standard scaler', 'robust scaler', 'pca fit', 'pca transform'];
    await compare({ data: makeData(rows, cols), rows, cols }, names);
  }
  const rows = args.small ? 1000 : 20_000;
  await compare({ data: probabilities(rows), rows, cols: CLASSES }, ['metrics']);
} finally {
  rmSync(folder, { recursive: true });
}

async function compare(matrix: Matrix, names: readonly string[]): Promise<void> {
  const { data, rows, cols } = matrix;
  writeFileSync(join(folder, 'x'), new Uint8Array(data.buffer as ArrayBuffer));
  const ask = peer === undefined ? undefined : startPeer(rows, cols);
  for (const name of names) {
    if (name === 'pca transform') fitted = fitPca(matrix, { n_components: 0.98 });
    const [own, theirs]: [Answer[], Answer[]] = [[], []];
    for (let round = 0; round < Number(args.rounds); round++) {
      if (ask) theirs.push(await ask.measure(name));
      const before = process.cpuUsage();
      const value = ours[name]!(matrix);
      const { user, system } = process.cpuUsage(before);
      own.push({ seconds: (user + system) / 1e6, value });
    }
    const [ours_s, peer_s] = [own, theirs].map((answers) => Math.min(...answers.map(({ seconds }) => seconds)));
    const title = `stats/${name}, ${rows} x ${cols}`;
    const [mine, other] = [own[0]!.value, theirs[0]?.value ?? own[0]!.value];
    if (!(Math.abs(mine - other) <= 1e-4 * Math.abs(other))) throw new Error(`${title}: ${mine} here, ${other} there`);
    const ratio = ask ? ours_s! / peer_s! : null;
    console.log(JSON.stringify({ name: title, ours_s, peer: peer ?? null, peer_s: ask ? peer_s : null, ratio }));
  }
  ask?.stop();
}

/** Starts the peer on the same data; it answers one line per measurement. */
function startPeer(rows: number, cols: number) {
  const script = join(import.meta.dirname, 'peer.py');
  const one = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const child = spawn(python, [script, folder, String(rows), String(cols)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...one },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async measure(name: string): Promise<Answer> {
      child.stdin.write(`${name}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the peer ended early');
      return JSON.parse(value) as Answer;
    },
    stop: () => child.stdin.end(),
  };
}
