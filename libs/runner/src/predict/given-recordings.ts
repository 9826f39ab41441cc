/**
 * Recordings of the user by the names that the stages of a pass know them by.
 *
 * They are handed on as they were listed while there is room for them. Else a file of the user is read again, and has
 * to be what it was, and parts cut out of recordings go into a folder.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, GIVEN_CORPUS, type GivenFile, type RecordingRef, type Recordings, Shelf } from '@prosodia/core';
import { readPinned } from '../host/recordings.ts';

export class PassRecordings implements Recordings {
  readonly #sources = new Map<string, GivenFile['source']>();
  readonly #folder: string;
  readonly #shelf: Shelf;

  /**
   * @param folder what finds no room goes there; it is made when it is needed
   * @param room_bytes memory for recordings that nobody else holds
   */
  constructor(folder: string, room_bytes: number) {
    this.#folder = folder;
    this.#shelf = new Shelf(room_bytes);
  }

  async keep(path: string, bytes: Uint8Array, file?: GivenFile): Promise<string> {
    if (file && 'bytes' in file.source) this.#sources.set(path, file.source);
    else if (!this.#shelf.put(this.#folder, path, bytes, bytes.byteLength)) {
      if (file) {
        this.#sources.set(path, file.source);
        return createHash('sha256').update(bytes).digest('hex');
      }
      await mkdir(this.#folder, { recursive: true });
      await writeFile(join(this.#folder, path), bytes);
    }
    return '';
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

  /** Forgets the recordings. */
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
