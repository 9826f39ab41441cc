import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { type ToyClip, describeStage, toySound } from '@prosodia/runner/conformance';
import { CATALOGUE, CATALOGUE_FOLDER } from './catalogue.ts';
import { ROOT } from './harness.ts';
import stage from './stage.ts';

/** Recordings named as RAVDESS names them. */
function files(clips: readonly ToyClip[]): Record<string, Uint8Array> {
  const emotions: Record<string, string> = { angry: '05', happy: '03' };
  return Object.fromEntries(
    clips.map((clip, i) => {
      const actor = clip.speaker.padStart(2, '0');
      const take = [1 + ((i >> 3) & 1), 1 + ((i >> 4) & 1)].map((n) => `0${n}`).join('-');
      return [
        `Actor_${actor}/03-01-${emotions[clip.emotion]!}-01-${take}-${actor}.wav`,
        encodeWav(toySound(clip), 8000),
      ];
    }),
  );
}

describeStage(stage, {
  async fixture(clips) {
    const corpus = 'ravdess-speech';
    const file = `${corpus}.yaml`;
    const entry = await readFile(join(ROOT, CATALOGUE_FOLDER, file));
    return { params: { corpus }, inputs: {}, corpora: { [corpus]: files(clips), [CATALOGUE]: { [file]: entry } } };
  },
  empty: 'refused',
  one_row: 'works',
});
