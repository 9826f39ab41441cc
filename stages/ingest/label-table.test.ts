import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCorpus } from './catalogue.ts';
import { runProbe, runStage } from './harness.ts';
import { scanFolder } from './scan.ts';

const PLAIN = 'title: Mine\nlicence: mine\ntable: labels.csv\n';
const CODED = `${PLAIN}path_column: file
columns:
  speaker: { from: who }
  emotion: { from: mood, map: { h: happy, s: sad } }
  vocal_channel: speech
`;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'labels-'));
  await mkdir(join(root, 'data/corpora'), { recursive: true });
  await mkdir(join(root, 'voices/ann'), { recursive: true });
  for (const [i, path] of ['ann/a.wav', 'ann/b.wav', 'c.wav', 'd.wav'].entries()) {
    await writeFile(join(root, 'voices', path), encodeWav(new Float32Array(1600).fill(i / 10), 16_000));
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** @param lines of the table, `|` between values of the tests that use another separator is not translated */
async function scan(yaml: string, ...lines: string[]) {
  await writeFile(join(root, 'voices/labels.csv'), lines.join('\n'));
  return scanFolder(parseCorpus(yaml, 'mine', 'data/corpora/mine.yaml'), join(root, 'voices'));
}

describe('labels in a table', () => {
  it('are read by the names of the columns, and other columns are left alone', async () => {
    const { recordings, misfits } = await scan(
      PLAIN,
      'path,speaker,emotion,sex,note',
      'c.wav,bob,sad,,"tired, hoarse"',
      './ann\\a.wav,ann,happy,female,',
    );
    expect(recordings).toMatchObject([
      { path: 'ann/a.wav', columns: { clip_id: 'mine/ann_a', speaker: 'ann', emotion: 'happy', sex: 'female' } },
      { path: 'c.wav', columns: { clip_id: 'mine/c', speaker: 'bob', emotion: 'sad', sex: null, statement: null } },
    ]);
    expect(misfits).toEqual([
      { path: 'ann/b.wav', reason: 'is not in labels.csv' },
      { path: 'd.wav', reason: 'is not in labels.csv' },
    ]);
  });

  it('may have a mark of byte order, semicolons, and codes with a meaning of their own', async () => {
    const { recordings } = await scan(CODED, '\uFEFFfile;who;mood', 'c.wav;bob;s', '', 'd.wav;bob;h');
    expect(recordings.map(({ columns }) => columns)).toMatchObject([
      { emotion: 'sad', vocal_channel: 'speech' },
      { emotion: 'happy', vocal_channel: 'speech' },
    ]);
  });

  it('that are still to be given leave a recording out, and say so', async () => {
    const { recordings, misfits } = await scan(PLAIN, 'path,speaker,emotion', 'c.wav,bob,sad', 'd.wav,bob,');
    expect(recordings.map(({ path }) => path)).toEqual(['c.wav']);
    expect(misfits).toContainEqual({ path: 'd.wav', reason: 'has no emotion in the table' });
  });

  it.each([
    [
      'a file that is not there',
      ['path,speaker,emotion', 'x.wav,b,sad'],
      /1 recording in the table is not[^]*x\.wav \(line 2\)/,
    ],
    [
      'a file listed twice',
      ['path,speaker,emotion', 'c.wav,b,sad', 'c.wav,b,happy'],
      /mine\/labels\.csv:3: a recording is listed twice[^]*in line 2 too/,
    ],
    [
      'a path out of the folder',
      ['path,speaker,emotion', '../c.wav,b,sad'],
      /labels\.csv:2: this is no path of a recording/,
    ],
    ['a line with too few values', ['path,speaker,emotion', 'c.wav,b'], /labels\.csv:2: the table is not valid CSV/],
    [
      'a missing column, with the nearest',
      ['path,speaker,emotoin', 'c.wav,b,sad'],
      /no column emotion[^]*did you mean emotoin\?/,
    ],
    [
      'a speaker left empty',
      ['path,speaker,emotion', 'c.wav,,sad'],
      /labels\.csv:2: the line of c\.wav[^]*has an unknown speaker/,
    ],
    [
      'a sex of another kind',
      ['path,speaker,emotion,sex', 'c.wav,b,sad,F'],
      /labels\.csv:2[^]*neither female nor male, "F"/,
    ],
  ])('refuse %s, with the line', async (_, lines, message) => {
    await expect(scan(PLAIN, ...lines)).rejects.toThrow(message);
  });

  it('refuse a code without a meaning and a rule for a column that is not there', async () => {
    await expect(scan(CODED, 'file,who,mood', 'c.wav,b,x')).rejects.toThrow(/labels\.csv:2[^]*unknown mood, "x"/);
    await expect(scan(CODED, 'file,who,moods', 'c.wav,b,s')).rejects.toThrow(
      /no column mood, for columns\.emotion[^]*moods/,
    );
  });

  it.each([
    ['together with names', `${PLAIN}files: a\n`, /mine\.yaml:4:8: labels are either in a table or in names/],
    ['outside the corpus folder', PLAIN.replace('labels', '../labels'), /table has a wrong value/],
    [
      'and neither is not enough',
      'title: Mine\nlicence: mine\n',
      /lacks files\n {2}expected: files, example and columns, or a table/,
    ],
  ])('%s are refused', async (_, yaml, message) => {
    await expect(scan(yaml)).rejects.toThrow(message);
  });
});

describe('a corpus with a table', () => {
  const request = () => ({ root, corpus: 'mine', dataFolder: join(root, 'voices') });
  const write = (text: string) => writeFile(join(root, 'voices/labels.csv'), text);

  it('has another key as soon as a label changes', async () => {
    await writeFile(join(root, 'data/corpora/mine.yaml'), PLAIN);
    await write('path,speaker,emotion\nc.wav,bob,sad\nd.wav,bob,sad\n');
    const before = await runProbe(request());
    expect(before!.description).toBe('2 recordings of mine');
    const { rows } = await runStage(before!, { corpus: 'mine' });
    expect(rows.map(({ emotion }) => emotion)).toEqual(['sad', 'sad']);
    await write('path,speaker,emotion\nc.wav,bob,sad\nd.wav,bob,happy\n');
    expect((await runProbe(request()))!.digest).not.toBe(before!.digest);
  });

  it('is kept whole by a choice of vocal channels if it says nothing of them, and says so', async () => {
    await writeFile(join(root, 'data/corpora/mine.yaml'), PLAIN);
    await write('path,speaker,emotion\nc.wav,bob,sad\nd.wav,bob,sad\n');
    const found = await runProbe(request());
    const { rows, notices } = await runStage(found!, { corpus: 'mine', vocal_channels: ['speech'] });
    expect(rows).toHaveLength(2);
    expect(notices).toContainEqual(expect.stringMatching(/no recording says its vocal_channel; all are kept/));
  });

  it('says what is missing where the table is', async () => {
    await writeFile(join(root, 'data/corpora/mine.yaml'), PLAIN);
    await expect(runProbe(request())).rejects.toThrow(
      /no recording of mine[^]*WAV or FLAC files listed in labels\.csv beside them/,
    );
  });
});
