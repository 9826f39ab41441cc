/**
 * Training step against PyTorch; with --device, the recipes' networks on a GPU against the CPU (`device.ts`).
 *
 *     npm run bench -- nn [--rounds 3] [--steps 8] [name ...]
 *     npm run bench -- nn --device=webgpu [--batch 32] [--rounds 3] [--steps 8] [recipe ...]
 *
 * Each network trains on random rows with both in turn, with 1 and with 2 threads; the fastest step of the
 * better thread count counts, as an epoch of 1,152 rows. The fastest, not the mean, because other work on
 * the machine only ever makes a step slower. Where there is much of it, compare `cpu_ratio`: processor
 * time of the fastest step with one thread, which waiting does not count to. Prints one JSON object per line.
 *
 * The peer needs torch; PYTHON names the interpreter (default python3). Debian's python3-torch needs libopenblas0 beside
 * it: with the reference BLAS it would take otherwise, its recurrent networks are ten times slower.
 */
import { ProsodiaError } from '@prosodia/core';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchmarks } from './networks.ts';
import { openTraining } from './ours.ts';

const ROWS = 1152;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '8' },
    device: { type: 'string' },
    batch: { type: 'string', default: '32' },
    json: { type: 'boolean' },
  },
});
const rounds = Number(values.rounds);
const steps = Number(values.steps);

if (values.device !== undefined) {
  const { benchmarkDevice } = await import('./device.ts');
  try {
    await benchmarkDevice(values.device, { rounds, steps, batch: Number(values.batch), names: positionals });
  } catch (error) {
    if (!(error instanceof ProsodiaError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
  // The WebGPU provider keeps the process alive otherwise.
  process.exit(0);
}

interface Answer {
  seconds: number;
  cpu_seconds: number;
  version: string;
}

const python = spawn(process.env['PYTHON'] ?? 'python3', [fileURLToPath(new URL('./peer.py', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();

async function askPeer(request: Record<string, unknown>): Promise<Answer> {
  python.stdin.write(`${JSON.stringify(request)}\n`);
  const answer = await answers.next();
  if (answer.done) throw new Error('The peer ended: is torch installed?');
  return JSON.parse(answer.value) as Answer;
}

const rounded = (value: number): number => Number(value.toPrecision(3));

for (const benchmark of benchmarks.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  for (const batch of benchmark.batchSizes) {
    const best = { ours: Infinity, theirs: Infinity, oursCpu: Infinity, theirsCpu: Infinity, create: Infinity };
    let version = '';
    for (let round = 0; round < rounds; round++) {
      for (const threads of [1, 2]) {
        const training = await openTraining(benchmark, batch, { threads });
        const ours = await training.fastestStep(steps);
        await training.release();
        const theirs = await askPeer({ name: benchmark.name, batch, threads, steps });
        version = theirs.version;
        best.create = Math.min(best.create, training.createSeconds);
        best.ours = Math.min(best.ours, ours.seconds);
        best.theirs = Math.min(best.theirs, theirs.seconds);
        if (threads > 1) continue;
        best.oursCpu = Math.min(best.oursCpu, ours.cpuSeconds);
        best.theirsCpu = Math.min(best.theirsCpu, theirs.cpu_seconds);
      }
    }
    console.log(
      JSON.stringify({
        name: `nn/${benchmark.name}/batch-${batch}`,
        ours_s: rounded((best.ours * ROWS) / batch),
        peer: `PyTorch ${version}`,
        peer_s: rounded((best.theirs * ROWS) / batch),
        ratio: rounded(best.ours / best.theirs),
        cpu_ratio: rounded(best.oursCpu / best.theirsCpu),
        create_s: rounded(best.create),
      }),
    );
  }
}
python.stdin.end();
