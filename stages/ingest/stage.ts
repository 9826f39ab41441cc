/**
 * Brings a corpus in: one row per recording, pinned by the digest of its file.
 *
 * This is the only stage that reads from outside the store. What it finds there is part of its key (see
 * `external.ts`), and later stages reach a recording only through the path and digest written here.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AudioInfo, probeAudio } from '@prosodia/audio';
import { DataError, RequestError, Type, defineStage, messageOf, nearest, reasonOf } from '@prosodia/core';
import { type ClipRow, ClipTable, SkippedItems } from '@prosodia/tables';
import { mapAtOnce } from './at-once.ts';
import { CATALOGUE, type CatalogueEntry, readCorpus } from './catalogue.ts';
import { listGiven } from './given.ts';
import { count, listed } from './phrases.ts';
import { type FoundRecording, scanFolder } from './scan.ts';

const only = (what: string) =>
  Type.Array(Type.String(), { description: `Only these ${what}; empty for all.`, default: [] });

export default defineStage({
  name: 'ingest',
  summary: 'Lists the recordings of a corpus with what is known of each: speaker, emotion, digest, length.',
  details:
    'A corpus is a YAML file in `data/corpora`. Its recordings are looked for in `--data DIR` (the corpus folder or ' +
    'its parent), else in `data/<corpus>`; a folder with the right files is used as it is. What is known of a recording is read from its name, or from a CSV ' +
    'file beside the recordings. If there is none, the ' +
    'archive that the catalogue names is downloaded, checked and unpacked. `demo` is synthesized.',
  params: Type.Object(
    {
      corpus: Type.String({ description: 'Name of a file in data/corpora, without .yaml.', default: 'demo' }),
      speakers: only('speakers'),
      emotions: only('emotions'),
      vocal_channels: only('vocal channels (speech, song)'),
      on_bad_file: Type.Union([Type.Literal('error'), Type.Literal('skip')], {
        description: 'What to do about a file that fits by name but is no readable recording.',
        default: 'error',
      }),
    },
    { additionalProperties: false },
  ),
  inputs: {},
  outputs: { clips: ClipTable },
  external: new URL('./external.ts', import.meta.url),
  // File reads and digests run on Node's own pool of four threads.
  resources: { threads: 4 },

  async run({ params, outputs, recordings, threads, signal, progress, notice, metrics }) {
    const folder = recordings.folder(params.corpus);
    const entry = await readCorpus(recordings.folder(CATALOGUE), params.corpus);
    const scan = await scanFolder(entry, folder, signal);
    if (scan.recordings.length === 0) throw noRecordings(entry, folder, scan.misfits);
    refuseTwins(entry, scan.recordings);
    if (scan.misfits.length > 0) {
      const names = scan.misfits.map(({ path, reason }) => `${path} (${reason})`);
      notice(
        `${count(names.length, 'audio file')} left out, not among the recordings of ${entry.name}: ${listed(names)}`,
      );
    }
    const whole = entry.corpus.recordings;
    if (whole !== undefined && whole !== scan.recordings.length) {
      notice(`${count(scan.recordings.length, 'recording')} found; the whole of ${entry.name} has ${count(whole)}`);
    }
    if (entry.corpus.synthesizer) {
      notice(
        `${entry.name} is synthetic speech: results on it show that the software works, not how well emotions are told apart`,
      );
    }

    const chosen = choose(scan.recordings, params, notice);
    const probed = await probeAll(entry.name, folder, chosen, { threads, signal, progress });
    const bad = probed.filter((item) => 'error' in item);
    if (bad.length > 0 && params.on_bad_file === 'error') throw badFile(bad[0]!, bad.length);
    const good = probed.filter((item) => 'info' in item);
    if (good.length === 0) throw badFile(bad[0]!, bad.length);
    const skipped = new SkippedItems();
    for (const { path, error } of bad) skipped.add(path, reasonOf(error));
    skipped.report({ notice, metrics }, good.length);
    for (const message of remarks(good)) notice(message);

    const rows = good.map((item) => toRow(entry.name, item)).sort((a, b) => (a.clip_id < b.clip_id ? -1 : 1));
    for (const row of rows) await outputs.clips.append(row);
    metrics({
      recordings: rows.length,
      speakers: new Set(rows.map((row) => row.speaker)).size,
      emotions: new Set(rows.map((row) => row.emotion)).size,
      minutes: rows.reduce((sum, row) => sum + row.duration_s, 0) / 60,
    });
  },

  serve: {
    inputs: [],
    async run({ outputs, given, signal, progress }) {
      for await (const row of listGiven(given, signal, progress)) await outputs.clips.append(row);
    },
  },

  compose: async () => ({ clips: { kind: 'clips' } }),
});

interface Probed extends FoundRecording {
  readonly sha256: string;
  readonly info: AudioInfo;
}

interface Unreadable extends FoundRecording {
  readonly error: DataError;
}

interface ProbeOptions {
  threads: number;
  signal: AbortSignal;
  progress(done: number, total: number | undefined, unit?: string): void;
}

/** Digest and header of each recording, in order, a few files at a time. */
async function probeAll(
  corpus: string,
  folder: string,
  found: readonly FoundRecording[],
  { threads, signal, progress }: ProbeOptions,
): Promise<(Probed | Unreadable)[]> {
  let done = 0;
  return mapAtOnce(found, threads, signal, async (recording) => {
    const result = await probeOne(corpus, folder, recording);
    progress(++done, found.length, 'recordings');
    return result;
  });
}

