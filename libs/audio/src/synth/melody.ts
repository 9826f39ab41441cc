/** The tunes of the song channel: one per statement, in a major key for neutral, calm and happy, else in a minor one. */
import type { DemoClip, Emotion } from './corpus.ts';

export interface Note {
  /** From the singer's own pitch. */
  semitones: number;
  /** Length at a normal tempo. */
  seconds: number;
}

const MAJOR = [0, 2, 4, 5, 7, 9, 11, 12];
const MINOR = [0, 2, 3, 5, 7, 8, 10, 12];
const IN_MAJOR: readonly Emotion[] = ['neutral', 'calm', 'happy'];
const BEAT_S = 0.3;

/** Degrees of the scale (0 is the tonic) with lengths in beats; as many as the sentence has syllables, or more. */
const TUNES = {
  '01': '0:1 2:.7 4:1.5 3:1 2:1.5 1:.8 2:1 1:.7 1:.7 0:2',
  '02': '4:1 4:.7 3:1 2:.7 4:1.5 2:1.5 1:.7 3:1.2 0:2',
} as const;

/** The notes of `clip`, one per syllable. */
export function melody({ statement, emotion }: DemoClip, syllables: number): Note[] {
  const scale = IN_MAJOR.includes(emotion) ? MAJOR : MINOR;
  return TUNES[statement]
    .split(' ')
    .slice(0, syllables)
    .map((note) => {
      const [degree, beats] = note.split(':').map(Number);
      return { semitones: scale[degree!]!, seconds: beats! * BEAT_S };
    });
}
