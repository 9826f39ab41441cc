/**
 * SHA-256 of files, remembered by what the file system says of them.
 *
 * A digest is taken again only if size, modification time, change time or inode differ. The change
 * time cannot be set by a program, so an edit that restores the modification time is seen too.
 */
import { createHash, randomUUID, webcrypto } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

interface Remembered {
  /** size, mtime, ctime in nanoseconds, inode. */
  state: string;
  sha256: string;
}

/** Files changed within this time may change again without their times moving on, so they are not remembered. */
const UNSETTLED_NS = 20_000_000n;
/** The same for file systems that keep whole seconds only. */
const UNSETTLED_COARSE_NS = 2_000_000_000n;

/** Up to so many bytes another thread is not worth its while. */
const SMALL = 64 * 2 ** 10;
/** Up to so many bytes a file is read as a whole. */
const WHOLE = 32 * 2 ** 20;
/** Larger ones are read in pieces of so many bytes, which a processor's second-level cache holds. */
const PIECE = 256 * 2 ** 10;

export class DigestMemory {
  readonly #file: string;
  #entries: Map<string, Remembered> | undefined;
  #changed = false;

  /** @param file where the memory is kept between runs */
  constructor(file: string) {
    this.#file = file;
  }

  /** Takes over a digest known for certain, for a file that nobody else writes to. */
  async remember(path: string, sha256: string): Promise<void> {
    const entries = await this.#load();
    entries.set(path, { state: stateOf(await stat(path, { bigint: true })), sha256 });
    this.#changed = true;
  }

  /**
   * Lower-case hexadecimal SHA-256 of a file.
   * @param stats what the file system says of it now, for who has asked already
   */
  async digest(path: string, stats = statSync(path, { bigint: true })): Promise<string> {
    const entries = await this.#load();
    const state = stateOf(stats);
    const known = entries.get(path);
    if (known?.state === state) return known.sha256;
    const sha256 = await sha256File(path);
    const unsettled = stats.ctimeNs % 1_000_000_000n === 0n ? UNSETTLED_COARSE_NS : UNSETTLED_NS;
    if (BigInt(Date.now()) * 1_000_000n - stats.ctimeNs > unsettled) {
      entries.set(path, { state, sha256 });
      this.#changed = true;
    }
    return sha256;
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
      await writeFile(temporary, JSON.stringify([...this.#entries]));
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
      entries = new Map(JSON.parse(await readFile(this.#file, 'utf8')) as [string, Remembered][]);
    } catch {
      entries = new Map(); // Absent or damaged: everything is digested afresh.
    }
    return (this.#entries ??= entries);
  }
}

function stateOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}

/** SHA-256 of a file. Those that fit into memory easily are hashed off this thread, so that several go on at once. */
export async function sha256File(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size <= SMALL)
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  if (size <= WHOLE) return Buffer.from(await webcrypto.subtle.digest('SHA-256', await readFile(path))).toString('hex');
  return sha256InPieces(path);
}

/** One piece is hashed while another thread reads the next into a second buffer: no stream between, no new memory. */
async function sha256InPieces(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    let [piece, next] = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)];
    let { bytesRead } = await file.read(piece, 0, PIECE);
    while (bytesRead > 0) {
      const reading = file.read(next, 0, PIECE);
      hash.update(piece.subarray(0, bytesRead));
      ({ bytesRead } = await reading);
      [piece, next] = [next, piece];
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
