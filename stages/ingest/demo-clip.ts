/** Worker of `demo.ts`: synthesizes one clip of the demo corpus and writes it as 16-bit WAV. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DemoClip, encodeWav, synthesizeClip } from '@prosodia/audio';
import type { ShardWorker } from '@prosodia/core';

export interface DemoSetup {
  folder: string;
  seed: number;
}

/** Gives the path of the file below the corpus folder. */
const worker: ShardWorker<DemoSetup, DemoClip, string> = ({ folder, seed }) => {
  return async (clip) => {
    const { samples, sampleRate } = synthesizeClip(clip, seed);
    const bytes = encodeWav(samples, sampleRate, { format: 'pcm16' });
    const path = `Speaker_${clip.speaker}/${clip.name}.wav`;
    await writeFile(join(folder, path), bytes, { flag: 'wx' });
    return path;
  };
};

export default worker;
