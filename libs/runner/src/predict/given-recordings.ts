/**
 * Recordings of the user by the names that the stages of a pass know them by.
 *
 * A file stays where it is, and is checked by its digest when it is read; bytes are handed on as they came. Parts cut
 * out of recordings lie on the shelf, and in a folder where that is full.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DataError,
  GIVEN_CORPUS,
  type GivenFile,
  type RecordingRef,
  type Recordings,
  type Shelf,
} from '@prosodia/core';
import { readPinned } from '../host/recordings.ts';

export class PassRecordings implements Recordings {
  readonly #sources = new Map<string, GivenFile['source']>();
  readonly #folder: string;
  readonly #shelf: Shelf;

  /** @param folder what finds no room on the shelf goes there; it is made when it is needed */
  constructor(folder: string, shelf: Shelf) {
    this.#folder = folder;
    this.#shelf = shelf;
  }

  async keep(path: string, recording: GivenFile | Uint8Array): Promise<void> {
    if (!(recording instanceof Uint8Array)) this.#sources.set(path, recording.source);
    else if (!this.#shelf.put(this.#folder, path, recording, recording.byteLength)) {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(join(this.#folder, path), recording);
    }
  }

  async read({ corpus, path, sha256 }: RecordingRef): Promise<Uint8Array> {
    this.folder(corpus);
    const source = this.#sources.get(path);
    if (source && 'bytes' in source) return source.bytes;
    try {
      if (source) return await readPinned(source.path, sha256);
      const held = this.#shelf.get(this.#folder, path);
      return held instanceof Uint8Array ? held : await readFile(join(this.#folder, path));
    } catch (error) {
      throw error instanceof DataError ? error.at(`clip ${corpus}/${path}`) : error;
    }
  }

  /** Forgets the parts of recordings. */
  clear(): void {
    this.#shelf.clear(this.#folder);
  }

  folder(corpus: string): string {
    if (corpus === GIVEN_CORPUS) return this.#folder;
    throw new DataError({
      problem: `the recordings of corpus ${corpus} are not at hand`,
      expected: `those of the user, corpus ${GIVEN_CORPUS}`,
    });
  }
}
