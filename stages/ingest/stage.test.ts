import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { CancelledError, DataError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, CATALOGUE_FOLDER } from './catalogue.ts';
import { type IngestParams, ROOT, inTempFolder, runProbe, runStage, sha256 } from './harness.ts';

/** A WAV file of `frames` samples that differ with `value`. */
function wav(value: number, { frames = 800, channels = 1 } = {}): Uint8Array {
  const data = Array.from({ length: channels }, () => new Float32Array(frames).fill(value));
  return encodeWav(data, 16000);
}

const name = (emotion: number, actor: number) => `03-01-0${emotion}-01-01-01-0${actor}`;

/** Runs the stage on a folder of ravdess-speech that holds just `files`. */
function ingest(
  files: Record<string, Uint8Array | string>,
  params: Partial<IngestParams> = {},
  options: Parameters<typeof runStage>[2] = {},
): ReturnType<typeof runStage> {
  return inTempFolder(async (folder) => {
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    const folders = { 'ravdess-speech': folder, [CATALOGUE]: join(ROOT, CATALOGUE_FOLDER) };
    return runStage({ digest: '', description: '', folders }, { corpus: 'ravdess-speech', ...params }, options);
  });
}

const TWO = { [`Actor_02/${name(5, 2)}.wav`]: wav(0.1), [`Actor_01/${name(3, 1)}.wav`]: wav(0.2, { frames: 1600 }) };
const SUBSET = /recordings? found; the whole of ravdess-speech has 1,440$/;

