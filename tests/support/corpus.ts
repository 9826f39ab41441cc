/** A corpus small enough for a test: tones whose pitch and loudness tell the emotion. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { Rng } from '@prosodia/core';
import { TestProject } from './project.ts';

const RATE = 8000;
const PITCHES = { calm: 110, happy: 240, angry: 180, sad: 90 };

/** Clips per speaker and emotion. */
const TAKES = 5;
export const SPEAKERS = ['01', '02', '03', '04'];
export const EMOTIONS = Object.keys(PITCHES).sort();
export const CLIPS = SPEAKERS.length * EMOTIONS.length * TAKES;

/** A project with the real stages that knows the corpus `tiny`, and the folder of its recordings. */
export function tinyProject(): { project: TestProject; data: string } {
  const project = new TestProject('all');
  describeTinyCorpus(project.root);
  const data = join(project.root, 'recordings');
  writeTinyCorpus(data);
  return { project, data };
}

/** The entry that makes `tiny` known to a project. */
function describeTinyCorpus(root: string): void {
  writeFileSync(
    join(root, 'data', 'corpora', 'tiny.yaml'),
    `title: Tones
licence: none needed
files: '(?<speaker>\\d\\d)_(?<emotion>[a-z]+)_(?<take>\\d)'
example: 01_happy_1.wav
obtain: It is made by the tests.
columns:
  speaker: { from: speaker }
  sex: { from: speaker, odd: male, even: female }
  emotion: { from: emotion, map: { calm: calm, happy: happy, angry: angry, sad: sad } }
  repetition: { from: take, map: { '1': 1, '2': 2, '3': 3, '4': 4, '5': 5 } }
  vocal_channel: speech
`,
  );
}

/** Writes the recordings into a folder. */
function writeTinyCorpus(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const speaker of SPEAKERS) {
    for (const [emotion, pitch] of Object.entries(PITCHES)) {
      for (let take = 1; take <= TAKES; take++) {
        const rng = new Rng(1, speaker, emotion, take);
        const hertz = pitch * (1 + 0.05 * rng.normal()) * (1 + Number(speaker) / 20);
        const samples = Float32Array.from(
          { length: RATE / 2 },
          (_, i) => 0.3 * Math.sign(Math.sin((2 * Math.PI * hertz * i) / RATE)) + 0.02 * rng.normal(),
        );
        writeFileSync(join(folder, `${speaker}_${emotion}_${take}.wav`), encodeWav(samples, RATE));
      }
    }
  }
}
