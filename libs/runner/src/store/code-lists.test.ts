import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodeLists, codeDigest } from './code-lists.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-code-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const LIST = { 'libs/core/src/index.ts': 'aa', 'yaml@2.8.1': 'bb' };
const DIGEST = codeDigest(LIST);

describe('CodeLists', () => {
  it('keeps a list once, for another process to read', async () => {
    const lists = new CodeLists(join(folder, 'code'));
    expect(lists.read(DIGEST)).toBeUndefined();
    await lists.keep(DIGEST, LIST);
    await lists.keep(DIGEST, LIST);
    expect(await readdir(join(folder, 'code'))).toEqual([`${DIGEST}.json`]);
    expect(new CodeLists(join(folder, 'code')).read(DIGEST)).toEqual(LIST);
  });

  it.each([
    ['cut off', '{"libs/core'],
    ['empty', ''],
    ['no list', 'null'],
    ['of another digest', '{"libs/core/src/index.ts":"cc"}'],
  ])('takes a file that is %s for none, and replaces it', async (_, text) => {
    const file = join(folder, `${DIGEST}.json`);
    await writeFile(file, text);
    const lists = new CodeLists(folder);
    expect(lists.read(DIGEST)).toBeUndefined();
    await lists.keep(DIGEST, LIST);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(LIST);
  });

  it('removes lists that nobody has, but none that came just now', async () => {
    const lists = new CodeLists(folder);
    const digests = [];
    for (const name of ['used', 'young', 'old']) {
      const list = { [name]: 'dd' };
      await lists.keep(codeDigest(list), list);
      digests.push(codeDigest(list));
    }
    const [used, young, old] = digests as [string, string, string];
    const weekAgo = new Date(Date.now() - 7 * 24 * 3600 * 1000);
    for (const digest of [used, old]) await utimes(join(folder, `${digest}.json`), weekAgo, weekAgo);
    await lists.prune(new Set([used]));
    expect(new Set(await readdir(folder))).toEqual(new Set([used, young].map((digest) => `${digest}.json`)));
  });
});
