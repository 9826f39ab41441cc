/**
 * Digests of files, remembered by what the file system says of them.
 *
 * A digest is taken again only if size, modification time, change time or inode differ. The change
 * time cannot be set by a program, so an edit that restores the modification time is seen too.
 */
import { randomUUID } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestOfFile } from './file-digest.ts';

interface Remembered {
  /** size, mtime, ctime in nanoseconds, inode. */
  state: string;
  digest: string;
}

/** Files changed within this time may change again without their times moving on, so they are not remembered. */
const UNSETTLED_NS = 20_000_000n;
/** The same for file systems that keep whole seconds only. */
const UNSETTLED_COARSE_NS = 2_000_000_000n;

export class DigestMemory {
  readonly #file: string;
  #entries: Map<string, Remembered> | undefined;
  #changed = false;

  /** @param file where the memory is kept between runs */
  constructor(file: string) {
    this.#file = file;
  }

  /** Takes over a digest known for certain, for a file that nobody else writes to. */
  async remember(path: string, digest: string): Promise<void> {
    const entries = await this.#load();
    entries.set(path, { state: stateOf(await stat(path, { bigint: true })), digest });
    this.#changed = true;
  }

  /**
   * BLAKE3 of a file, in lower-case hexadecimal.
   * @param stats what the file system says of it now, for who has asked already
   */
  async digest(path: string, stats = statSync(path, { bigint: true })): Promise<string> {
    const entries = await this.#load();
    const state = stateOf(stats);
    const known = entries.get(path);
    if (known?.state === state) return known.digest;
    const digest = await digestOfFile(path);
    const unsettled = stats.ctimeNs % 1_000_000_000n === 0n ? UNSETTLED_COARSE_NS : UNSETTLED_NS;
    if (BigInt(Date.now()) * 1_000_000n - stats.ctimeNs > unsettled) {
      entries.set(path, { state, digest });
      this.#changed = true;
    }
    return digest;
  }

  /** Forgets files that are gone. Returns how many. */
  async prune(): Promise<number> {
    const entries = await this.#load();
    const gone: string[] = [];
    for (const path of entries.keys()) {
      if (!(await stat(path).catch(() => undefined))) gone.push(path);
    }
    for (const path of gone) entries.delete(path);
    this.#changed ||= gone.length > 0;
    return gone.length;
  }

  /** Writes the memory back if it changed. Losing it costs time, never correctness. */
  async save(): Promise<void> {
    if (!this.#changed || !this.#entries) return;
    this.#changed = false;
    const temporary = `${this.#file}.${randomUUID()}`;
    await mkdir(dirname(this.#file), { recursive: true });
    try {
      await writeFile(temporary, JSON.stringify({ blake3: [...this.#entries] }));
      await rename(temporary, this.#file);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined); // The first error says more.
      throw error;
    }
  }

  async #load(): Promise<Map<string, Remembered>> {
    if (this.#entries) return this.#entries;
    let entries: Map<string, Remembered>;
    try {
      const { blake3 } = JSON.parse(await readFile(this.#file, 'utf8')) as { blake3: [string, Remembered][] };
      entries = new Map(blake3);
    } catch {
      entries = new Map(); // Absent, damaged, or of a version with other digests: everything is digested afresh.
    }
    return (this.#entries ??= entries);
  }
}

function stateOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}
