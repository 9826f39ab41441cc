/**
 * The store: an action cache (key -> manifest) apart from a content store (digest -> folder).
 *
 * Apart, so that a stage which runs again but gives the same bytes stops the wave there, and going
 * back to old parameters is a hit. A folder enters the content store by one rename after everything
 * in it is on disk, and the manifest is placed last: whatever moment a crash chooses, a manifest
 * never points at less than complete content.
 *
 * Waiting for the disk is most of what keeping a result costs, so all files of a result are made
 * durable at once. The renames are not waited for: one that a power cut takes back is a miss, and
 * every hit is verified.
 */
import { readFileSync, statSync } from 'node:fs';
import { chmod, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodeLists } from './code-lists.ts';
import { DigestMemory } from './digests.ts';
import { digestOf, digestOfFile } from './file-digest.ts';
import { hasCode, listFiles, makeFolder, sync, writeAtomically, writeBeside } from './files.ts';
import { Lease } from './lease.ts';
import { HASH_FORMAT, type Manifest, type StoredFile, type StoredOutput } from './manifest.ts';
import { isGone, newOwner, ownerName, parseOwner } from './owner.ts';

/** Days after which nobody is expected to go on with what an interrupted stage left. */
const SCRATCH_DAYS = 30;

/** Files whose digests are taken at the same time; Node has four threads for such work. */
const HASHED_AT_ONCE = 4;

/** Up to so many bytes a file is read at once. */
const SMALL = 64 * 2 ** 10;

/** A usable result, or why there is none. */
export type Lookup =
  | { hit: true; manifest: Manifest }
  | { hit: false; reason: 'absent' }
  | { hit: false; reason: 'damaged'; detail: string };

export class Store {
  readonly root: string;
  readonly digests: DigestMemory;
  readonly code: CodeLists;
  /** What the run in this process relies on; several runs in one process share it. */
  #lease: Lease | undefined;
  #holders = 0;
  /** Empty work folders that wait for their next use. */
  readonly #spare: string[] = [];

  /** @param root folder of the store; made on first use */
  constructor(root: string) {
    this.root = root;
    this.digests = new DigestMemory(join(root, 'digests.json'));
    this.code = new CodeLists(join(root, 'code'));
  }

  /** Folder of an output in the content store. */
  contentFolder(digest: string): string {
    return join(this.root, 'content', digest.slice(0, 2), digest);
  }

  lockFile(key: string): string {
    return join(this.root, 'locks', `${key}.lock`);
  }

