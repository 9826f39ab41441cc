/**
 * What an Arrow schema says of the whole table, out of the `ARROW:schema` entry of a Parquet footer.
 *
 * DuckDB knows a table's columns, but not these settings. They are four steps into a flatbuffer of a fixed form
 * (Arrow's Message.fbs and Schema.fbs), which is less to read here than a package is to load.
 */

/** Positions of fields in their tables. */
const HEADER = 2;
const CUSTOM_METADATA = 2;
const KEY = 0;
const VALUE = 1;

/** @param entry base64 of an encapsulated schema message; anything else gives no settings */
export function arrowMetadata(entry: string): Record<string, string> {
  const bytes = Buffer.from(entry, 'base64');
  try {
    // The message follows a continuation mark and its length, 4 bytes each.
    const message = new FlatTable(bytes.subarray(8), bytes.readUInt32LE(8));
    const pairs = message.table(HEADER)?.tables(CUSTOM_METADATA) ?? [];
    return Object.fromEntries(pairs.map((pair) => [pair.text(KEY), pair.text(VALUE)]));
  } catch (error) {
    if (error instanceof RangeError) return {}; // It points outside of itself.
    throw error;
  }
}

/** A table of a flatbuffer: fields at offsets that its vtable gives. */
class FlatTable {
  readonly #bytes: Buffer;
  readonly #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  table(field: number): FlatTable | undefined {
    const at = this.#target(field);
    return at === undefined ? undefined : new FlatTable(this.#bytes, at);
  }

  tables(field: number): FlatTable[] {
    const at = this.#target(field);
    if (at === undefined) return [];
    return Array.from({ length: this.#bytes.readUInt32LE(at) }, (_, i) => {
      const element = at + 4 + 4 * i;
      return new FlatTable(this.#bytes, element + this.#bytes.readUInt32LE(element));
    });
  }

  text(field: number): string {
    const at = this.#target(field);
    if (at === undefined) return '';
    return this.#bytes.toString('utf8', at + 4, at + 4 + this.#bytes.readUInt32LE(at));
  }

  /** Where a field that is a reference leads; undefined if it is left out. */
  #target(field: number): number | undefined {
    const vtable = this.#at - this.#bytes.readInt32LE(this.#at);
    const entry = 4 + 2 * field;
    if (entry >= this.#bytes.readUInt16LE(vtable)) return undefined;
    const offset = this.#bytes.readUInt16LE(vtable + entry);
    if (offset === 0) return undefined;
    const at = this.#at + offset;
    return at + this.#bytes.readUInt32LE(at);
  }
}
