import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { inTempFolder } from './harness.ts';
import { crc32, unpack } from './unpack.ts';
import { type ZipItem, storedZip } from './zip-writer.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function unpacked<T>(zip: Uint8Array, work: (unpacking: Promise<void>, folder: string) => Promise<T>, abort = false) {
  return inTempFolder(async (folder) => {
    const archive = join(folder, 'a.zip');
    const target = join(folder, 'out');
    await mkdir(target);
    await writeFile(archive, zip);
    const signal = abort ? AbortSignal.abort() : new AbortController().signal;
    return work(unpack(archive, target, { signal, progress: () => undefined }), target);
  });
}

const GOOD: ZipItem[] = [
  { name: 'Actor_01/', bytes: bytes('') },
  { name: 'Actor_01/a.wav', bytes: bytes('first') },
  { name: 'readme.txt', bytes: bytes('') },
];

describe('unpack', () => {
  it('writes every file with its bytes', () =>
    unpacked(storedZip(GOOD), async (unpacking, folder) => {
      await unpacking;
      expect(await readFile(join(folder, 'Actor_01/a.wav'), 'utf8')).toBe('first');
      expect(existsSync(join(folder, 'readme.txt'))).toBe(true);
    }));

  it.each(['../evil.wav', '/evil.wav', 'a/../../evil.wav', '..\\evil.wav'])('refuses the name %s', (name) =>
    unpacked(storedZip([...GOOD, { name, bytes: bytes('x') }]), async (unpacking, folder) => {
      await expect(unpacking).rejects.toThrow(/the archive cannot be unpacked\n {2}got: {6}(invalid|absolute)/);
      expect(existsSync(join(folder, '../evil.wav'))).toBe(false);
    }),
  );

  it('notices damage by the checksum of the entry', () =>
    unpacked(storedZip([{ name: 'a.wav', bytes: bytes('x'), crc: 1 }]), async (unpacking) => {
      await expect(unpacking).rejects.toThrow(/the checksum of a\.wav is wrong/);
    }));

  it('says what is no archive at all', () =>
    unpacked(bytes('<html>'), async (unpacking) => {
      await expect(unpacking).rejects.toThrow(/the archive cannot be unpacked/);
    }));

  it('stops when cancelled', () =>
    unpacked(storedZip(GOOD), (unpacking) => expect(unpacking).rejects.toThrow(CancelledError), true));

  it('computes the CRC-32 of the standard check string, in one piece and in two', () => {
    expect(crc32(bytes('123456789'))).toBe(0xcbf43926);
    expect(crc32(bytes('6789'), crc32(bytes('12345')))).toBe(0xcbf43926);
  });
});
