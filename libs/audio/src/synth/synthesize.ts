/** Synthesizes one clip of the demo corpus, as if recorded in a quiet room. */
import { Rng } from '@prosodia/core';
import type { DemoClip } from './corpus.ts';
import { mannerOf } from './manner.ts';
import { scoreOf } from './score.ts';
import { DEMO_SAMPLE_RATE, perform } from './voice.ts';

/** Brings normal speech to about -33 dBFS, so that anger still fits. */
const RECORDING_GAIN = 0.045;
/** Half the width of the room noise, which is uniform; its root mean square is at -69 dBFS. */
const ROOM_NOISE = 0.0006;
/** Above this, the recording engineer turns the clip down. */
const HIGHEST_PEAK = 0.98;

/**
 * The samples of `clip`. The same clip and seed always give the same samples; another seed gives other speakers.
 *
 * @returns mono at 16 kHz, between -0.98 and 0.98; levels differ between clips as the emotions do
 */
export function synthesizeClip(clip: DemoClip, seed: number): { samples: Float32Array; sampleRate: 16000 } {
  const rng = new Rng(seed, 'demo', 'performance', clip.name);
  const manner = mannerOf(clip, seed);
  const samples = perform(scoreOf(clip, manner, rng.fork('score')), manner, rng);
  const room = rng.fork('room');
  let peak = 0;
  for (let i = 0; i < samples.length; i++) {
    samples[i] = samples[i]! * RECORDING_GAIN + room.uniform(-ROOM_NOISE, ROOM_NOISE);
    peak = Math.max(peak, Math.abs(samples[i]!));
  }
  if (peak > HIGHEST_PEAK) {
    for (let i = 0; i < samples.length; i++) samples[i]! *= HIGHEST_PEAK / peak;
  }
  return { samples, sampleRate: DEMO_SAMPLE_RATE };
}
