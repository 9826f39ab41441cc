import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, digestOfFile } from './file-digest.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-digest-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('digests of content', () => {
  // By blake3 1.0 (Python) of the bytes i mod 251, as BLAKE3's own test vectors have them; sizes around its chunks and our pieces.
  it.each([
    [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
    [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
    [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
    [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
    [262143, '4fbb10c248894f1b56ec8298555b96e597147150a061b1cf1af19f16dbc0557b'],
    [262144, 'd57dc906e20d3fd326ffaa85535500486f46a0979f5a323f028dcabfd381fd4a'],
    [262145, '531c319935cf78f34869faebd865e5748266b1799039103bfb851a680d9ed30c'],
    [524288, 'b467afa334cd7dedd76e3a9a4b0e8a5ed278713f2f4e220a682aa30c7fcd140b'],
    [3000000, '4713babaefbc2271db70eee8ec588829c0e5aa250951e9a401d11db249256fa8'],
  ])('are BLAKE3 for a file of %i bytes', async (bytes, expected) => {
    const file = join(folder, 'file');
    await writeFile(
      file,
      Uint8Array.from({ length: bytes }, (_, i) => i % 251),
    );
    expect(await digestOfFile(file)).toBe(expected);
  });

  it('are those of the UTF-8 bytes for a text', async () => {
    const text = 'Übermut \u{1f3a4} \0\n';
    await writeFile(join(folder, 'text'), text);
    expect(await digestOf(text)).toBe(await digestOfFile(join(folder, 'text')));
  });

  it('reject for a file that is gone, and for a folder', async () => {
    await expect(digestOfFile(join(folder, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(digestOfFile(folder)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
