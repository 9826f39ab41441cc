/**
 * Finds the corpus that `ingest` reads, or brings it in, and identifies it by content.
 *
 * It runs before every run, so the usual case, everything in place, is kept short: one YAML file, one walk
 * over the folder, and digests that the runner remembers. Downloading, unpacking and synthesizing are
 * imported only when they are needed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, type ExternalProbe, type ExternalRequest } from '@prosodia/core';
import { CATALOGUE, CATALOGUE_FOLDER, type CatalogueEntry, readCorpus } from './catalogue.ts';
import { digests } from './digests.ts';
import { count, listed } from './phrases.ts';
import { type Scan, scanFolder } from './scan.ts';

/** Part of every digest; raised when the digest of the same data must change. */
const FORMAT = 'ingest 1';

interface Found {
  readonly folder: string;
  readonly scan: Scan;
}

const probe: ExternalProbe = async (request) => {
  const catalogue = join(request.root, CATALOGUE_FOLDER);
  const entry = await readCorpus(catalogue, String(request.params['corpus']));
  const found = entry.corpus.synthesizer ? await synthesized(entry, request) : await recorded(entry, request);
  if (!found) return undefined;
  return {
    digest: await identify(entry, found, request),
    description: `${count(found.scan.recordings.length, 'recording')} of ${entry.name}`,
    folders: { [entry.name]: found.folder, [CATALOGUE]: catalogue },
  };
};

export default probe;

/** Digest of the parsed catalogue entry, of the recordings, and of the names of what was left out. */
async function identify(entry: CatalogueEntry, { folder, scan }: Found, request: ExternalRequest): Promise<string> {
  const paths = scan.recordings.map(({ path }) => path);
  const sums = await digests(folder, paths, request);
  const hash = createHash('sha256').update(`${FORMAT}\n${canonical([entry.name, entry.corpus])}\n`);
  paths.forEach((path, i) => hash.update(`${canonical(path)} ${sums[i]}\n`));
  if (scan.table !== undefined) hash.update(`${canonical(scan.table)}\n`);
  for (const { path } of scan.misfits) hash.update(`${canonical(path)}\n`);
  return hash.digest('hex');
}

/** JSON with sorted keys: comments, order and spelling of the YAML do not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

/**
 * A synthesized corpus always lies in `data/<name>`. `--data` is not asked: what it names are somebody's
 * recordings, and those of RAVDESS even have names that fit.
 */
async function synthesized(entry: CatalogueEntry, request: ExternalRequest): Promise<Found | undefined> {
  const folder = join(request.root, 'data', entry.name);
  const seed = entry.corpus.synthesizer!.seed;
  if (request.dataFolder !== undefined) {
    request.notice(`${entry.name} is synthesized into data/${entry.name}; ${request.dataFolder} is not used for it`);
  }
  const { demoIsWhole } = await import('./demo-stamp.ts');
  if (!(await demoIsWhole(folder, seed, request))) {
    if (!request.acquire) return undefined;
    const { synthesizeDemo } = await import('./demo.ts');
    await synthesizeDemo({ folder, seed, ...request });
  }
  return { folder, scan: await scanFolder(entry, folder, request.signal) };
}

async function recorded(entry: CatalogueEntry, request: ExternalRequest): Promise<Found | undefined> {
  const { dataFolder, root, acquire, signal } = request;
  const home = join(root, 'data', entry.name);
  const candidates = dataFolder === undefined ? [home] : [join(dataFolder, entry.name), dataFolder];
  const misfits: string[] = [];
  for (const folder of candidates) {
    const scan = await scanFolder(entry, folder, signal);
    if (scan.recordings.length > 0) return { folder, scan };
    misfits.push(...scan.misfits.map(({ path }) => path));
  }
  if (!acquire) return undefined;
  if (dataFolder !== undefined) throw nothingIn(dataFolder, entry, misfits);
  if (!entry.corpus.archive) throw notFetched(entry, home, misfits);
  const { fetchArchive } = await import('./archive.ts');
  await fetchArchive(entry, entry.corpus.archive, home, request);
  return { folder: home, scan: await scanFolder(entry, home, signal) };
}

/** The user named a folder: fetching the corpus into another one would not be what they asked for. */
function nothingIn(folder: string, { name, corpus, named }: CatalogueEntry, misfits: readonly string[]): DataError {
  const child = join(folder, name);
  return new DataError({
    problem: `no recording of ${name} was found where --data points`,
    expected: `WAV or FLAC files ${named}, at any depth of ${child} or ${folder}`,
    got: !existsSync(folder) ? 'no such folder' : gotNames(misfits),
    where: folder,
    fix: corpus.archive
      ? `name the folder that holds the recordings, or leave --data (and PROSODIA_DATA) out to fetch them into data/${name}`
      : `name the folder that holds the recordings. ${corpus.obtain ?? ''}`.trim(),
  });
}

function notFetched(
  { name, file, corpus, named }: CatalogueEntry,
  home: string,
  misfits: readonly string[],
): DataError {
  return new DataError({
    problem: `the recordings of ${name} are not here and cannot be fetched`,
    expected: `WAV or FLAC files ${named}, at any depth of ${home}`,
    got: !existsSync(home) ? 'no such folder' : gotNames(misfits),
    where: file,
    fix: `${corpus.obtain ? `${corpus.obtain} Then put` : 'Put'} them into data/${name}, or name their folder with --data`,
  });
}

function gotNames(misfits: readonly string[]): string {
  if (misfits.length === 0) return 'no WAV or FLAC file';
  return `${count(misfits.length, 'audio file')} with other names: ${listed(misfits)}`;
}
