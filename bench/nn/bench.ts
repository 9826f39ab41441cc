/**
 * Training step against PyTorch: `node --import tsx bench/nn/bench.ts [name ...]`.
 *
 * Each network trains on random rows with both, in turn, with 1 and with 2 threads; the fastest step of
 * the better thread count counts, as an epoch of 1,152 rows. Prints one JSON object per line. The
 * fastest step, not the mean, because other work on the machine only ever makes a step slower.
 * PyTorch is that of `PROSODIA_PYTHON` (default `python3`).
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { openTraining } from './ours.ts';
import { benchmarks } from './networks.ts';

const ROWS = 1152;
const THREADS = [1, 2];
const ROUNDS = 3;
const STEPS = 8;

const python = spawn(process.env['PROSODIA_PYTHON'] ?? 'python3', [new URL('./peer.py', import.meta.url).pathname], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();

async function peer(request: Record<string, unknown>): Promise<{ seconds: number; version: string }> {
  python.stdin.write(`${JSON.stringify(request)}\n`);
  const { value } = await answers.next();
  return JSON.parse(value as string) as { seconds: number; version: string };
}

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
for (const benchmark of benchmarks.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  for (const batch of benchmark.batchSizes) {
    let ours = Infinity;
    let theirs = Infinity;
    let create = Infinity;
    let version = '';
    for (let round = 0; round < ROUNDS; round++) {
      for (const threads of THREADS) {
        const training = await openTraining(benchmark, batch, threads);
        create = Math.min(create, training.createSeconds);
        ours = Math.min(ours, ((await training.fastestStep(STEPS)) * ROWS) / batch);
        await training.release();
        const answer = await peer({ name: benchmark.name, batch, threads, steps: STEPS });
        theirs = Math.min(theirs, answer.seconds);
        version = answer.version;
      }
    }
    const round3 = (value: number): number => Number(value.toPrecision(3));
    console.log(
      JSON.stringify({
        name: `nn/${benchmark.name}/batch-${batch}`,
        ours_s: round3(ours),
        peer: `PyTorch ${version}`,
        peer_s: round3(theirs),
        ratio: round3(ours / theirs),
        create_s: round3(create),
      }),
    );
  }
}
python.stdin.end();
