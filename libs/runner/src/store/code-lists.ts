/**
 * The files and packages behind a code fingerprint, kept once for all results that have it.
 *
 * In every entry they were six sevenths of it, and a warm run reads every entry. They serve `why` and `diff` alone:
 * losing one costs the name of the file that changed, never a result.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, writeAtomically } from './files.ts';

/** Path below the root, or `package@version`, to digest. */
export type CodeParts = Readonly<Record<string, string>>;

/** Lists that no result has are kept so long: a run that is going on may be about to need one. */
const SPARE_MS = 24 * 3600 * 1000;

/** SHA-256 of a list, in its order. */
export function codeDigest(parts: CodeParts): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(parts)))
    .digest('hex');
}

export class CodeLists {
  readonly #folder: string;
  readonly #known = new Map<string, CodeParts>();

  /** @param folder where they are kept; made on first use */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What a fingerprint was made of; undefined if it is not kept, or was changed. */
  read(digest: string): CodeParts | undefined {
    const known = this.#known.get(digest);
    if (known) return known;
    try {
      const parts = JSON.parse(readFileSync(this.#file(digest), 'utf8')) as CodeParts | null;
      if (!parts || codeDigest(parts) !== digest) return undefined;
      this.#known.set(digest, parts);
      return parts;
    } catch (error) {
      if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Keeps a list under its digest, unless it is there. */
  async keep(digest: string, parts: CodeParts): Promise<void> {
    if (this.read(digest)) return;
    await writeAtomically(this.#file(digest), JSON.stringify(parts));
    this.#known.set(digest, parts);
  }

  /** Removes lists that are not among the digests given, but for young ones. */
  async prune(used: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (used.has(name.replace(/\.json$/, ''))) continue;
      const file = join(this.#folder, name);
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
      if (Date.now() - mtimeMs > SPARE_MS) await rm(file, { force: true });
    }
  }

  #file(digest: string): string {
    return join(this.#folder, `${digest}.json`);
  }
}
