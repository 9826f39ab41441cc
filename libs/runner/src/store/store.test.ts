import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratchIn } from '../host/scratch.ts';
import { listFiles } from './files.ts';
import { HASH_FORMAT, type Manifest } from './manifest.ts';
import { newOwner, ownerName } from './owner.ts';
import { Store } from './store.ts';

const KEY = 'ab'.repeat(32);
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'prosodia-store-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Puts a result with one output into the store, as a stage would. */
async function put(store: Store, files: Record<string, string>, key = KEY): Promise<Manifest> {
  const work = await store.workFolder();
  const folder = join(work, 'table');
  await mkdir(join(folder, 'inner'), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  const table = await store.addOutput(folder, 'text');
  await rm(work, { recursive: true });
  const manifest: Manifest = {
    key,
    parts: { format: HASH_FORMAT, stage: 's', code: 'c', params: {}, inputs: {} },
    outputs: { table },
    notices: [],
    metrics: {},
    summary: [],
    seconds: 1,
    peak_memory_bytes: 1,
  };
  await store.commit(manifest);
  return manifest;
}

const FILES = { 'part-00000.parquet': 'rows and rows', 'inner/more.json': '{}' };

/** Where the first file of the output lies, made writable. */
async function stored(store: Store, manifest: Manifest): Promise<string> {
  const file = join(store.contentFolder(manifest.outputs['table']!.digest), 'part-00000.parquet');
  await chmod(file, 0o644);
  return file;
}

describe('Store', () => {
  it('uses an empty work folder again while a run goes on, never one with something in it, and removes all at the end', async () => {
    const store = new Store(root);
    const release = await store.hold();
    const first = await store.workFolder();
    await store.removeWork(first);
    const again = await store.workFolder();
    const beside = await store.workFolder();
    expect([again === first, beside === first]).toEqual([true, false]);
    await writeFile(join(again, 'left'), 'over');
    await store.removeWork(again);
    await store.removeWork(beside);
    expect(await readdir(join(root, 'tmp'))).toHaveLength(1);
    await release();
    expect(await readdir(join(root, 'tmp'))).toEqual([]);
  });

  it('keeps a result of several outputs in one go, as good as added one by one; the folders are gone afterwards', async () => {
    const store = new Store(root);
    const { outputs, ...result } = await put(store, FILES);
    const work = await store.workFolder();
    for (const name of ['table', 'other']) {
      await mkdir(join(work, name, 'inner'), { recursive: true });
      for (const [path, text] of Object.entries(FILES)) await writeFile(join(work, name, path), text + name.slice(5));
    }
    await writeFile(join(work, 'other', 'more'), 'more');
    const folders = {
      table: { kind: 'text', folder: join(work, 'table') },
      other: { kind: 'text', folder: join(work, 'other') },
    };
    const kept = await store.keep({ ...result, key: 'cd'.repeat(32) }, folders);
    expect(kept.outputs['table']).toEqual(outputs['table']);
    expect(await readdir(work)).toEqual([]);
    expect(await new Store(root).lookUp(kept.key)).toEqual({ hit: true, manifest: kept });
    await store.removeWork(work);
  });

  it('makes nothing visible, and leaves no file behind, if a result cannot be kept', async () => {
    const store = new Store(root);
    const { outputs, ...result } = await put(store, FILES);
    expect(Object.keys(outputs)).toEqual(['table']);
    const key = 'ef'.repeat(32);
    const gone = join(root, 'tmp', 'gone');
    await expect(store.keep({ ...result, key }, { table: { kind: 'text', folder: gone } })).rejects.toThrow('ENOENT');
    expect(await store.lookUp(key)).toEqual({ hit: false, reason: 'absent' });
    expect((await listFiles(join(root, 'actions'))).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });

  it('gives back what was put, to this and to a later process, and leaves no work folder', async () => {
    const manifest = await put(new Store(root), FILES);
    const found = await new Store(root).lookUp(KEY);
    expect(found).toEqual({ hit: true, manifest });
    expect(await listFiles(join(root, 'tmp'))).toEqual([]);
    expect(await listFiles(new Store(root).contentFolder(manifest.outputs['table']!.digest))).toEqual(
      Object.keys(FILES).sort(),
    );
  });

  it('has nothing under a key that was never put', async () => {
    expect(await new Store(root).lookUp('cd'.repeat(32))).toEqual({ hit: false, reason: 'absent' });
  });

  it('keeps equal content once, whatever keys lead to it, and different content apart', async () => {
    const store = new Store(root);
    const one = await put(store, FILES);
    const same = await put(store, FILES, '11'.repeat(32));
    const renamed = await put(
      store,
      { 'part-00001.parquet': 'rows and rows', 'inner/more.json': '{}' },
      '22'.repeat(32),
    );
    expect(same.outputs).toEqual(one.outputs);
    expect(renamed.outputs['table']!.digest).not.toBe(one.outputs['table']!.digest);
  });

  it('makes the files read-only, so that nobody edits a result by mistake', async () => {
    const store = new Store(root);
    const { outputs } = await put(store, FILES);
    const { mode } = await stat(join(store.contentFolder(outputs['table']!.digest), 'part-00000.parquet'));
    expect(mode & 0o222).toBe(0);
  });

  const damages: [string, (file: string) => Promise<unknown>, string][] = [
    ['truncated', (file) => truncate(file, 5), 'part-00000.parquet has 5 bytes instead of 13'],
    ['emptied', (file) => truncate(file, 0), 'part-00000.parquet has 0 bytes instead of 13'],
    ['lengthened', (file) => writeFile(file, '!', { flag: 'a' }), 'part-00000.parquet has 14 bytes instead of 13'],
    ['bit-flipped', (file) => flipBit(file), 'part-00000.parquet was changed'],
    ['deleted', (file) => rm(file), 'part-00000.parquet is gone'],
    ['deleted with its folder', (file) => rm(join(file, '..'), { recursive: true }), 'its folder is gone'],
    ['emptied folder', (file) => emptyFolder(join(file, '..')), 'inner/more.json is gone'],
    ['added', (file) => writeFile(join(file, '..', 'part-00001.parquet'), '?'), 'part-00001.parquet was added'],
  ];
  it.each(damages)('%s: a miss that says so, and as good as new when put again', async (_, damage, reason) => {
    const store = new Store(root);
    const manifest = await put(store, FILES);
    await damage(await stored(store, manifest));
    for (const eye of [store, new Store(root)]) {
      expect(await eye.lookUp(KEY)).toEqual({ hit: false, reason: 'damaged', detail: `output table: ${reason}` });
    }
    const later = new Store(root);
    expect(await put(later, FILES)).toEqual(manifest);
    expect(await new Store(root).lookUp(KEY)).toEqual({ hit: true, manifest });
    expect(await listFiles(join(root, 'tmp'))).toEqual([]);
  });

  it('does not mind what a file manager leaves behind', async () => {
    const store = new Store(root);
    const manifest = await put(store, FILES);
    await writeFile(join(store.contentFolder(manifest.outputs['table']!.digest), '.DS_Store'), 'x');
    expect((await store.lookUp(KEY)).hit).toBe(true);
  });

  it.each(['', '{', 'null', '[]', '{}', `{"key":"${'cd'.repeat(32)}"}`, `{"key":"${KEY}","parts":{"format":1}}`])(
    'a manifest that reads %j is a miss that says so, repaired by putting again',
    async (text) => {
      const store = new Store(root);
      const manifest = await put(store, FILES);
      await writeFile(join(root, 'actions', KEY.slice(0, 2), `${KEY}.json`), text);
      expect(await store.lookUp(KEY)).toEqual({
        hit: false,
        reason: 'damaged',
        detail: `its entry ${KEY}.json cannot be read`,
      });
      await put(store, FILES);
      expect(await store.lookUp(KEY)).toEqual({ hit: true, manifest });
    },
  );

  it('takes the same content from several at once', async () => {
    const keys = Array.from({ length: 12 }, (_, i) => i.toString(16).padStart(64, '0'));
    const manifests = await Promise.all(keys.map((key) => put(new Store(root), FILES, key)));
    expect(new Set(manifests.map(({ outputs }) => outputs['table']!.digest)).size).toBe(1);
    const store = new Store(root);
    for (const key of keys) expect((await store.lookUp(key)).hit).toBe(true);
    expect(await listFiles(join(root, 'tmp'))).toEqual([]);
  });

  it('takes an output without files', async () => {
    const store = new Store(root);
    const empty = join(await store.workFolder(), 'empty');
    await mkdir(empty);
    const output = await store.addOutput(empty, 'text');
    expect(output).toMatchObject({ bytes: 0, files: [] });
    expect(await readdir(store.contentFolder(output.digest))).toEqual([]);
  });

  it('keeps scratch under its key until the result is there', async () => {
    const store = new Store(root);
    const scratch = scratchIn(store.scratchFolder(KEY));
    expect(await scratch.read('note')).toBeUndefined();
    await scratch.write('note', Uint8Array.of(1, 2));
    await scratch.write('note', Uint8Array.of(3));
    expect([...(await scratchIn(new Store(root).scratchFolder(KEY)).read('note'))!]).toEqual([3]);
    expect(await scratchIn(store.scratchFolder('cd'.repeat(32))).read('note')).toBeUndefined();
    await store.sweep();
    expect(await scratch.read('note')).toBeDefined();
    await put(store, FILES);
    expect(await readdir(join(root, 'scratch'))).toEqual([]);
  });

  it('sweeps away scratch of a key that is done, and what was left alone for a month', async () => {
    const store = new Store(root);
    await put(store, FILES);
    const [old, fresh] = ['cd'.repeat(32), 'ef'.repeat(32)];
    for (const key of [KEY, old, fresh]) await scratchIn(store.scratchFolder(key)).write('note', new Uint8Array(1));
    const before = new Date(Date.now() - 31 * 24 * 3600 * 1000);
    await utimes(store.scratchFolder(old), before, before);
    await store.sweep();
    expect(await readdir(join(root, 'scratch'))).toEqual([fresh]);
  });

  it('refuses a name of scratch that leads elsewhere', async () => {
    const scratch = scratchIn(join(root, 'scratch'));
    for (const name of ['../x', 'a/b', '.', '']) {
      await expect(scratch.read(name)).rejects.toThrow('expected a plain file name');
    }
  });

  it('sweeps away the work of processes that are gone, and of no others', async () => {
    const store = new Store(root);
    const mine = await store.workFolder();
    const names = { dead: { ...newOwner(), pid: 2 ** 22 + 1 }, elsewhere: { ...newOwner(), host: 'elsewhere' } };
    for (const owner of Object.values(names)) await mkdir(join(root, 'tmp', ownerName(owner)));
    await store.sweep();
    expect((await readdir(join(root, 'tmp'))).sort()).toEqual(
      [mine.slice(join(root, 'tmp').length + 1), ownerName(names.elsewhere)].sort(),
    );
  });
});

/** Changes one bit and puts both times back as far as a program can. */
async function flipBit(file: string): Promise<void> {
  const { atime, mtime } = await stat(file);
  const bytes = await readFile(file);
  bytes[3]! ^= 1;
  await writeFile(file, bytes);
  await utimes(file, atime, mtime);
}

async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true });
  await mkdir(folder);
}
