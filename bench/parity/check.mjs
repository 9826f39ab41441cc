/**
 * Compares every feature with librosa's, clip by clip, on real recordings, and prints the largest deviations.
 *
 *   PYTHON=path/to/python node bench/parity/check.mjs --data path/to/ravdess [--rate 16000] [--limit N] [--pitch-every 30]
 *
 * librosa has no Gaussian and no gammatone filters: for these the peer follows the formulas with numpy. Both sides get the same samples, decoded and resampled here. pYIN, which takes librosa most of a second, is
 * compared on every 30th clip only. A value is in bounds within 1e-4 of itself plus 1e-5 of the feature's mean size
 * (a sum that cancels keeps the rounding of its terms), and in decibels within 1e-2. Derivatives of coefficients are
 * small differences of large float32 numbers, which librosa rounds otherwise: they get 1e-4 of their mean size.
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { decodeAudio, resample } = await import('@prosodia/audio');
const dsp = await import('@prosodia/dsp');

const { values: args } = parseArgs({
  options: {
    data: { type: 'string' },
    rate: { type: 'string', default: '16000' },
    limit: { type: 'string', default: 'Infinity' },
    'pitch-every': { type: 'string', default: '30' },
  },
});
if (args.data === undefined || !existsSync(args.data)) {
  console.log(`skipped: no recordings at ${args.data ?? '(no --data given)'}`);
  process.exit(0);
}
const sr = Number(args.rate);
const files = readdirSync(args.data, { recursive: true })
  .filter((name) => /\.(flac|wav)$/i.test(name))
  .sort()
  .slice(0, Number(args.limit));

const PITCH = { fmin: 65.4, fmax: 600, frame_length: 2048, hop_length: 512 };

/** Those of peer.py. */
const FILTERS = {
  gaussian: { n_filters: 26, n_coefficients: 13, fmin: 50, fmax: 7000 },
  gammatone: { n_filters: 32, n_coefficients: 13, fmin: 80, fmax: 7000 },
};
const TRIM = { top_db: 30, frame_length: 1024, hop_length: 256 };

/** First and last sample that are kept, as a matrix of one row. */
const bounds = ({ start, end }) => ({ rows: 1, cols: 2, data: [start, end] });

/** Our side of peer.py, by the same names. */
function features(y, pitch) {
  const D = dsp.stft(y, { n_fft: 2048, hop_length: 512 });
  const S = dsp.powerSpectrogram(y);
  const magnitude = dsp.magnitude(S);
  const mel = dsp.melspectrogram({ S, sr });
  const db = dsp.powerToDb(mel);
  const mfcc = dsp.mfcc({ S: db, n_mfcc: 40 });
  const inTune = dsp.chromaStft({ S, sr, tuning: 0 });
  const out = {
    'stft, real': { ...D, data: D.re },
    'stft, imaginary': { ...D, data: D.im },
    melspectrogram: mel,
    'melspectrogram, htk, norm none': dsp.melspectrogram({ S, sr, n_mels: 40, htk: true, norm: null }),
    power_to_db: db,
    'power_to_db, single precision': dsp.powerToDb(dsp.melspectrogram({ y, sr, precision: 'single' })),
    'power_to_db, ref max, no top_db': dsp.powerToDb(mel, { ref: 'max', top_db: null }),
    amplitude_to_db: dsp.amplitudeToDb(magnitude),
    mfcc,
    'mfcc, single precision': dsp.mfcc({ y, sr, n_mfcc: 40 }),
    'mfcc, 13, lifter 22': dsp.mfcc({ S: db, n_mfcc: 13, lifter: 22 }),
    'mfcc, 13, dct 3': dsp.mfcc({ S: db, n_mfcc: 13, dct_type: 3 }),
    delta: dsp.delta(mfcc),
    'delta, order 2': dsp.delta(mfcc, { order: 2 }),
    chroma_stft: dsp.chromaStft({ S, sr }),
    'chroma_stft, tuning 0': inTune,
    spectral_contrast: dsp.spectralContrast({ S: magnitude, sr }),
    spectral_centroid: dsp.spectralCentroid({ S: magnitude, sr }),
    spectral_bandwidth: dsp.spectralBandwidth({ S: magnitude, sr }),
    spectral_rolloff: dsp.spectralRolloff({ S: magnitude, sr }),
    spectral_flatness: dsp.spectralFlatness({ S: magnitude }),
    zero_crossing_rate: dsp.zeroCrossingRate(y),
    rms: dsp.rms({ y }),
    tonnetz: dsp.tonnetz(inTune),
    'gaussian cepstra': dsp.gaussianCepstra({ y, sr, ...FILTERS.gaussian }),
    'gammatone cepstra': dsp.gammatoneCepstra({ y, sr, ...FILTERS.gammatone }),
    trim: bounds(dsp.trimBounds(y, TRIM)),
    yin: dsp.yin(y, { sr, ...PITCH }),
  };
  if (!pitch) return out;
  const track = dsp.pyin(y, { sr, ...PITCH, fill_na: 0 });
  return {
    ...out,
    'pyin, f0': track.f0,
    'pyin, voiced_flag': track.voiced_flag,
    'pyin, voiced_probs': track.voiced_probs,
  };
}

