/**
 * What a run relies on, told to whoever clears the store beside it.
 *
 * A run appends every key and digest to a file of its own before it looks whether that is there. Clearing first takes a
 * thing away and then reads these files: of the two, one sees the other. Either the run finds nothing and computes, or
 * the thing is put back. No clock is asked for runs on this machine, so none can be wrong.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './files.ts';
import { isGone, isNear, newOwner, ownerName, parseOwner } from './owner.ts';

/** Days after which a lease of another machine, whose processes cannot be asked for from here, is over. */
const FOREIGN_DAYS = 30;

export class Lease {
  readonly #file: string;
  readonly #handle: number;
  readonly #noted = new Set<string>();

  private constructor(file: string) {
    this.#file = file;
    this.#handle = openSync(file, 'ax');
  }

  /** @param root folder of the store; undefined if nothing can be written there, and so nothing cleared either */
  static async take(root: string): Promise<Lease | undefined> {
    const folder = leasesIn(root);
    try {
      await makeFolder(folder);
      return new Lease(join(folder, ownerName(newOwner())));
    } catch {
      return undefined;
    }
  }

  /** Notes a key or digest. A disk that is full fails the caller: it could not rely on anything. */
  note(name: string): void {
    if (this.#noted.has(name)) return;
    writeSync(this.#handle, `${name}\n`);
    this.#noted.add(name);
  }

  async release(): Promise<void> {
    closeSync(this.#handle);
    await rm(this.#file, { force: true }).catch(() => undefined); // Its process will be gone soon.
  }
}

/** Keys and digests that living runs rely on. Leases of the dead are removed. */
export async function leased(root: string): Promise<Set<string>> {
  const names = new Set<string>();
  for (const name of await readdir(leasesIn(root)).catch(() => [])) {
    const file = join(leasesIn(root), name);
    const owner = parseOwner(name);
    if (!owner) continue;
    if (isGone(owner) || (!isNear(owner) && (await isOld(file)))) {
      await rm(file, { force: true }).catch(() => undefined);
      continue;
    }
    const text = await readFile(file, 'utf8').catch(() => ''); // Released just now.
    for (const line of text.split('\n')) names.add(line);
  }
  return names;
}

async function isOld(file: string): Promise<boolean> {
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > FOREIGN_DAYS * 24 * 3600 * 1000;
}

function leasesIn(root: string): string {
  return join(root, 'leases');
}
