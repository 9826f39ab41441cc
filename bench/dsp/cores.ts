/**
 * The features of whole recipes over many clips, on one core and on two: the workers of `featurize` against librosa under
 * joblib, each process with one thread. By the clock, so that it wants a machine with nothing else on it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { decodeAudio, resample } from '@prosodia/audio';
import { mapSharded } from '@prosodia/core';
import type { FeaturizeItem, FeaturizeResult, FeaturizeSetup } from '../../stages/featurize/rows.ts';
import type { Peer } from './peer.ts';
import { recipes } from './recipes.ts';

/** Items that workers have done before the clock starts. */
const WARM = 40;
/** Our side goes over the clips so often, to take about as long as the peer does. */
const TIMES = 8;

/** The beginning of every n-th recording of a folder; shorter ones end in silence. */
export async function recordings(folder: string, count: number, length: number, sr: number): Promise<Float32Array[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(flac|wav)$/i.test(name))
    .sort();
  const step = Math.max(1, Math.floor(files.length / count));
  const chosen = files.filter((_, index) => index % step === 0).slice(0, count);
  return Promise.all(
    chosen.map(async (name) => {
      const { samples, sampleRate } = await decodeAudio(readFileSync(join(folder, name)));
      const y = new Float32Array(length);
      y.set(resample(samples, sampleRate, sr).subarray(0, length));
      return y;
    }),
  );
}

/**
 * Prints a line per recipe and number of cores: seconds per clip of either side, and how many times faster than the clips
 * last ours is.
 * @param peer has the same clips
 */
export async function measureCores(clips: readonly Float32Array[], sr: number, peer: Peer): Promise<void> {
  const seconds = clips[0]!.length / sr;
  for (const { name, peer: benchmark, options } of recipes) {
    const framing = { sr, n_fft: 2048, hop_length: 512, n_mels: 128 };
    for (const cores of [1, 2]) {
      const answer = await peer.ask(`${benchmark} ${clips.length} ${cores}`);
      const runs = [0, 1].map(() => () => ours(clips, { framing, options, on_error: 'fail' }, cores));
      let ours_s = Infinity;
      for (const run of runs) ours_s = Math.min(ours_s, await run());
      console.log(
        JSON.stringify({
          name: `features of ${name}, ${cores} ${cores === 1 ? 'core' : 'cores'}, by the clock`,
          ours_s,
          peer: answer.peer,
          peer_s: answer.seconds,
          ratio: answer.seconds / ours_s,
          real_time: seconds / ours_s,
        }),
      );
    }
  }
}

/** Seconds per clip. */
async function ours(clips: readonly Float32Array[], setup: FeaturizeSetup, threads: number): Promise<number> {
  const worked = Array.from({ length: TIMES }, () => clips).flat();
  function* items(): Generator<FeaturizeItem> {
    for (const samples of [...worked.slice(0, WARM), ...worked]) yield { itemId: '', samples: samples.slice() };
  }
  const results = mapSharded<FeaturizeSetup, FeaturizeItem, FeaturizeResult>(items(), {
    worker: new URL('../../stages/featurize/rows.ts', import.meta.url),
    setup,
    threads,
    moved: true,
  });
  let done = 0;
  let start = 0;
  for await (const result of results) {
    if ('skipped' in result) throw new Error(result.skipped);
    if (++done === WARM) start = performance.now();
  }
  return (performance.now() - start) / 1000 / worked.length;
}