async function probeOne(corpus: string, folder: string, recording: FoundRecording): Promise<Probed | Unreadable> {
  const where = `${corpus}/${recording.path}`;
  try {
    const bytes = await readFile(join(folder, recording.path));
    const digest = createHash('sha256').update(bytes).digest('hex');
    return { ...recording, sha256: digest, info: probeAudio(bytes, { where }) };
  } catch (error) {
    if (error instanceof DataError) return { ...recording, error };
    throw new DataError({ problem: 'the file cannot be read', got: messageOf(error), where }, { cause: error });
  }
}

function toRow(corpus: string, { path, sha256, info, columns }: Probed): ClipRow {
  return {
    ...columns,
    corpus,
    path,
    sha256,
    sample_rate: info.sampleRate,
    channels: info.channels,
    frames: info.frames,
    duration_s: info.frames / info.sampleRate,
  };
}

type Choice = Readonly<Record<'speakers' | 'emotions' | 'vocal_channels', readonly string[]>>;

const CHOICES = { speakers: 'speaker', emotions: 'emotion', vocal_channels: 'vocal_channel' } as const;

/**
 * Keeps the chosen recordings. Throws a RequestError for a value that no recording has, or if none is left.
 *
 * A corpus that says nothing of vocal channels is kept whole: pipelines for speech are meant to run on anybody's
 * recordings, and most say only who speaks and what is felt.
 */
function choose(
  found: readonly FoundRecording[],
  choice: Choice,
  notice: (message: string) => void,
): readonly FoundRecording[] {
  let kept = found;
  for (const [param, column] of Object.entries(CHOICES) as [keyof Choice, (typeof CHOICES)[keyof Choice]][]) {
    const wanted = choice[param];
    if (wanted.length === 0) continue;
    if (column === 'vocal_channel' && found.every(({ columns }) => columns[column] === null)) {
      notice(`no recording says its vocal_channel; all are kept, though only ${wanted.join(', ')} was asked for`);
      continue;
    }
    const present = [...new Set(found.map(({ columns }) => columns[column] ?? ''))].sort();
    const unknown = wanted.find((value) => !present.includes(value));
    if (unknown !== undefined) {
      const near = nearest(unknown, present);
      throw new RequestError({
        problem: `no recording has the ${column} ${JSON.stringify(unknown)}`,
        expected: present.join(', '),
        got: `${unknown}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
        where: `parameter ${param}`,
      });
    }
    kept = kept.filter(({ columns }) => wanted.includes(columns[column] ?? ''));
  }
  if (kept.length === 0) {
    throw new RequestError({
      problem: 'no recording is left by the chosen speakers, emotions and vocal channels',
      expected: 'at least one recording that has all of them',
      got: JSON.stringify({
        speakers: choice.speakers,
        emotions: choice.emotions,
        vocal_channels: choice.vocal_channels,
      }),
      where: 'parameters of ingest',
    });
  }
  return kept;
}

function noRecordings(
  { name, named }: CatalogueEntry,
  folder: string,
  misfits: readonly { path: string; reason: string }[],
): DataError {
  return new DataError({
    problem: `the folder holds no recording of ${name}`,
    expected: `WAV or FLAC files ${named}`,
    got:
      misfits.length === 0
        ? 'no WAV or FLAC file'
        : `${count(misfits.length, 'audio file')} with other names: ${listed(misfits.map(({ path }) => path))}`,
    where: folder,
    fix: `put the recordings there, name their folder with --data, or remove this folder to have them fetched`,
  });
}

/** Two files for one clip, such as a WAV beside its FLAC, would count a recording twice. */
function refuseTwins(entry: CatalogueEntry, found: readonly FoundRecording[]): void {
  const paths = new Map<string, string>();
  for (const { path, columns } of found) {
    const other = paths.get(columns.clip_id);
    if (other !== undefined) {
      throw new DataError({
        problem: 'two files are the same clip by name',
        expected: `one file for ${columns.clip_id}`,
        got: `${other} and ${path}`,
        where: `corpus ${entry.name}`,
        fix: 'move one of them out of the corpus folder',
      });
    }
    paths.set(columns.clip_id, path);
  }
}

function badFile({ error, columns }: Unreadable, total: number): DataError {
  const others = total > 1 ? ` (and ${total - 1} more)` : '';
  return new DataError(
    {
      ...error.parts,
      problem: `${error.parts.problem}${others}`,
      where: `${error.parts.where ?? ''}, clip ${columns.clip_id}`,
      fix: 'fetch the file again or remove it, or set on_bad_file: skip to leave such files out',
    },
    { cause: error },
  );
}

/** What a user should know about recordings that are used all the same. */
function* remarks(recordings: readonly Probed[]): Generator<string> {
  const multichannel = recordings.filter(({ info }) => info.channels > 1);
  if (multichannel.length > 0) {
    const names = multichannel.map(({ path }) => path);
    yield `${count(names.length, 'recording')} with more than one channel, to be mixed down: ${listed(names)}`;
  }
  const pathsByDigest = new Map<string, string[]>();
  for (const { sha256, path } of recordings) {
    const paths = pathsByDigest.get(sha256);
    if (paths) paths.push(path);
    else pathsByDigest.set(sha256, [path]);
  }
  const identical = [...pathsByDigest.values()].filter((paths) => paths.length > 1);
  if (identical.length > 0) {
    const names = identical.map((paths) => paths.join(' = '));
    yield `${count(names.length, 'recording')} present more than once under different names: ${listed(names)}`;
  }
  const unusual = recordings.filter(({ info }) => info.notices.length > 0);
  if (unusual.length > 0) {
    const names = unusual.map(({ path, info }) => `${path} (${info.notices.join('; ')})`);
    yield `${count(names.length, 'recording')} with an unusual header: ${listed(names)}`;
  }
}
