import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from './catalogue.ts';
import { externalRequest, inTempFolder, runProbe } from './harness.ts';
import { storedZip } from './zip-writer.ts';

const CORPUS = `title: Mine
licence: none
files: '(?<speaker>[a-z]+)_(?<emotion>[a-z]+)'
example: ann_happy.wav
columns:
  speaker: { from: speaker }
  emotion: { from: emotion }
`;

/** A project root with the corpus `mine` in its catalogue. */
function inProject<T>(work: (root: string) => Promise<T>, more = ''): Promise<T> {
  return inTempFolder(async (root) => {
    await put(root, 'data/corpora/mine.yaml', CORPUS + more);
    return work(root);
  });
}

async function put(root: string, path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

describe('finding a corpus', () => {
  it('looks into data/<corpus> of the project', () =>
    inProject(async (root) => {
      expect(await runProbe({ root, corpus: 'mine', acquire: false })).toBeUndefined();
      await put(root, 'data/mine/deep/down/ann_happy.wav', 'x');
      expect(await runProbe({ root, corpus: 'mine', acquire: false })).toMatchObject({
        description: '1 recording of mine',
        folders: { mine: join(root, 'data/mine'), [CATALOGUE]: join(root, 'data/corpora') },
      });
    }));

  it.each([
    ['the corpus folder', 'elsewhere/ann_happy.flac', 'elsewhere'],
    ['its parent', 'elsewhere/mine/ann_happy.wav', 'elsewhere/mine'],
  ])('takes %s as --data', (_what, path, folder) =>
    inProject(async (root) => {
      await put(root, path, 'x');
      const state = await runProbe({ root, corpus: 'mine', dataFolder: join(root, 'elsewhere') });
      expect(state!.folders['mine']).toBe(join(root, folder));
    }),
  );

  it('never looks or fetches elsewhere once --data is given', () =>
    inProject(async (root) => {
      await put(root, 'data/mine/ann_happy.wav', 'x');
      await put(root, 'elsewhere/noise.wav', 'x');
      const dataFolder = join(root, 'elsewhere');
      const error = await runProbe({ root, corpus: 'mine', dataFolder }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DataError);
      expect((error as DataError).parts).toMatchObject({
        problem: 'no recording of mine was found where --data points',
        got: '1 audio file with other names: noise.wav',
        where: dataFolder,
      });
      await expect(runProbe({ root, corpus: 'mine', dataFolder: join(root, 'gone') })).rejects.toThrow(
        /got: {6}no such folder/,
      );
      expect(await runProbe({ root, corpus: 'mine', dataFolder, acquire: false })).toBeUndefined();
    }, 'archive: { url: "http://127.0.0.1:1/a.zip", file: a.zip }\n'));

  it('says how to get a corpus that cannot be fetched', () =>
    inProject(async (root) => {
      await expect(runProbe({ root, corpus: 'mine' })).rejects.toThrow(
        /data\/corpora\/mine\.yaml: the recordings of mine are not here and cannot be fetched[^]*fix: {6}Ask Ann\. Then put them into data\/mine/,
      );
    }, 'obtain: Ask Ann.\n'));

  it('refuses a corpus that is not in the catalogue', () =>
    inProject(async (root) => {
      await expect(runProbe({ root, corpus: 'mime' })).rejects.toThrow(RequestError);
    }));
});

describe('the digest of a corpus', () => {
  const digestOf = async (root: string) => (await runProbe({ root, corpus: 'mine' }))!.digest;

  it('changes with a file, a name and the rules, but not with comments, order of keys, or place', () =>
    inProject(async (root) => {
      await put(root, 'data/mine/ann_happy.wav', 'x');
      const first = await digestOf(root);
      await put(
        root,
        'data/corpora/mine.yaml',
        `# a comment\n${CORPUS.split('\n').slice(2).join('\n')}licence: none\ntitle: Mine\n`,
      );
      expect(await digestOf(root)).toBe(first);
      await rename(join(root, 'data/mine'), join(root, 'moved'));
      const moved = await runProbe({ root, corpus: 'mine', dataFolder: join(root, 'moved') });
      expect(moved!.digest).toBe(first);
      await rename(join(root, 'moved'), join(root, 'data/mine'));

      const seen = new Set([first]);
      await put(root, 'data/mine/ann_happy.wav', 'y');
      seen.add(await digestOf(root));
      await put(root, 'data/mine/ann_sad.wav', 'y');
      seen.add(await digestOf(root));
      await put(root, 'data/mine/README-1.wav', 'y');
      seen.add(await digestOf(root));
      await put(
        root,
        'data/corpora/mine.yaml',
        CORPUS.replace('{ from: emotion }', '{ from: emotion, map: { happy: joy, sad: sad } }'),
      );
      seen.add(await digestOf(root));
      expect(seen.size).toBe(5);
    }));
});

describe('fetching an archive', () => {
  const zip = storedZip([
    { name: 'Mine/ann_happy.wav', bytes: Buffer.from('first') },
    { name: 'Mine/bob_sad.wav', bytes: Buffer.from('second') },
    { name: '__MACOSX/Mine/._bob_sad.wav', bytes: Buffer.from('fork') },
  ]);
  const md5 = createHash('md5').update(zip).digest('hex');

  /** A project whose corpus lies on a local server. */
  async function withArchive<T>(
    fields: string,
    work: (root: string, requests: string[]) => Promise<T>,
    more = '',
  ): Promise<T> {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url!);
      response.end(zip);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.zip`;
    try {
      const archive = `archive: { url: "${url}", file: a.zip, ${fields} }\n${more}`;
      return await inProject((root) => work(root, requests), archive);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('downloads and unpacks once, says what and under which licence, and leaves only the recordings', () =>
    withArchive(`bytes: ${zip.length}, md5: ${md5}`, async (root, requests) => {
      const request = externalRequest({ root, corpus: 'mine' });
      const state = await runProbe({ ...request, root, corpus: 'mine' });
      expect(state!.description).toBe('2 recordings of mine');
      expect(await readFile(join(root, 'data/mine/a/Mine/bob_sad.wav'), 'utf8')).toBe('second');
      expect(await readdir(join(root, 'data/mine/.download'))).toEqual([]);
      expect(request.notices[0]).toMatch(/^fetching mine from http.*Licence: none$/);
      await runProbe({ root, corpus: 'mine' });
      expect(requests).toHaveLength(1);
    }));

  it('fetches once when two runs begin together', () =>
    withArchive(`md5: ${md5}`, async (root, requests) => {
      const states = await Promise.all([1, 2].map(() => runProbe({ root, corpus: 'mine' })));
      expect(states[0]).toEqual(states[1]);
      expect(requests).toHaveLength(1);
    }));

  it('only looks when it may not acquire', () =>
    withArchive(`md5: ${md5}`, async (root, requests) => {
      expect(await runProbe({ root, corpus: 'mine', acquire: false })).toBeUndefined();
      expect(requests).toEqual([]);
    }));

  it('puts nothing in place from an archive with a wrong checksum or without the corpus', async () => {
    await withArchive(`md5: ${'f'.repeat(32)}`, async (root) => {
      await expect(runProbe({ root, corpus: 'mine' })).rejects.toThrow(/wrong md5 checksum/);
      expect(await readdir(join(root, 'data/mine/.download'))).toEqual([]);
    });
    const withoutOne = async (root: string) => {
      await expect(runProbe({ root, corpus: 'mine' })).rejects.toThrow(
        /the archive does not hold the corpus mine\n {2}expected: 3 recordings[^]*got: {6}2\n/,
      );
      expect(await readdir(join(root, 'data/mine'))).toEqual(['.download']);
    };
    await withArchive(`md5: ${md5}`, withoutOne, 'recordings: 3\n');
  });
});
