import { describe, expect, it } from 'vitest';
import { demoClips, SONG_EMOTIONS, SPEECH_EMOTIONS, type DemoClip } from './corpus.ts';
import { sentence } from './phones.ts';
import { synthesizeClip } from './synthesize.ts';

const clips = demoClips();
const speech = clips.filter(({ vocal_channel }) => vocal_channel === 'speech');
const song = clips.filter(({ vocal_channel }) => vocal_channel === 'song');

const find = (wanted: Partial<DemoClip>): DemoClip =>
  clips.find((clip) => Object.entries(wanted).every(([key, value]) => clip[key as keyof DemoClip] === value))!;

const countBy = (rows: readonly DemoClip[], key: (clip: DemoClip) => string): Set<number> => {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  return new Set(counts.values());
};

const rms = (samples: Float32Array): number =>
  Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);

describe('the list of demo clips', () => {
  it('has 384 clips of speech and 144 of song, each named once', () => {
    expect(speech.length).toBe(384);
    expect(song.length).toBe(144);
    expect(new Set(clips.map(({ name }) => name)).size).toBe(528);
  });

  it('is balanced in speakers, emotions, statements and sex', () => {
    for (const rows of [speech, song]) {
      expect(countBy(rows, ({ speaker }) => speaker).size).toBe(1);
      expect(countBy(rows, ({ emotion }) => emotion).size).toBe(1);
      expect(countBy(rows, ({ speaker, emotion, statement }) => speaker + emotion + statement).size).toBe(1);
      expect(countBy(rows, ({ sex }) => sex)).toEqual(new Set([rows.length / 2]));
    }
    expect(new Set(speech.map(({ emotion }) => emotion))).toEqual(new Set(SPEECH_EMOTIONS));
    expect(new Set(song.map(({ emotion }) => emotion))).toEqual(new Set(SONG_EMOTIONS));
  });

  it('has neutral clips of normal intensity only, and half of the others strong', () => {
    expect(clips.filter(({ emotion, intensity }) => emotion === 'neutral' && intensity === 'strong')).toEqual([]);
    const others = speech.filter(({ emotion }) => emotion !== 'neutral');
    expect(others.filter(({ intensity }) => intensity === 'strong').length).toBe(others.length / 2);
  });

  it('names clips as RAVDESS does', () => {
    expect(clips[0]!.name).toBe('03-01-01-01-01-01-01');
    for (const { name, speaker, sex } of clips) {
      expect(name).toMatch(/^03-0[12]-0[1-8]-0[12]-0[12]-0[12]-(0[1-9]|1[0-2])$/);
      expect(name.endsWith(speaker)).toBe(true);
      expect(sex).toBe(Number(speaker) % 2 === 1 ? 'male' : 'female');
    }
  });
});

describe('a synthesized clip', () => {
  const some = clips.filter((_, i) => i % 37 === 0);

  it('is finite, below full scale, quiet at its ends, and 1.5 to 7 seconds long', () => {
    for (const clip of some) {
      const { samples, sampleRate } = synthesizeClip(clip, 42);
      expect(sampleRate).toBe(16000);
      expect(
        samples.every((value) => Math.abs(value) <= 0.98),
        clip.name,
      ).toBe(true);
      expect(samples.length / 16000, clip.name).toBeGreaterThan(1.5);
      expect(samples.length / 16000, clip.name).toBeLessThan(7);
      expect(rms(samples.subarray(0, 1000)), clip.name).toBeLessThan(0.001);
      expect(rms(samples), clip.name).toBeGreaterThan(0.004);
    }
  });

  it('is the same for the same seed, whatever was synthesized before, and another for another', () => {
    const clip = find({ emotion: 'happy' });
    const first = synthesizeClip(clip, 1).samples;
    const other = synthesizeClip(clip, 2).samples;
    expect(synthesizeClip(clip, 1).samples).toEqual(first);
    expect(other).not.toEqual(first);
    expect(synthesizeClip(find({ emotion: 'happy', repetition: '02' }), 1).samples).not.toEqual(first);
  });

  it('is louder in anger than in sadness, and slower in sadness, on the average of the speakers', () => {
    const meanOf = (emotion: DemoClip['emotion'], value: (samples: Float32Array) => number): number => {
      const rows = speech.filter((c) => c.emotion === emotion && c.statement === '01' && c.repetition === '01');
      return rows.reduce((sum, clip) => sum + value(synthesizeClip(clip, 42).samples), 0) / rows.length;
    };
    expect(meanOf('angry', rms)).toBeGreaterThan(3 * meanOf('sad', rms));
    expect(meanOf('sad', ({ length }) => length)).toBeGreaterThan(1.1 * meanOf('angry', ({ length }) => length));
  });
});

describe('the sentences', () => {
  it.each(['01', '02'] as const)('statement %s has a vowel in every syllable and one pause', (statement) => {
    const syllables = sentence(statement);
    for (const { phones, nucleus } of syllables) expect(phones[nucleus]?.voice).toBe(1);
    expect(syllables.filter(({ startsPhrase }) => startsPhrase).length).toBe(1);
  });
});
