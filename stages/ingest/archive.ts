/**
 * Brings a corpus in from its archive: download, check, unpack, put in place.
 *
 * Everything happens in `<corpus folder>/.download`, which scans pass over; the recordings appear by one
 * rename at the end. The archive is removed then: it was checked, its files are pinned by their own digests
 * from here on, and it would double the disk space.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError, type ExternalRequest, RequestError } from '@prosodia/core';
import type { ArchiveSource, CatalogueEntry } from './catalogue.ts';
import { download, type DownloadOptions } from './download.ts';
import { withLock } from './lock.ts';
import { count, listed } from './phrases.ts';
import { scanFolder } from './scan.ts';
import { unpack } from './unpack.ts';

const DRAFT = 'unpacked-';

export type FetchRequest = Pick<ExternalRequest, 'signal' | 'progress' | 'notice'> &
  Pick<DownloadOptions, 'attempts' | 'pause' | 'patience'>;

/**
 * Fetches the archive of `entry` into `home`, unless another process just did.
 *
 * @throws DataError as `download` and `unpack` do, and if the archive does not hold the corpus
 */
export async function fetchArchive(
  entry: CatalogueEntry,
  archive: ArchiveSource,
  home: string,
  request: FetchRequest,
): Promise<void> {
  const { signal, notice } = request;
  const workshop = join(home, '.download');
  await mkdir(workshop, { recursive: true });
  const onWait = () => notice(`another process is fetching ${entry.name}; waiting for it`);
  await withLock(join(workshop, 'lock'), signal, onWait, async () => {
    if ((await scanFolder(entry, home, signal)).recordings.length > 0) return;
    const file = join(workshop, archive.file);
    const size = archive.bytes === undefined ? '' : `, ${count(Math.ceil(archive.bytes / 1e6))} MB`;
    notice(`fetching ${entry.name} from ${archive.url}${size}. Licence: ${entry.corpus.licence}`);
    const otherwise = `Or get ${archive.file} by other means, unpack it, and name its folder with --data`;
    for (const name of await readdir(workshop)) {
      if (name.startsWith(DRAFT)) await rm(join(workshop, name), { recursive: true, force: true });
    }
    // A file under its final name was checked by an earlier run, which ended before it was unpacked.
    if (!existsSync(file)) await download({ ...archive, ...request, file, otherwise });
    const draft = await mkdtemp(join(workshop, DRAFT));
    try {
      await unpack(file, draft, request);
      await checkContents(entry, draft, archive.url, signal);
      await putInPlace(draft, join(home, basename(archive.file, '.zip')));
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      // What was unpacked wrongly once will not be right the next time; a cancelled run may use it again.
      if (error instanceof DataError && !isFull(error)) await rm(file, { force: true });
      throw error;
    }
    await rm(file, { force: true });
  });
}

async function putInPlace(draft: string, target: string): Promise<void> {
  try {
    await rename(draft, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    throw new RequestError(
      {
        problem: 'the unpacked recordings cannot be put in place',
        expected: 'no such folder',
        got: 'a folder or file that holds no recording of the corpus',
        where: target,
        fix: 'move it away and run again; the archive is kept',
      },
      { cause: error },
    );
  }
}

async function checkContents(entry: CatalogueEntry, folder: string, url: string, signal: AbortSignal): Promise<void> {
  const { recordings, misfits } = await scanFolder(entry, folder, signal);
  const expected = entry.corpus.recordings;
  if (recordings.length > 0 && (expected === undefined || recordings.length === expected)) return;
  const others = misfits.length === 0 ? '' : `, and other audio files: ${listed(misfits.map(({ path }) => path))}`;
  throw new DataError({
    problem: `the archive does not hold the corpus ${entry.name}`,
    expected: `${expected === undefined ? 'recordings' : count(expected, 'recording')} ${entry.named}`,
    got: `${count(recordings.length)}${others}`,
    where: url,
    fix: `correct ${entry.file}`,
  });
}

function isFull(error: DataError): boolean {
  return (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC';
}
