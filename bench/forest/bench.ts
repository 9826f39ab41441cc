/**
 * The forest against scikit-learn's RandomForestClassifier: fit a forest, predict as many rows again.
 *
 *     node --import tsx bench/forest/bench.ts [--rounds 3] [--trees 500] [--small]
 *
 * Prints one JSON object per line: { name, ours_s, peer, peer_s, ratio, clock, ours_mib, peer_mib }; the last two
 * are the most memory that each process has held so far, interpreter, data and sources included. With one thread, both sides
 * count the processor time of their whole process, compilation and garbage collection included, so that
 * other work on the machine disturbs them little; with two, the time on the wall, starting the threads
 * included. Rounds alternate between the two, and the fastest of each counts. Both sides also return the
 * accuracy and the log-loss on the rows predicted, and the bench fails if they are not near each other.
 *
 * The peer needs scikit-learn; PYTHON names the interpreter (default python3). A second peer, ml-random-forest,
 * is printed where ML_RANDOM_FOREST names a folder that it was installed in (`npm install ml-random-forest`).
 * It takes minutes for what takes seconds here, so it grows a few trees and its time is multiplied.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureMlRandomForest } from './ml-random-forest.ts';
import { Rng } from '@prosodia/core';
import { fitForest, predictProba } from '@prosodia/forest';
import { ensureBuild } from '../../libs/runner/launch/build.mjs';

interface Measured {
  /** Processor seconds of the process. */
  cpu: number;
  /** Seconds. */
  wall: number;
  accuracy: number;
  log_loss: number;
  /** The most memory that the process has held so far. */
  peak_mib: number;
}

const CLASSES = 8;

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    trees: { type: 'string', default: '500' },
    small: { type: 'boolean', default: false },
  },
});
const rounds = Number(args.rounds);
const trees = Number(args.trees);
const sizes = args.small
  ? ([[1152, 120]] as const)
  : ([
      [1152, 120],
      [4608, 180],
    ] as const);

// Worker threads load compiled sources, as they do under the prosodia command; a TypeScript loader in every
// thread would take longer to start than the forest takes to grow.
process.env['PROSODIA_ROOT'] = fileURLToPath(new URL('../..', import.meta.url));
process.env['PROSODIA_BUILD'] = await ensureBuild(process.env['PROSODIA_ROOT']);

const python = process.env['PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import sklearn; print(sklearn.__version__)'], { encoding: 'utf8' });
const peer = found.status === 0 ? `scikit-learn ${found.stdout.trim()}` : undefined;
if (peer === undefined)
  console.error(`No scikit-learn in ${python}: only our side is measured. Set PYTHON to have both.`);

const folder = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
try {
  for (const [rows, cols] of sizes) {
    const data = makeData(rows, cols);
    const ask = peer === undefined ? undefined : startPeer(rows, cols, data);
    for (const threads of [1, 2]) {
      const clock = threads === 1 ? 'cpu' : 'wall';
      const ours: Measured[] = [];
      const theirs: Measured[] = [];
      for (let round = 0; round < rounds; round++) {
        if (ask) theirs.push(await ask.measure(threads, round));
        ours.push(await measure(rows, cols, data, threads, round));
      }
      const ours_s = Math.min(...ours.map((m) => m[clock]));
      const name = `forest/${trees} trees, ${rows} x ${cols}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      const ours_mib = peak(ours);
      if (peer === undefined) {
        console.log(JSON.stringify({ name, ours_s, peer: null, peer_s: null, ratio: null, clock, ours_mib }));
        continue;
      }
      checkAlike(name, ours, theirs);
      const peer_s = Math.min(...theirs.map((m) => m[clock]));
      const peer_mib = peak(theirs);
      console.log(JSON.stringify({ name, ours_s, peer, peer_s, ratio: ours_s / peer_s, clock, ours_mib, peer_mib }));
    }
    ask?.stop();
    printMlRandomForest(rows, cols, data);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function peak(measured: Measured[]): number {
  return Math.max(...measured.map(({ peak_mib }) => peak_mib));
}

/** Prints the second peer, or why it is left out. */
function printMlRandomForest(rows: number, cols: number, { x, y }: Data): void {
  const folder = process.env['ML_RANDOM_FOREST'];
  if (folder === undefined) {
    console.error('No ml-random-forest: ML_RANDOM_FOREST names no folder it was installed in.');
    return;
  }
  const name = `forest/${trees} trees, ${rows} x ${cols}, 1 thread`;
  console.log(JSON.stringify({ name, ...measureMlRandomForest(folder, x, y, cols, trees) }));
}

interface Data {
  x: Float32Array;
  y: Int32Array;
  testX: Float32Array;
  testY: Int32Array;
}

/** Normal features around class centres that overlap, as embeddings and functionals of speech do. */
function makeData(rows: number, cols: number): Data {
  const rng = new Rng(rows);
  const centres = Float64Array.from({ length: CLASSES * cols }, () => 0.3 * rng.normal());
  const draw = () => {
    const y = Int32Array.from({ length: rows }, () => rng.int(CLASSES));
    const x = Float32Array.from({ length: rows * cols }, (_, i) => {
      return rng.normal() + centres[y[Math.floor(i / cols)]! * cols + (i % cols)]!;
    });
    return { x, y };
  };
  const [train, test] = [draw(), draw()];
  return { ...train, testX: test.x, testY: test.y };
}

async function measure(rows: number, cols: number, data: Data, threads: number, seed: number): Promise<Measured> {
  const started = performance.now();
  const before = process.cpuUsage();
  const { x, y } = data;
  const forest = await fitForest({ x, rows, cols, y, classes: CLASSES, n_estimators: trees, threads, seed });
  const p = predictProba(forest, data.testX, rows, cols);
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - started) / 1e3;
  let right = 0;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const ofRow = p.subarray(row * CLASSES, (row + 1) * CLASSES);
    if (ofRow.indexOf(Math.max(...ofRow)) === data.testY[row]) right++;
    loss -= Math.log(Math.max(ofRow[data.testY[row]!]!, Number.EPSILON));
  }
  const peak_mib = Math.round(process.resourceUsage().maxRSS / 1024);
  return { cpu: (user + system) / 1e6, wall, accuracy: right / rows, log_loss: loss / rows, peak_mib };
}

/** Starts the peer on the same data; it answers one line per measurement. */
function startPeer(rows: number, cols: number, data: Data) {
  for (const [name, values] of Object.entries(data)) writeFileSync(join(folder, name), new Uint8Array(values.buffer));
  const script = fileURLToPath(new URL('./peer.py', import.meta.url));
  const child = spawn(python, [script, folder, String(rows), String(cols), String(trees)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async measure(threads: number, seed: number): Promise<Measured> {
      child.stdin.write(`${threads} ${seed}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('The peer ended early; what it wrote is above.');
      return JSON.parse(value) as Measured;
    },
    stop: () => child.stdin.end(),
  };
}

function checkAlike(name: string, ours: Measured[], theirs: Measured[]): void {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  for (const [key, tolerance] of [
    ['accuracy', 0.03],
    ['log_loss', 0.03],
  ] as const) {
    const [a, b] = [mean(ours.map((m) => m[key])), mean(theirs.map((m) => m[key]))];
    if (Math.abs(a - b) > tolerance) throw new Error(`${name}: ${key} is ${a} here and ${b} in the peer`);
  }
}
