/**
 * The features of the ensemble recipe over many recordings, on one core and on two: the workers of `featurize` against
 * librosa under joblib, each process with one thread.
 *
 *     npx tsx bench/dsp/cores.ts --data FOLDER [--limit 240]
 *
 * Prints one JSON object per line: { name, ours_s, peer, peer_s, ratio, real_time }, seconds of wall time for all
 * recordings (at 16 kHz, decoded before the clock starts; workers and processes have started and warmed up), and how many
 * times faster than the recordings last ours is. librosa shares one transform between its features, as ours does.
 *
 * The peer needs librosa; PYTHON names the interpreter (default python3).
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { decodeAudio, resample } from '@prosodia/audio';
import { mapSharded } from '@prosodia/core';
import type { FeaturizeItem, FeaturizeResult, FeaturizeSetup } from '../../stages/featurize/rows.ts';
import { pythonWith, startPeer } from './peer.ts';

const SR = 16_000;
const SECONDS = 3;
const LENGTH = SECONDS * SR;
/** Items that workers have done before the clock starts. */
const WARM = 40;

const { values: args } = parseArgs({
  options: { data: { type: 'string' }, limit: { type: 'string', default: '240' } },
});
if (args.data === undefined || !existsSync(args.data)) {
  console.error(`skipped: no recordings at ${args.data ?? '(no --data given)'}`);
  process.exit(0);
}
const python = pythonWith('librosa, joblib');

const functionals = ['mean', 'std', 'min', 'max'] as const;
const plain = { functionals: [...functionals] };
const cepstra = { n_mfcc: 40, fmin: 0, lifter: 0, deltas: 0, ...plain, delta_functionals: [...functionals] };
const setup: FeaturizeSetup = {
  framing: { sr: SR, n_fft: 2048, hop_length: 512, n_mels: 128 },
  options: {
    form: 'scalars',
    channels: [
      [
        { mfcc: cepstra },
        { mel_db: { fmin: 0, ref: 1, top_db: 80, ...plain } },
        ...[{ chroma: plain }, { contrast: plain }, { centroid: plain }, { bandwidth: plain }],
        ...[{ rolloff: plain }, { flatness: plain }, { zcr: plain }, { rms: plain }],
      ],
    ],
    length: undefined,
    pad_value: 0,
    align: 'start',
    normalize: 'none',
    channel_axis: false,
  },
  on_error: 'fail',
};

/** The first three seconds of every n-th recording; shorter ones end in silence. */
async function recordings(folder: string, limit: number): Promise<Float32Array[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(flac|wav)$/i.test(name))
    .sort();
  const step = Math.max(1, Math.floor(files.length / limit));
  const chosen = files.filter((_, index) => index % step === 0).slice(0, limit);
  return Promise.all(
    chosen.map(async (name) => {
      const { samples, sampleRate } = await decodeAudio(readFileSync(join(folder, name)));
      const y = new Float32Array(LENGTH);
      y.set(resample(samples, sampleRate, SR).subarray(0, LENGTH));
      return y;
    }),
  );
}

async function ours(clips: readonly Float32Array[], threads: number): Promise<number> {
  const items = [...clips.slice(0, WARM), ...clips].map((samples, index) => ({ itemId: String(index), samples }));
  const results = mapSharded<FeaturizeSetup, FeaturizeItem, FeaturizeResult>(items, {
    worker: new URL('../../stages/featurize/rows.ts', import.meta.url),
    setup,
    threads,
  });
  let done = 0;
  let start = 0;
  for await (const result of results) {
    if ('skipped' in result) throw new Error(result.skipped);
    if (++done === WARM) start = performance.now();
  }
  return (performance.now() - start) / 1000;
}

const clips = await recordings(args.data, Number(args.limit));
const folder = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
try {
  const file = join(folder, 'clips.f32');
  writeFileSync(file, Buffer.concat(clips.map((y) => new Uint8Array(y.buffer))));
  const peer = startPeer(python, file, LENGTH, SR);
  for (const cores of [1, 2]) {
    const { seconds, peer: name } = await peer.ask(`recipe_shared ${clips.length} ${cores}`);
    const ours_s = Math.min(await ours(clips, cores), await ours(clips, cores));
    const peer_s = seconds * clips.length;
    const real_time = (clips.length * SECONDS) / ours_s;
    const what = `features of ensemble, ${clips.length} recordings, ${cores} ${cores === 1 ? 'core' : 'cores'}`;
    console.log(JSON.stringify({ name: what, ours_s, peer: name, peer_s, ratio: peer_s / ours_s, real_time }));
  }
  peer.end();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