/** numba's cache beside librosa crashes when another version of numba filled it, so it gets a place of its own. */
const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'prosodia', 'numba');
const peer = spawn(process.env['PYTHON'] ?? 'python3', [join(import.meta.dirname, 'peer.py')], {
  env: { ...process.env, NUMBA_CACHE_DIR: cache },
  stdio: ['pipe', 'pipe', 'inherit'],
});
peer.on('error', ({ message }) => {
  console.error(`the peer did not start: ${message} (set PYTHON to an interpreter that has librosa 0.10.2.post1)`);
  process.exit(1);
});

const chunks = peer.stdout[Symbol.asyncIterator]();
let pending = Buffer.alloc(0);

async function nextChunk() {
  const { value, done } = await chunks.next();
  if (done) throw new Error('the peer ended early');
  return value;
}

async function receiveLine() {
  while (!pending.includes(10)) pending = Buffer.concat([pending, await nextChunk()]);
  return (await receive(pending.indexOf(10) + 1)).toString();
}

/** The next `length` bytes, at an address that numbers can be read from. */
async function receive(length) {
  const parts = [pending];
  for (let size = pending.length; size < length; size += parts.at(-1).length) parts.push(await nextChunk());
  const all = Buffer.concat(parts);
  pending = all.subarray(length);
  return Buffer.from(new Uint8Array(all.subarray(0, length)).buffer);
}

async function ask(y, pitch) {
  peer.stdin.write(`${JSON.stringify({ samples: y.length, sr, pitch })}\n`);
  peer.stdin.write(Buffer.from(y.buffer, y.byteOffset, y.byteLength));
  const header = JSON.parse(await receiveLine());
  const total = header.reduce((sum, [, rows, cols]) => sum + rows * cols, 0);
  const values = new Float64Array((await receive(8 * total)).buffer);
  let at = 0;
  return header.map(([name, rows, cols]) => ({
    name,
    rows,
    cols,
    data: values.subarray(at, (at += rows * cols)),
  }));
}

const decibels = /_to_db|contrast/;
const table = new Map();
const started = performance.now();
for (const [index, file] of files.entries()) {
  const audio = await decodeAudio(readFileSync(join(args.data, file)));
  const y = resample(audio.samples, audio.sampleRate, sr);
  const pitch = index % Number(args['pitch-every']) === 0;
  const ours = features(y, pitch);
  for (const { name, rows, cols, data } of await ask(y, pitch)) {
    const mine = ours[name];
    if (mine.rows !== rows || mine.cols !== cols) {
      throw new Error(`${file}: ${name} is ${mine.rows} x ${mine.cols}, librosa's ${rows} x ${cols}`);
    }
    const size = data.reduce((sum, value) => sum + Math.abs(value), 0) / data.length;
    const entry = table.get(name) ?? { clips: 0, values: 0, beyond: 0, absolute: 0, ofMean: 0, ofBound: 0, worst: '' };
    table.set(name, entry);
    entry.clips++;
    entry.values += data.length;
    for (let i = 0; i < data.length; i++) {
      const away = Math.abs(mine.data[i] - data[i]);
      const ofMean = name.startsWith('delta') ? 1e-4 : 1e-5;
      const bound = decibels.test(name) ? 1e-2 : 1e-4 * Math.abs(data[i]) + ofMean * size;
      if (!(away <= bound)) entry.beyond++;
      entry.absolute = Math.max(entry.absolute, away);
      entry.ofMean = Math.max(entry.ofMean, size > 0 ? away / size : 0);
      const share = away === 0 ? 0 : away / bound;
      if (!(share <= entry.ofBound)) {
        entry.ofBound = share;
        entry.worst = `${file} frame ${Math.floor(i / cols)}`;
      }
    }
  }
  if (index % 100 === 99) console.error(`${index + 1} clips, ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
peer.stdin.end();

console.log('| feature | clips | largest deviation | over the mean size | share of the bound | values beyond it |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const [name, { clips, values, beyond, absolute, ofMean, ofBound, worst }] of table) {
  const cells = [absolute, ofMean, ofBound].map((value) => value.toPrecision(2));
  console.log(`| ${name} | ${clips} | ${cells.join(' | ')} | ${beyond} of ${values} |`);
  if (beyond > 0) console.error(`${name}: farthest in ${worst}`);
}
