/** Worker of `demo.ts`: synthesizes one clip of the demo corpus and writes it as 16-bit WAV. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DemoClip, encodeWav, synthesizeClip } from '@prosodia/audio';
import type { ShardWorker } from '@prosodia/core';

export interface DemoSetup {
  folder: string;
  seed: number;
}

export interface DemoFile {
  /** Below the corpus folder. */
  path: string;
  sha256: string;
}

const worker: ShardWorker<DemoSetup, DemoClip, DemoFile> = ({ folder, seed }) => {
  return async (clip) => {
    const { samples, sampleRate } = synthesizeClip(clip, seed);
    const bytes = encodeWav(samples, sampleRate, { format: 'pcm16' });
    const path = `Speaker_${clip.speaker}/${clip.name}.wav`;
    await writeFile(join(folder, path), bytes, { flag: 'wx' });
    return { path, sha256: createHash('sha256').update(bytes).digest('hex') };
  };
};

export default worker;
