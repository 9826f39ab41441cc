/**
 * Parameters that were found right before, with their defaults, so that a warm run need not check them again.
 *
 * Making a validator takes about 20 ms for a stage, which for a dozen of them is most of a warm run. The file lies
 * in the build's folder: another build has other schemas and starts afresh.
 */
import { readFileSync } from 'node:fs';
import { hashOf } from '../store/canonical.ts';
import { writeAtomically } from '../store/files.ts';

export type Params = Record<string, unknown>;

/** Entries kept; a search over parameters must not make the file grow without end. */
const MOST = 500;

export class KnownParams {
  readonly #file: string;
  #entries: Map<string, Params> | undefined;
  #changed = false;

  constructor(file: string) {
    this.#file = file;
  }

  recall(stage: string, given: Readonly<Params>): Params | undefined {
    return this.#load().get(hashOf([stage, given]));
  }

  remember(stage: string, given: Readonly<Params>, resolved: Params): void {
    this.#load().set(hashOf([stage, given]), resolved);
    this.#changed = true;
  }

  /** Losing the file costs time, never correctness. */
  async save(): Promise<void> {
    if (!this.#changed || !this.#entries) return;
    this.#changed = false;
    await writeAtomically(this.#file, JSON.stringify([...this.#entries].slice(-MOST))).catch(() => undefined);
  }

  #load(): Map<string, Params> {
    if (this.#entries) return this.#entries;
    try {
      this.#entries = new Map(JSON.parse(readFileSync(this.#file, 'utf8')) as [string, Params][]);
    } catch {
      this.#entries = new Map(); // Absent or damaged: everything is checked afresh.
    }
    return this.#entries;
  }
}
