/**
 * Unpacks a ZIP archive into a folder, entry by entry, in constant memory.
 *
 * Names that would lead out of the folder are refused, and the CRC-32 of every file is checked, which
 * yauzl leaves to its caller.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CancelledError, DataError, messageOf, throwIfCancelled } from '@prosodia/core';
import { type Entry, type ZipFile, open } from 'yauzl';

export interface UnpackOptions {
  signal: AbortSignal;
  progress(done: number, total: number | undefined, unit?: string): void;
}

/**
 * Unpacks `archive` into the existing folder `folder`.
 *
 * @throws DataError if the archive is damaged or unsafe, naming the entry; CancelledError
 */
export async function unpack(archive: string, folder: string, { signal, progress }: UnpackOptions): Promise<void> {
  let zip: ZipFile | undefined;
  let entryName = '';
  try {
    zip = await openZip(archive);
    let done = 0;
    for await (const entry of entries(zip)) {
      throwIfCancelled(signal, 'unpacking');
      entryName = entry.fileName;
      if (!entryName.endsWith('/')) await unpackEntry(zip, entry, folder, signal);
      progress(++done, zip.entryCount, 'files');
    }
  } catch (error) {
    throwIfCancelled(signal, 'unpacking');
    if (error instanceof CancelledError) throw error;
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new DataError(
      {
        problem: full ? 'the disk is full' : 'the archive cannot be unpacked',
        got: messageOf(error),
        where: entryName === '' ? archive : `${archive}, after entry ${entryName}`,
        fix: full ? 'make room, then run again' : 'remove the archive and run again to fetch it anew',
      },
      { cause: error },
    );
  } finally {
    zip?.close();
  }
}

function openZip(archive: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(archive, { lazyEntries: true, autoClose: false, strictFileNames: false }, (error, zip) => {
      if (error) reject(error);
      else resolve(zip);
    });
  });
}

/** Entries in archive order. yauzl refuses absolute names and names with `..` as errors here. */
async function* entries(zip: ZipFile): AsyncGenerator<Entry, void, undefined> {
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      zip.once('entry', resolve);
      zip.once('end', () => resolve(undefined));
      zip.once('error', reject);
      zip.readEntry();
    });
    zip.removeAllListeners();
    if (!entry) return;
    yield entry;
  }
}

async function unpackEntry(zip: ZipFile, entry: Entry, folder: string, signal: AbortSignal): Promise<void> {
  const path = join(folder, entry.fileName);
  await mkdir(dirname(path), { recursive: true });
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => {
      if (error) reject(error);
      else resolve(opened);
    });
  });
  let crc = 0;
  const check = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      crc = crc32(chunk, crc);
      done(null, chunk);
    },
  });
  await pipeline(stream, check, createWriteStream(path, { flags: 'wx' }), { signal });
  if (crc !== entry.crc32) throw new Error(`the checksum of ${entry.fileName} is wrong`);
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of ZIP (polynomial 0xEDB88320, reflected), continued from `crc`. Node's own needs 20.15. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  let value = ~crc;
  for (let i = 0; i < bytes.length; i++) value = CRC_TABLE[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}