describe('ingest', () => {
  it('writes one row per recording, sorted by clip, with digest and length', async () => {
    const { rows, notices, metrics } = await ingest(TWO);
    expect(rows.map((row) => row.clip_id)).toEqual([`ravdess-speech/${name(3, 1)}`, `ravdess-speech/${name(5, 2)}`]);
    expect(rows[0]).toEqual({
      clip_id: `ravdess-speech/${name(3, 1)}`,
      corpus: 'ravdess-speech',
      path: `Actor_01/${name(3, 1)}.wav`,
      sha256: sha256(wav(0.2, { frames: 1600 })),
      sample_rate: 16000,
      channels: 1,
      frames: 1600,
      duration_s: 0.1,
      speaker: '01',
      sex: 'male',
      emotion: 'happy',
      intensity: 'normal',
      statement: '01',
      repetition: 1,
      vocal_channel: 'speech',
    });
    expect(notices).toEqual([expect.stringMatching(SUBSET)]);
    expect(metrics).toMatchObject({ recordings: 2, speakers: 2, emotions: 2 });
  });

  it('gives the same rows with one thread and with four', async () => {
    const [one, four] = await Promise.all([ingest(TWO, {}, { threads: 1 }), ingest(TWO, {}, { threads: 4 })]);
    expect(one.rows).toEqual(four.rows);
  });

  it('keeps only the chosen speakers and emotions', async () => {
    const { rows } = await ingest(TWO, { speakers: ['02'], emotions: ['angry', 'happy'] });
    expect(rows.map((row) => row.speaker)).toEqual(['02']);
  });

  it('refuses a choice that no recording fits, with the nearest name', async () => {
    await expect(ingest(TWO, { emotions: ['hapy'] })).rejects.toThrow(
      'parameter emotions: no recording has the emotion "hapy"\n  expected: angry, happy\n  got:      hapy (did you mean happy?)',
    );
    await expect(ingest(TWO, { speakers: ['01'], emotions: ['angry'] })).rejects.toThrow(/no recording is left/);
  });

  it('names a file that is no recording, and what to do; or leaves it out and says so', async () => {
    const files = { ...TWO, [`${name(1, 3)}.wav`]: '<html>not found</html>' };
    const error = await ingest(files).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).parts).toMatchObject({
      problem: 'the file is no recording that can be read',
      got: 'a web page or XML text',
      where: `ravdess-speech/${name(1, 3)}.wav, clip ravdess-speech/${name(1, 3)}`,
      fix: 'fetch the file again or remove it, or set on_bad_file: skip to leave such files out',
    });
    const { rows, notices } = await ingest(files, { on_bad_file: 'skip' });
    expect(rows).toHaveLength(2);
    expect(notices).toContainEqual(expect.stringMatching(new RegExp(`^skipped ${name(1, 3)}\\.wav: .+`)));
  });

  it('refuses a corpus of which no file can be read, also with on_bad_file: skip', async () => {
    await expect(ingest({ [`${name(1, 3)}.wav`]: '' }, { on_bad_file: 'skip' })).rejects.toThrow(DataError);
  });

  it('mentions files with other names, and hidden ones not at all', async () => {
    const { rows, notices } = await ingest({ ...TWO, 'noise.wav': wav(0), [`._${name(1, 1)}.wav`]: 'mac' });
    expect(rows).toHaveLength(2);
    expect(notices[0]).toBe(
      '1 audio file left out, not among the recordings of ravdess-speech: noise.wav (does not match the pattern)',
    );
  });

  it('says what was expected if no file fits, or there is none', async () => {
    await expect(ingest({ 'noise.wav': wav(0) })).rejects.toThrow(
      /the folder holds no recording of ravdess-speech\n {2}expected: WAV or FLAC files named like 03-[^]*got: {6}1 audio file with other names: noise\.wav/,
    );
    await expect(ingest({})).rejects.toThrow(/got: {6}no WAV or FLAC file\n {2}fix: {6}put the recordings there/);
  });

  it('points out recordings with several channels and recordings that occur twice', async () => {
    const { notices } = await ingest({
      ...TWO,
      [`${name(1, 3)}.wav`]: wav(0.3, { channels: 2 }),
      [`${name(1, 4)}.wav`]: wav(0.1),
    });
    expect(notices.slice(1)).toEqual([
      `1 recording with more than one channel, to be mixed down: ${name(1, 3)}.wav`,
      `1 recording present more than once under different names: ${name(1, 4)}.wav = Actor_02/${name(5, 2)}.wav`,
    ]);
  });

  it('refuses two files for the same clip and names both', async () => {
    const twin = `copy/${name(5, 2)}.flac`;
    await expect(ingest({ ...TWO, [twin]: wav(0.5) })).rejects.toThrow(
      `expected: one file for ravdess-speech/${name(5, 2)}\n  got:      Actor_02/${name(5, 2)}.wav and ${twin}`,
    );
  });

  it('stops when cancelled', async () => {
    await expect(ingest(TWO, {}, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});

const RAVDESS = join(ROOT, '../shared/ravdess-speech');
const absent = !existsSync(RAVDESS);

describe.skipIf(absent)(`RAVDESS speech${absent ? ' (skipped: ../shared/ravdess-speech is not here)' : ''}`, () => {
  it('has 1,440 recordings of 24 speakers; five in stereo, two the same', async () => {
    const state = await runProbe({ root: ROOT, corpus: 'ravdess-speech', dataFolder: RAVDESS });
    expect(state!.description).toBe('1,440 recordings of ravdess-speech');
    const { rows, notices } = await runStage(state!, { corpus: 'ravdess-speech' });
    expect(rows).toHaveLength(1440);
    expect(new Set(rows.map((row) => row.speaker)).size).toBe(24);
    const byEmotion: Record<string, number> = {};
    for (const { emotion } of rows) byEmotion[emotion] = (byEmotion[emotion] ?? 0) + 1;
    const each = { calm: 192, happy: 192, sad: 192, angry: 192, fearful: 192, disgust: 192, surprised: 192 };
    expect(byEmotion).toEqual({ neutral: 96, ...each });
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/^5 recordings with more than one channel/);
    expect(notices[1]).toMatch(/Actor_07\/03-01-03-01-02-01-07\.flac = Actor_07\/03-01-03-01-02-02-07\.flac$/);
  });
});
