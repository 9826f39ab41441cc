/**
 * Synthesizes the demo corpus into a folder, on all cores, all or nothing.
 *
 * The files are written beside the folder and renamed into place, so a half-made corpus is never seen.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type DemoClip, demoClips } from '@prosodia/audio';
import { type ExternalRequest, mapSharded } from '@prosodia/core';
import type { DemoSetup } from './demo-clip.ts';
import { type DemoStamp, STAMP_FILE, SYNTHESIZER_VERSION } from './demo-stamp.ts';

export interface DemoOptions extends Pick<ExternalRequest, 'digest' | 'signal' | 'progress'> {
  /** Where the corpus goes; replaced if it exists. */
  folder: string;
  seed: number;
  /** All clips of the corpus by default. */
  clips?: readonly DemoClip[];
  threads?: number;
}

export async function synthesizeDemo({
  folder,
  seed,
  digest,
  signal,
  progress,
  clips = demoClips(),
  threads = availableParallelism(),
}: DemoOptions): Promise<void> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, `.${basename(folder)}-`));
  try {
    for (const speaker of new Set(clips.map((clip) => clip.speaker))) await mkdir(join(draft, `Speaker_${speaker}`));
    const files: Record<string, string> = {};
    const worker = new URL('./demo-clip.ts', import.meta.url);
    const setup: DemoSetup = { folder: draft, seed };
    let done = 0;
    progress(0, clips.length, 'clips');
    for await (const path of mapSharded<DemoSetup, DemoClip, string>(clips, {
      worker,
      setup,
      threads: Math.min(threads, clips.length),
      signal,
    })) {
      files[path] = await digest(join(draft, path));
      progress(++done, clips.length, 'clips');
    }
    const stamp: DemoStamp = { synthesizer: SYNTHESIZER_VERSION, seed, files };
    await writeFile(join(draft, STAMP_FILE), JSON.stringify(stamp, null, 1));
    await replaceFolder(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Moves `draft` to `folder`. What was there goes; if another run was quicker, its folder is replaced by an equal one. */
async function replaceFolder(draft: string, folder: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const old = `${draft}-old${attempt}`;
    try {
      await rename(folder, old);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      await rename(draft, folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || attempt >= 5) throw error;
    } finally {
      await rm(old, { recursive: true, force: true });
    }
  }
}
