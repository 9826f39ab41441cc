/**
 * The resampler against soxr's HQ through librosa, one thread each, on the same four seconds of noise.
 *
 *     npx tsx bench/resample/bench.ts [--rounds 5]
 *
 * Prints one JSON object per line: { name, ours_s, peer, peer_s, ratio }, seconds of processor time per second of
 * audio. Rounds alternate between the two, and the fastest of each counts. Both sides also return the energy of
 * their output, and the bench fails when the two differ.
 *
 * The peer needs librosa and soxr; PYTHON names the interpreter (default python3).
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { resample } from '@prosodia/audio';

const SECONDS = 4;
const CALLS = 10;
const PAIRS = [
  [48_000, 16_000],
  [44_100, 16_000],
  [22_050, 16_000],
  [16_000, 22_050],
  [16_000, 48_000],
  // As in a shift of the pitch by two semitones.
  [16_000, 16_000 / 2 ** (2 / 12)],
] as const;

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const python = process.env['PYTHON'] ?? 'python3';
if (spawnSync(python, ['-c', 'import librosa, soxr']).status !== 0) {
  console.error(`skipped: ${python} has no librosa or soxr (set PYTHON to an interpreter that has them)`);
  process.exit(0);
}

let state = 1;
const noise = Float32Array.from({ length: 48_000 * SECONDS }, () => {
  state = (Math.imul(1664525, state) + 1013904223) >>> 0;
  return 0.4 * (state / 2 ** 31 - 1);
});

const folder = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
try {
  const file = join(folder, 'noise.f32');
  writeFileSync(file, new Uint8Array(noise.buffer));
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const peer = spawn(python, [script, file, String(SECONDS), String(CALLS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  for (const [from, to] of PAIRS) {
    const y = noise.slice(0, from * SECONDS);
    let energy = 0;
    const once = () => {
      const start = process.cpuUsage();
      let output: Float32Array = new Float32Array();
      for (let call = 0; call < CALLS; call++) output = resample(y, from, to);
      const { user, system } = process.cpuUsage(start);
      energy = output.reduce((sum, x) => sum + x * x, 0);
      return (user + system) / 1e6 / CALLS / SECONDS;
    };
    const ask = async () => {
      peer.stdin.write(`${from} ${to}\n`);
      const { value } = (await answers.next()) as { value?: string };
      if (value === undefined) throw new Error('the peer ended early');
      return JSON.parse(value) as { seconds: number; sum: number; peer: string };
    };
    once();
    let answer = await ask();
    let [ours_s, peer_s] = [Infinity, Infinity];
    for (let round = 0; round < Number(args.rounds); round++) {
      ours_s = Math.min(ours_s, once());
      answer = await ask();
      peer_s = Math.min(peer_s, answer.seconds);
    }
    // Noise reaches into the transition band, where the two filters fall in different ways.
    if (!(Math.abs(energy - answer.sum) <= 5e-3 * answer.sum)) {
      throw new Error(`the outputs differ in energy, ours ${energy}, the peer's ${answer.sum}`);
    }
    const name = `resample ${from} to ${Math.round(to)} Hz, per second of audio`;
    console.log(JSON.stringify({ name, ours_s, peer: answer.peer, peer_s, ratio: peer_s / ours_s }));
  }
  peer.stdin.end();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
