/**
 * Compares the eGeMAPS-style functionals with openSMILE's on real recordings: how far both order the recordings alike.
 *
 *   PYTHON=path/to/python node bench/parity/egemaps.mjs --data path/to/ravdess [--every 24]
 *
 * Prints a row per group of functionals: the median and the range of their correlations over the recordings.
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
const { egemaps } = await import('@prosodia/dsp');

const { values: args } = parseArgs({
  options: { data: { type: 'string' }, every: { type: 'string', default: '24' } },
});
if (args.data === undefined || !existsSync(args.data)) {
  console.log(`skipped: no recordings at ${args.data ?? '(no --data given)'}`);
  process.exit(0);
}
const files = readdirSync(args.data, { recursive: true })
  .filter((name) => /\.(flac|wav)$/i.test(name))
  .sort()
  .filter((_, index) => index % Number(args.every) === 0);

const peer = spawn(process.env['PYTHON'] ?? 'python3', [join(import.meta.dirname, 'opensmile_peer.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
peer.on('error', ({ message }) => {
  console.error(`the peer did not start: ${message} (set PYTHON to an interpreter that has opensmile 2)`);
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
  const ours = egemaps(y, { sr });
  const { value, done } = await answers.next();
  if (done) throw new Error('the peer ended early');
  pairs.push([ours, JSON.parse(value)]);
}
peer.stdin.end();

const GROUPS = {
  'pitch: level (mean, percentiles, range)': /^F0.*(amean|percentile|pctl)/,
  'pitch: spread and slopes': /^F0.*(stddevNorm|Slope)/,
  'loudness: level, spread, slopes': /^loudness_/,
  'loudness peaks per second': /^loudnessPeaks/,
  'equivalent sound level': /^equivalent/,
  'jitter, shimmer: means': /^(jitter|shimmer).*amean/,
  'harmonics-to-noise: mean': /^HNR.*amean/,
  'H1-H2, H1-A3: means': /^logRel.*amean/,
  'formants: frequencies and bandwidths': /^F[123](freq|band)/,
  'formants: levels': /^F[123]amp/,
  'spectral flux': /^spectralFlux/,
  'MFCC 1 to 4: means': /^mfcc.*amean/,
  'alpha ratio, Hammarberg index: means': /^(alpha|hammar).*amean/,
  'spectral slopes: means': /^slope.*amean/,
  'coefficients of variation of what may be 0': /^(mfcc|slope|alpha|hammar|logRel|jitter|shimmer|HNR).*stddevNorm/,
  'voiced and unvoiced segments': /Segment/,
};

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const correlation = (name) => {
  const both = pairs.map(([a, b]) => [a[name], b[name]]).filter((pair) => pair.every(Number.isFinite));
  const centre = [0, 1].map((side) => mean(both.map((pair) => pair[side])));
  const product = (p, q) => mean(both.map((pair) => (pair[p] - centre[p]) * (pair[q] - centre[q])));
  return product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1));
};
const spread = (names) => {
  const sorted = names.map(correlation).sort((a, b) => a - b);
  return [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)].map((value) => value.toFixed(2));
};
const names = Object.keys(pairs[0][0]);
console.log('| group | functionals | correlation: median | least | largest |\n| --- | --- | --- | --- | --- |');
for (const [group, pattern] of Object.entries(GROUPS)) {
  const some = names.filter((name) => pattern.test(name));
  console.log(`| ${group} | ${some.length} | ${spread(some).join(' | ')} |`);
}
console.log(`| all | ${names.length} | ${spread(names).join(' | ')} |`);
