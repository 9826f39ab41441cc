/** What is in the store: every result with its last use, and every folder of content with its size. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles } from '../store/files.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';

export interface StoredResult {
  key: string;
  /** None if its entry cannot be read. */
  manifest: Manifest | undefined;
  /** When a run last used it; milliseconds since 1970. */
  used: number;
}

/** Every result; of those in `known` the entry is not read again. */
export async function storedResults(
  store: Store,
  known: ReadonlyMap<string, StoredResult> = new Map(),
): Promise<Map<string, StoredResult>> {
  const results = new Map<string, StoredResult>();
  for (const key of await names(join(store.root, 'actions'), /^([\da-f]{64})\.json$/)) {
    const before = known.get(key);
    if (before) {
      results.set(key, before);
      continue;
    }
    const stats = await stat(store.manifestFile(key)).catch(() => undefined);
    if (!stats) continue; // Another gc, or a person, has removed it.
    results.set(key, { key, manifest: await store.readManifest(key), used: stats.mtimeMs });
  }
  return results;
}

/** Digests of all folders of content. */
export function storedContent(store: Store): Promise<string[]> {
  return names(join(store.root, 'content'), /^([\da-f]{64})$/);
}

export function digestsOf({ manifest }: StoredResult): string[] {
  return Object.values(manifest?.outputs ?? {}).map(({ digest }) => digest);
}

/** Bytes of all files below a path. */
export async function bytesBelow(path: string): Promise<number> {
  let bytes = 0;
  for (const file of await listFiles(path).catch(() => [''])) {
    bytes += (await stat(join(path, file)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

/** Names two levels down whose form is right, without what the form leaves out. */
async function names(root: string, form: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const prefix of (await readdir(root).catch(() => [])).sort()) {
    for (const name of (await readdir(join(root, prefix)).catch(() => [])).sort()) {
      const match = form.exec(name);
      if (match) found.push(match[1]!);
    }
  }
  return found;
}
