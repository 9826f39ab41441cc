/**
 * Compares the measures of voice quality with Praat's on real recordings: correlation and typical deviation.
 *
 *   PYTHON=path/to/python node bench/parity/voice.mjs --data path/to/ravdess [--every 15]
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { decodeAudio, resample } = await import('@prosodia/audio');
const { VOICE_QUALITY_NAMES, voiceQuality } = await import('@prosodia/dsp');

const { values: args } = parseArgs({
  options: { data: { type: 'string' }, every: { type: 'string', default: '15' } },
});
if (args.data === undefined || !existsSync(args.data)) {
  console.log(`skipped: no recordings at ${args.data ?? '(no --data given)'}`);
  process.exit(0);
}
const files = readdirSync(args.data, { recursive: true })
  .filter((name) => /\.(flac|wav)$/i.test(name))
  .sort()
  .filter((_, index) => index % Number(args.every) === 0);

const peer = spawn(process.env['PYTHON'] ?? 'python3', [join(import.meta.dirname, 'praat.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
peer.on('error', ({ message }) => {
  console.error(`the peer did not start: ${message} (set PYTHON to an interpreter that has praat-parselmouth)`);
  process.exit(1);
});
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const sr = 16000;
const pairs = [];
for (const file of files) {
  const audio = await decodeAudio(readFileSync(join(args.data, file)));
  const y = resample(audio.samples, audio.sampleRate, sr);
  peer.stdin.write(`${JSON.stringify({ samples: y.length, sr })}\n`);
  peer.stdin.write(Buffer.from(y.buffer, y.byteOffset, y.byteLength));
  const ours = voiceQuality(y, { sr });
  const { value, done } = await answers.next();
  if (done) throw new Error('the peer ended early');
  pairs.push([ours, JSON.parse(value)]);
}
peer.stdin.end();

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
console.log('| measure | clips | correlation | median deviation, % |\n| --- | --- | --- | --- |');
for (const name of VOICE_QUALITY_NAMES) {
  const both = pairs.map(([a, b]) => [a[name], b[name]]).filter((pair) => pair.every(Number.isFinite));
  const centre = [0, 1].map((side) => mean(both.map((pair) => pair[side])));
  const product = (p, q) => mean(both.map((pair) => (pair[p] - centre[p]) * (pair[q] - centre[q])));
  const correlation = product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1));
  const away = both.map(([a, b]) => Math.abs(a - b) / Math.abs(b)).sort((a, b) => a - b);
  const median = 100 * away[Math.floor(away.length / 2)];
  console.log(`| ${name} | ${both.length} | ${correlation.toFixed(4)} | ${median.toPrecision(2)} |`);
}
