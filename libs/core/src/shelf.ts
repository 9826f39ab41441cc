/**
 * Artifacts that are read once and thrown away, kept in memory as far as there is room.
 *
 * A pass over new recordings writes a table per stage that the next stage reads at once. Encoding a row as Parquet,
 * writing and decoding it again takes far longer than most stages do, so parts of such tables stay as they are. What
 * finds no room goes into the folder that the artifact has on disk, part by part, and is read from there: memory is
 * bounded, and no stage can tell which it was.
 */

export class Shelf {
  readonly #folders = new Map<string, Map<string, { content: unknown; bytes: number }>>();
  #room: number;

  /** @param room_bytes how much may be kept at a time; 0 for nothing */
  constructor(room_bytes: number) {
    this.#room = room_bytes;
  }

  /**
   * Keeps a file of an artifact. It belongs to the shelf from then on: nobody changes it.
   * @returns false if there is no room; the caller then writes it to the folder, and readers find it there
   */
  put(folder: string, name: string, content: object, bytes: number): boolean {
    const files = this.#folders.get(folder) ?? new Map<string, { content: unknown; bytes: number }>();
    this.#folders.set(folder, files);
    const fits = bytes <= this.#room;
    if (fits) this.#room -= bytes;
    files.set(name, fits ? { content, bytes } : { content: undefined, bytes: 0 });
    return fits;
  }

  /** What was kept under this name; undefined if it lies in the folder, or is not there at all. */
  get(folder: string, name: string): unknown {
    return this.#folders.get(folder)?.get(name)?.content;
  }

  /** Files of a folder in the order in which they came, those that found no room too; undefined for another's folder. */
  names(folder: string): string[] | undefined {
    const files = this.#folders.get(folder);
    return files && [...files.keys()];
  }

  /** Forgets a folder that nobody will read again. */
  clear(folder: string): void {
    for (const { bytes } of this.#folders.get(folder)?.values() ?? []) this.#room += bytes;
    this.#folders.delete(folder);
  }
}
