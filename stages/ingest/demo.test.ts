import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoClips, encodeWav, synthesizeClip } from '@prosodia/audio';
import { CancelledError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { CATALOGUE_FOLDER } from './catalogue.ts';
import { SYNTHESIZER_VERSION, demoIsWhole } from './demo-stamp.ts';
import { type DemoOptions, synthesizeDemo } from './demo.ts';
import { ROOT, externalRequest, inTempFolder, runProbe, runStage, sha256 } from './harness.ts';

/** A few clips of each kind: two speakers, speech and song. */
const CLIPS = demoClips().filter(({ speaker, emotion }) => Number(speaker) <= 2 && emotion === 'angry');

function synthesize(root: string, options: Partial<DemoOptions> = {}): Promise<void> {
  const { digest, signal, progress } = externalRequest({ root, corpus: 'demo' });
  return synthesizeDemo({
    folder: join(root, 'data/demo'),
    seed: 1,
    clips: CLIPS,
    threads: 1,
    digest,
    signal,
    progress,
    ...options,
  });
}

describe('the demo corpus', () => {
  it('comes from the synthesizer that its stamp names', () => {
    // If this fails the synthesizer gives other samples: raise SYNTHESIZER_VERSION, or corpora made before stay in use.
    const { samples, sampleRate } = synthesizeClip(CLIPS[0]!, 1);
    expect([SYNTHESIZER_VERSION, sha256(encodeWav(samples, sampleRate)).slice(0, 16)]).toEqual([1, '1f794d83409ed95b']);
  });

  it('is found, described and ingested', () =>
    inTempFolder(async (root) => {
      await cp(join(ROOT, CATALOGUE_FOLDER), join(root, CATALOGUE_FOLDER), { recursive: true });
      expect(await runProbe({ root, corpus: 'demo', acquire: false })).toBeUndefined();
      await synthesize(root);
      const request = externalRequest({ root, corpus: 'demo', acquire: false, dataFolder: '/somewhere' });
      const state = await runProbe({ ...request, root, corpus: 'demo' });
      expect(state!.description).toBe(`${CLIPS.length} recordings of demo`);
      expect(request.notices).toEqual(['demo is synthesized into data/demo; /somewhere is not used for it']);
      const { rows, notices } = await runStage(state!, { corpus: 'demo', vocal_channels: ['song'] });
      const songs = CLIPS.filter((clip) => clip.vocal_channel === 'song');
      expect(rows).toHaveLength(songs.length);
      for (const { name, vocal_channel, repetition, ...clip } of songs) {
        const row = rows.find(({ clip_id }) => clip_id === `demo/${name}`);
        expect(row).toMatchObject({ ...clip, vocal_channel, repetition: Number(repetition), sample_rate: 16000 });
      }
      expect(notices).toEqual([expect.stringMatching(/^demo is synthetic speech/)]);
    }));

  it('has the same bytes with one thread and with two, and when made again over what was there', () =>
    inTempFolder(async (root) => {
      const stamps: string[] = [];
      for (const threads of [1, 2]) {
        await synthesize(root, { threads });
        stamps.push(await readFile(join(root, 'data/demo/.synthesized.json'), 'utf8'));
      }
      expect(stamps[1]).toBe(stamps[0]);
      expect(await readdir(join(root, 'data'))).toEqual(['demo']);
    }));

  it('is known not to be whole once a file is damaged or gone, or the seed is another', () =>
    inTempFolder(async (root) => {
      await synthesize(root);
      const folder = join(root, 'data/demo');
      const request = externalRequest({ root, corpus: 'demo' });
      expect(await demoIsWhole(folder, 1, request)).toBe(true);
      expect(await demoIsWhole(folder, 2, request)).toBe(false);
      const file = join(folder, `Speaker_${CLIPS[0]!.speaker}`, `${CLIPS[0]!.name}.wav`);
      const bytes = await readFile(file);
      bytes[100]! ^= 1;
      await writeFile(file, bytes);
      expect(await demoIsWhole(folder, 1, request)).toBe(false);
      await rm(file);
      expect(await demoIsWhole(folder, 1, request)).toBe(false);
    }));

  it('stays whole when somebody puts a file beside its own', () =>
    inTempFolder(async (root) => {
      await synthesize(root);
      const folder = join(root, 'data/demo');
      await writeFile(join(folder, 'notes.txt'), 'mine');
      expect(await demoIsWhole(folder, 1, externalRequest({ root, corpus: 'demo' }))).toBe(true);
    }));

  it('leaves nothing behind when cancelled', () =>
    inTempFolder(async (root) => {
      await mkdir(join(root, 'data'));
      const stop = new AbortController();
      const progress = (done: number) => {
        if (done === 2) stop.abort();
      };
      await expect(synthesize(root, { signal: stop.signal, progress })).rejects.toThrow(CancelledError);
      expect(await readdir(join(root, 'data'))).toEqual([]);
    }));
});