  /** Protects what is looked up or added from now on from `gc`, until the function that is returned is called. */
  async hold(): Promise<() => Promise<void>> {
    if (this.#holders++ === 0) this.#lease = await Lease.take(this.root);
    return async () => {
      if (--this.#holders > 0) return;
      const lease = this.#lease;
      this.#lease = undefined;
      const spare = this.#spare.splice(0);
      await Promise.all(spare.map((folder) => rm(folder, { recursive: true, force: true }).catch(() => undefined)));
      await lease?.release();
    };
  }

  /** A fresh folder for work in progress, on the same file system as the content. */
  async workFolder(): Promise<string> {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const folder = join(this.root, 'tmp', ownerName(newOwner()));
    await makeFolder(folder);
    return folder;
  }

  /**
   * Removes a work folder and whatever is left in it. While a run goes on, an empty one is put by for the next: to
   * remove a folder takes a disk longer than anything else in keeping a small result.
   */
  async removeWork(folder: string): Promise<void> {
    const left = this.#holders > 0 ? await readdir(folder).catch(() => undefined) : undefined;
    if (left?.length === 0) this.#spare.push(folder);
    else await rm(folder, { recursive: true, force: true });
  }

  /** Where the stage with this key keeps what a later try can go on from; `commit` removes it. */
  scratchFolder(key: string): string {
    return join(this.root, 'scratch', key);
  }

  /** Removes what {@link leftovers} finds. Not being able to is no reason to fail a run: the space is lost, nothing else. */
  async sweep(): Promise<void> {
    for (const path of await this.leftovers()) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Work folders, locks and leases of processes that were killed, and scratch that was long left alone. */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    for (const folder of ['tmp', 'locks', 'leases']) {
      for (const name of await readdir(join(this.root, folder)).catch(() => [])) {
        const owner = parseOwner(folder === 'locks' ? name.replace(/^[^.]+\.lock\./, '') : name);
        if (owner && isGone(owner)) left.push(join(this.root, folder, name));
      }
    }
    const oldest = Date.now() - SCRATCH_DAYS * 24 * 3600 * 1000;
    for (const key of await readdir(join(this.root, 'scratch')).catch(() => [])) {
      const { mtimeMs } = await stat(this.scratchFolder(key)).catch(() => ({ mtimeMs: Infinity }));
      // A run killed between its commit and the removal leaves scratch that nobody will ask for.
      if (mtimeMs < oldest || (await exists(this.manifestFile(key)))) left.push(this.scratchFolder(key));
    }
    return left;
  }

  async #removeScratch(key: string): Promise<void> {
    await rm(this.scratchFolder(key), { recursive: true, force: true }).catch(() => undefined);
  }

  /** Looks a key up and verifies that every output is there with the right size and digest. */
  async lookUp(key: string): Promise<Lookup> {
    this.#lease?.note(key);
    const manifest = await this.readManifest(key);
    if (!manifest) {
      const path = this.manifestFile(key);
      if (!(await exists(path))) return { hit: false, reason: 'absent' };
      return { hit: false, reason: 'damaged', detail: `its entry ${basename(path)} cannot be read` };
    }
    for (const [name, output] of Object.entries(manifest.outputs)) {
      const detail = await this.#damage(output);
      if (detail) return { hit: false, reason: 'damaged', detail: `output ${name}: ${detail}` };
    }
    return { hit: true, manifest };
  }

  /** The manifest of a key, unverified; undefined if there is none, it cannot be read, or another version wrote it. */
  async readManifest(key: string): Promise<Manifest | undefined> {
    try {
      // In this thread, as in #damage.
      const manifest = JSON.parse(readFileSync(this.manifestFile(key), 'utf8')) as Manifest | null;
      return manifest?.key === key && manifest.parts.format === HASH_FORMAT ? manifest : undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Marks a manifest as used now, for `gc --older-than`. */
  async touch(key: string): Promise<void> {
    const now = new Date();
    await utimes(this.manifestFile(key), now, now).catch(() => undefined); // A read-only store still serves hits.
  }

  /** Whether the content of an output is there and whole; it is then protected from `gc` like what was looked up. */
  async hasContent(output: StoredOutput): Promise<boolean> {
    this.#lease?.note(output.digest);
    return (await this.#damage(output)) === undefined;
  }

  /** The digest that the content of a folder has. */
  async digestOf(folder: string): Promise<string> {
    return treeDigest(await filesOf(folder));
  }

  /**
   * Keeps a finished result: moves its outputs into the content store and makes it visible.
   * @param folders kind and folder of each output; the folders are gone afterwards
   */
  async keep(
    result: Omit<Manifest, 'outputs'>,
    folders: Readonly<Record<string, { kind: string; folder: string }>>,
  ): Promise<Manifest> {
    const outputs: Record<string, StoredOutput> = {};
    const files: string[] = [];
    for (const [name, { kind, folder }] of Object.entries(folders)) {
      outputs[name] = await sealed(folder, kind);
      files.push(...outputs[name].files.map(({ path }) => join(folder, path)));
    }
    const manifest: Manifest = { ...result, outputs };
    const entry = await writeBeside(this.manifestFile(manifest.key), JSON.stringify(manifest));
    try {
      await Promise.all([...files, entry.path].map(sync));
      for (const [name, { folder }] of Object.entries(folders)) await this.#enter(folder, outputs[name]!);
      await entry.place();
    } finally {
      await entry.drop();
    }
    await this.#removeScratch(manifest.key);
    return manifest;
  }

  /** Moves a finished output into the content store. `folder` is gone afterwards. */
  async addOutput(folder: string, kind: string): Promise<StoredOutput> {
    const output = await sealed(folder, kind);
    await Promise.all(output.files.map(({ path }) => sync(join(folder, path))));
    await this.#enter(folder, output);
    return output;
  }

  /** Makes a result visible whose outputs were all added. */
  async commit(manifest: Manifest): Promise<void> {
    await writeAtomically(this.manifestFile(manifest.key), JSON.stringify(manifest));
    await this.#removeScratch(manifest.key);
  }

  /** Renames a folder whose files are durable to its place, unless there is one. */
  async #enter(folder: string, output: StoredOutput): Promise<void> {
    const target = this.contentFolder(output.digest);
    this.#lease?.note(output.digest);
    await makeFolder(dirname(target));
    while (!(await moveTo(folder, target))) {
      // The same content is there already, be it from long ago or put there this moment by another run.
      if ((await this.#damage(output)) === undefined) return rm(folder, { recursive: true, force: true });
      await this.#discard(target);
    }
    await Promise.all(output.files.map(({ path, digest }) => this.digests.remember(join(target, path), digest)));
  }

  /** Where the entry of a key is. */
  manifestFile(key: string): string {
    return join(this.root, 'actions', key.slice(0, 2), `${key}.json`);
  }

  /** What is wrong with a stored output; undefined if nothing is. */
  async #damage(output: StoredOutput): Promise<string | undefined> {
    const folder = this.contentFolder(output.digest);
    const expected = new Set(output.files.map(({ path }) => path));
    try {
      for (const { path, bytes, digest } of output.files) {
        const file = join(folder, path);
        // In this thread: the way to another and back takes ten times as long, and a warm run asks of every file.
        const stats = statSync(file, { bigint: true });
        if (Number(stats.size) !== bytes) return `${path} has ${stats.size} bytes instead of ${bytes}`;
        if ((await this.digests.digest(file, stats)) !== digest) return `${path} was changed`;
      }
      // A reader takes every part file it finds. What file managers leave behind begins with a dot and does no harm.
      const extra = (await listFiles(folder)).find((path) => !expected.has(path) && !basename(path).startsWith('.'));
      return extra === undefined ? undefined : `${extra} was added`;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return (await this.#missing(output)) ?? 'it changed while it was read';
      throw error;
    }
  }

  async #missing({ digest, files }: StoredOutput): Promise<string | undefined> {
    const folder = this.contentFolder(digest);
    if (!(await exists(folder))) return 'its folder is gone';
    for (const { path } of files) if (!(await exists(join(folder, path)))) return `${path} is gone`;
    return undefined;
  }

  /** Removes a damaged folder in two steps, so that nobody sees half of it. */
  async #discard(folder: string): Promise<void> {
    const away = await this.workFolder();
    try {
      await rename(folder, join(away, 'discarded'));
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error; // Another run has discarded it.
    } finally {
      await this.removeWork(away);
    }
  }
}

async function filesOf(folder: string): Promise<StoredFile[]> {
  const paths = await listFiles(folder);
  return atOnce(paths, HASHED_AT_ONCE, async (path) => {
    const absolute = join(folder, path);
    const { size } = statSync(absolute);
    // They were written a moment ago. In this thread, as in #damage, where they are small.
    const digest = await (size <= SMALL ? digestOf(readFileSync(absolute)) : digestOfFile(absolute));
    return { path, bytes: size, digest };
  });
}

/** Makes the files of a finished output read-only and takes their digests. */
async function sealed(folder: string, kind: string): Promise<StoredOutput> {
  for (const path of await listFiles(folder)) await chmod(join(folder, path), 0o444);
  const files = await filesOf(folder);
  return { kind, digest: await treeDigest(files), bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files };
}

/** Maps items, some at the same time, in their order. */
async function atOnce<Item, Result>(
  items: readonly Item[],
  count: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, worker));
  return results;
}

/** Renames a folder; false if there is one at the target. */
async function moveTo(folder: string, target: string): Promise<boolean> {
  try {
    await rename(folder, target);
    return true;
  } catch (error) {
    // Windows says EPERM for a target that exists.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EPERM') && (await exists(target))) return false;
    throw error;
  }
}

/** Digest of a folder from the paths, sizes and digests of its files. */
function treeDigest(files: readonly StoredFile[]): Promise<string> {
  return digestOf(files.map(({ path, bytes, digest }) => `${path}\0${bytes}\0${digest}\n`).join(''));
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
