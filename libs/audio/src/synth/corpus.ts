/**
 * The list of clips of the built-in demo corpus, laid out like RAVDESS: the same emotions, two statements, two
 * repetitions, speech and song, and names of the same seven parts.
 *
 * Each emotion has as many clips as any other. To keep the corpus small, intensity is no factor of its own: half
 * of each speaker's clips of an emotion are strong, and which half alternates, so that it predicts nothing else.
 */

export const SPEECH_EMOTIONS = ['neutral', 'calm', 'happy', 'sad', 'angry', 'fearful', 'disgust', 'surprised'] as const;

export type Emotion = (typeof SPEECH_EMOTIONS)[number];

export const SONG_EMOTIONS: readonly Emotion[] = SPEECH_EMOTIONS.slice(0, 6);

export type Sex = 'male' | 'female';
export type Intensity = 'normal' | 'strong';
export type VocalChannel = 'speech' | 'song';
export type Statement = '01' | '02';
export type Repetition = '01' | '02';

/** One clip of the demo corpus, before it is synthesized. */
export interface DemoClip {
  /** As a RAVDESS file name without its ending: modality, channel, emotion, intensity, statement, repetition, speaker. */
  name: string;
  /** `01` to `12`. */
  speaker: string;
  /** Odd speakers are male, even ones female, as in RAVDESS. */
  sex: Sex;
  emotion: Emotion;
  /** Neutral clips are always `normal`. */
  intensity: Intensity;
  statement: Statement;
  repetition: Repetition;
  vocal_channel: VocalChannel;
}

/** Number of speakers in the demo corpus. */
export const DEMO_SPEAKERS = 12;

const STATEMENTS: readonly Statement[] = ['01', '02'];
const REPETITIONS: readonly Repetition[] = ['01', '02'];

/** All 528 clips: 384 of speech (12 x 8 x 2 x 2), then 144 of song (12 x 6 x 2, one repetition). */
export function demoClips(): DemoClip[] {
  return [...clipsOf('speech', SPEECH_EMOTIONS, REPETITIONS), ...clipsOf('song', SONG_EMOTIONS, ['01'])];
}

function clipsOf(
  vocal_channel: VocalChannel,
  emotions: readonly Emotion[],
  repetitions: readonly Repetition[],
): DemoClip[] {
  const clips: DemoClip[] = [];
  for (let number = 1; number <= DEMO_SPEAKERS; number++) {
    for (const emotion of emotions) {
      for (const statement of STATEMENTS) {
        for (const repetition of repetitions) {
          const isStrong = (number + Number(statement) + Number(repetition)) % 2 === 0;
          clips.push(clip(vocal_channel, number, emotion, isStrong, statement, repetition));
        }
      }
    }
  }
  return clips;
}

function clip(
  vocal_channel: VocalChannel,
  number: number,
  emotion: Emotion,
  isStrong: boolean,
  statement: Statement,
  repetition: Repetition,
): DemoClip {
  const speaker = twoDigits(number);
  const intensity = isStrong && emotion !== 'neutral' ? 'strong' : 'normal';
  const name = [
    '03',
    vocal_channel === 'speech' ? '01' : '02',
    twoDigits(SPEECH_EMOTIONS.indexOf(emotion) + 1),
    intensity === 'normal' ? '01' : '02',
    statement,
    repetition,
    speaker,
  ].join('-');
  const sex = number % 2 === 1 ? 'male' : 'female';
  return { name, speaker, sex, emotion, intensity, statement, repetition, vocal_channel };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
