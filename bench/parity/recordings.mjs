/** Ours beside a peer over real recordings: what egemaps.mjs and voice.mjs share. */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { decodeAudio, resample } from '@prosodia/audio';

/** What both sides get their samples at, in Hz. */
export const SR = 16000;

/**
 * Measures every n-th recording of `--data` on both sides, n being `--every`; ends the process if there are none.
 *
 * @param script the peer's, in this folder: reads a line of JSON, {"samples": n, "sr": rate}, and n float32, and answers
 *   with a line of JSON
 * @param needs what the interpreter that PYTHON names must have
 * @param every what `--every` is if it is not given
 * @param measure our side, from samples to numbers by name
 * @returns for each recording ours and theirs
 */
export async function besidePeer({ script, needs, every, measure }) {
  const { values: args } = parseArgs({
    options: { data: { type: 'string' }, every: { type: 'string', default: String(every) } },
  });
  if (args.data === undefined || !existsSync(args.data)) {
    console.log(`skipped: no recordings at ${args.data ?? '(no --data given)'}`);
    process.exit(0);
  }
  const files = readdirSync(args.data, { recursive: true })
    .filter((name) => /\.(flac|wav)$/i.test(name))
    .sort()
    .filter((_, index) => index % Number(args.every) === 0);

  const peer = spawn(process.env['PYTHON'] ?? 'python3', [join(import.meta.dirname, script)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  peer.on('error', ({ message }) => {
    console.error(`the peer did not start: ${message} (set PYTHON to an interpreter that has ${needs})`);
    process.exit(1);
  });
  const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const pairs = [];
  for (const file of files) {
    const audio = await decodeAudio(readFileSync(join(args.data, file)));
    const y = resample(audio.samples, audio.sampleRate, SR);
    peer.stdin.write(`${JSON.stringify({ samples: y.length, sr: SR })}\n`);
    peer.stdin.write(Buffer.from(y.buffer, y.byteOffset, y.byteLength));
    const ours = measure(y);
    const { value, done } = await answers.next();
    if (done) throw new Error('the peer ended early');
    pairs.push([ours, JSON.parse(value)]);
  }
  peer.stdin.end();
  return pairs;
}

/** Ours and theirs of one measure, of the recordings where both have it. */
export function bothSides(pairs, name) {
  return pairs.map(([a, b]) => [a[name], b[name]]).filter((pair) => pair.every(Number.isFinite));
}

/** Pearson's correlation. */
export function correlation(both) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const centre = [0, 1].map((side) => mean(both.map((pair) => pair[side])));
  const product = (p, q) => mean(both.map((pair) => (pair[p] - centre[p]) * (pair[q] - centre[q])));
  return product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1));
}
