import { join } from 'node:path';
import { RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { CATALOGUE_FOLDER, listCorpora, parseCorpus, readCorpus } from './catalogue.ts';
import { ROOT } from './harness.ts';
import { readName } from './names.ts';

const FOLDER = join(ROOT, CATALOGUE_FOLDER);

const GOOD = `title: Mine
licence: none
files: '(?<speaker>[a-z]+)_(?<emotion>[hs])(?<take>\\d)'
example: ann_h1.wav
columns:
  speaker: { from: speaker }
  emotion: { from: emotion, map: { h: happy, s: sad } }
  repetition: { from: take }
`;

const parse = (text: string) => parseCorpus(text, 'mine', 'mine.yaml');

describe('a catalogue file', () => {
  it('is read', () => {
    expect(parse(GOOD).corpus.title).toBe('Mine');
  });

  it.each([
    [
      'an unknown entry, with the nearest name',
      'licence:',
      'license:',
      /mine\.yaml:2:1: the file has an unknown entry\n.*\n {2}got: {6}license \(did you mean licence\?\)/,
    ],
    ['a missing entry', 'licence: none\n', '', /mine\.yaml:1:1: the file lacks licence\n {2}expected: licence: text/],
    [
      'a value of the wrong type',
      'title: Mine',
      'title: 3',
      /mine\.yaml:1:8: title has a wrong value\n {2}expected: text\n {2}got: {6}integer 3/,
    ],
    ['an entry without a value', 'title: Mine', 'title:', /mine\.yaml:1:7: title has a wrong value|title has no value/],
    [
      'an unknown column',
      'speaker: {',
      'speakr: {',
      /mine\.yaml:6:3: columns has an unknown entry\n.*\n.*did you mean speaker/,
    ],
    [
      'an unknown key of a column',
      '{ from: emotion, map',
      '{ form: emotion, map',
      /mine\.yaml:7:14: columns\.emotion has an unknown entry\n.*\n.*did you mean from/,
    ],
    [
      'a group that the pattern does not have',
      'from: take',
      'from: tak',
      /mine\.yaml:8:23: columns\.repetition is taken from a group that files does not have\n {2}expected: one of speaker, emotion, take\n {2}got: {6}tak \(did you mean take\?\)/,
    ],
    [
      'an unquoted code that YAML takes for a number',
      'map: { h: happy',
      'map: { 01: happy',
      /mine\.yaml:7:36: columns\.emotion\.map has a key that is not text\n {2}expected: a quoted key, '01'\n {2}got: {6}01, which YAML reads as a integer/,
    ],
    [
      'a pattern that is no regular expression',
      '[a-z]+)',
      '[a-z]+',
      /mine\.yaml:3:8: files is not a regular expression/,
    ],
    ['an example that does not fit', 'ann_h1', 'ann_x1', /mine\.yaml:4:10: the example does not fit files/],
    ['a syntax error', 'map: { h', 'map: { h: [', /mine\.yaml:\d+:\d+: the file is not valid YAML/],
    ['an empty file', GOOD, '', /mine\.yaml:1:1: the file is empty/],
    [
      'a value a column cannot have',
      's: sad }',
      's: null }',
      /mine\.yaml:7:49: columns\.emotion has a wrong value\n {2}expected: text/,
    ],
    [
      'only one of odd and even',
      '{ from: take }',
      '{ from: take, odd: "1" }',
      /columns\.repetition has a wrong value\n {2}expected: a whole number/,
    ],
  ])('is refused for %s', (_what, from, to, message) => {
    expect(GOOD).toContain(from);
    const refused = () => parse(GOOD.replace(from, to));
    expect(refused).toThrow(RequestError);
    expect(refused).toThrow(message);
  });

  it('is refused for a sex that the clips table does not know', () => {
    expect(() => parse(`${GOOD}  sex: m\n`)).toThrow(
      /columns\.sex has a wrong value\n {2}expected: female or male\n {2}got: {6}"m"/,
    );
    expect(() => parse(`${GOOD}  sex: { from: take, odd: male }\n`)).toThrow(/columns\.sex is not clear/);
  });

  it('that is not there is answered with the nearest name', async () => {
    await expect(readCorpus(FOLDER, 'ravdes-speech')).rejects.toThrow(/did you mean ravdess-speech\?/);
    await expect(readCorpus(FOLDER, '../corpora/demo')).rejects.toThrow(/there is no corpus/);
  });
});

describe('the clip id', () => {
  it.each([
    ['the stem, at any depth', '.*_(?<emotion>[a-z]+)', 'a/b/ann_happy.wav', 'mine/ann_happy'],
    ['all that the pattern matched', '(?<emotion>[a-z]+)/[0-9]+', 'a/happy/01.wav', 'mine/happy_01'],
  ])('is %s', (_what, files, example, clipId) => {
    const text = `{ title: Mine, licence: none, files: "${files}", example: ${example}, columns: { speaker: ann, emotion: { from: emotion } } }`;
    expect(readName(parse(text), example)).toMatchObject({ clip_id: clipId, speaker: 'ann', emotion: 'happy' });
  });
});

describe('the shipped catalogue', async () => {
  const names = await listCorpora(FOLDER);

  it('has the corpora of the plan', () => {
    expect(names).toEqual(['crema-d', 'demo', 'emodb', 'ravdess-song', 'ravdess-speech', 'savee', 'tess']);
  });

  it.each(names)('%s is valid and says how its recordings are found', async (name) => {
    const { corpus } = await readCorpus(FOLDER, name);
    const sources = [corpus.archive, corpus.obtain, corpus.synthesizer].filter((source) => source !== undefined);
    expect(sources).toHaveLength(1);
    expect(corpus.synthesizer ?? corpus.citation).toBeDefined();
  });

  it.each([
    [
      'ravdess-speech',
      'Audio/Actor_12/03-01-06-02-01-02-12.WAV',
      {
        clip_id: 'ravdess-speech/03-01-06-02-01-02-12',
        speaker: '12',
        sex: 'female',
        emotion: 'fearful',
        intensity: 'strong',
        statement: '01',
        repetition: 2,
        vocal_channel: 'speech',
      },
    ],
    [
      'ravdess-song',
      '03-02-02-01-02-01-01.flac',
      { speaker: '01', sex: 'male', emotion: 'calm', vocal_channel: 'song' },
    ],
    [
      'emodb',
      'wav/16b10Lb.wav',
      {
        clip_id: 'emodb/16b10Lb',
        speaker: '16',
        sex: 'female',
        emotion: 'bored',
        statement: 'b10',
        repetition: 2,
        intensity: null,
      },
    ],
    [
      'crema-d',
      'AudioWAV/1091_WSI_HAP_LO.wav',
      { speaker: '1091', sex: 'female', emotion: 'happy', intensity: 'low', statement: 'WSI' },
    ],
    ['crema-d', '1040_ITH_SAD_X.wav', { emotion: 'sad', intensity: null, sex: 'male' }],
    [
      'tess',
      'YAF_pleasant_surprised/YAF_germ_ps.wav',
      { speaker: 'YAF', sex: 'female', emotion: 'surprised', statement: 'germ' },
    ],
    ['tess', 'OA_bite_neutral.wav', { clip_id: 'tess/OA_bite_neutral', speaker: 'OAF' }],
    [
      'savee',
      'AudioData/KL/su03.wav',
      { clip_id: 'savee/KL_su03', speaker: 'KL', emotion: 'surprised', statement: 'su03' },
    ],
    ['savee', 'ALL/KL_su03.wav', { clip_id: 'savee/KL_su03', speaker: 'KL', emotion: 'surprised' }],
  ])('%s reads %s', async (name, path, columns) => {
    expect(readName(await readCorpus(FOLDER, name), path)).toMatchObject(columns);
  });

  it.each([
    ['ravdess-speech', '03-02-01-01-01-01-01.wav', 'does not match the pattern'],
    ['ravdess-speech', '03-01-09-01-01-01-01.wav', 'has an unknown emotion, "09"'],
    ['ravdess-speech', 'x03-01-01-01-01-01-01.wav', 'does not match the pattern'],
    ['emodb', '01a01Fa.wav', 'has an unknown speaker, "01"'],
  ])('%s turns %s down: it %s', async (name, path, reason) => {
    expect(readName(await readCorpus(FOLDER, name), path)).toEqual({ reason });
  });
});
