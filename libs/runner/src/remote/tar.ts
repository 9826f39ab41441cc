/**
 * Tar archives (POSIX ustar, with pax records where a path or size does not fit), as a stream in both directions.
 *
 * The same files give the same bytes: no times, owners or modes of the machine go in.
 */
import { createReadStream } from 'node:fs';
import { DataError } from '@prosodia/core';

const BLOCK = 512;
/** Sizes of more than eleven octal digits go into a pax record. */
const MAX_OCTAL = 8 ** 11;

export interface TarEntry {
  /** With forward slashes. */
  path: string;
  bytes: number;
  /** A file to read, or the content itself. */
  source: string | Uint8Array;
}

/** Bytes of the archive of some entries. */
export function tarSize(entries: readonly TarEntry[]): number {
  return entries.reduce((sum, entry) => sum + headers(entry).length + padded(entry.bytes), 2 * BLOCK);
}

/** Throws if a file does not have the size that was said. */
export async function* pack(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield headers(entry);
    let bytes = 0;
    const chunks =
      typeof entry.source === 'string' ? createReadStream(entry.source, { highWaterMark: 1 << 18 }) : [entry.source];
    for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes !== entry.bytes) throw new DataError({ problem: 'a file changed while it was read', got: entry.path });
    if (padded(bytes) > bytes) yield new Uint8Array(padded(bytes) - bytes);
  }
  yield new Uint8Array(2 * BLOCK);
}

export interface Unpacked {
  path: string;
  bytes: number;
  content: AsyncIterable<Uint8Array>;
}

/** The files of an archive; the content of each must be read before the next is asked for. Throws a DataError. */
export async function* unpack(source: AsyncIterable<Uint8Array>): AsyncGenerator<Unpacked> {
  const reader = new Reader(source);
  try {
    let pax: Record<string, string> = {};
    for (;;) {
      const header = await reader.take(BLOCK);
      if (header.every((byte) => byte === 0)) return;
      checkSum(header);
      const text = (from: number, length: number) => {
        const field = header.subarray(from, from + length);
        const end = field.indexOf(0);
        return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
      };
      const bytes = Number(pax['size'] ?? parseInt(text(124, 12).trim() || '0', 8));
      if (!Number.isSafeInteger(bytes) || bytes < 0) throw damaged('a size that is no number');
      const prefix = text(345, 155);
      const path = pax['path'] ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100));
      const type = text(156, 1);
      if (type === 'x') {
        pax = paxRecords(await reader.take(padded(bytes)), bytes);
        continue;
      }
      pax = {};
      const content = reader.stream(bytes);
      if (type === '0' || type === '') yield { path, bytes, content };
      for await (const _ of content); // What was not read, or is no file.
      await reader.take(padded(bytes) - bytes);
    }
  } finally {
    await reader.close();
  }
}

/** Headers of an entry: a pax record where it is needed, and its own. */
function headers({ path, bytes }: TarEntry): Uint8Array {
  const records: Record<string, string> = {};
  if (Buffer.byteLength(path) > 100) records['path'] = path;
  if (bytes >= MAX_OCTAL) records['size'] = String(bytes);
  const own = header(Buffer.byteLength(path) > 100 ? 'long' : path, bytes >= MAX_OCTAL ? 0 : bytes, '0');
  if (Object.keys(records).length === 0) return own;
  const body = Buffer.from(Object.entries(records).map(paxRecord).join(''));
  return Buffer.concat([header('pax', body.length, 'x'), body, new Uint8Array(padded(body.length) - body.length), own]);
}

/** `<length> <name>=<value>\n`, where the length counts its own digits. */
function paxRecord([name, value]: [string, string]): string {
  const rest = Buffer.byteLength(` ${name}=${value}\n`);
  let length = rest + 1;
  while (rest + String(length).length !== length) length = rest + String(length).length;
  return `${length} ${name}=${value}\n`;
}

function paxRecords(block: Uint8Array, bytes: number): Record<string, string> {
  let rest = Buffer.from(block.subarray(0, bytes));
  const records: Record<string, string> = {};
  while (rest.length > 0) {
    const length = parseInt(rest.toString('latin1', 0, 12), 10);
    if (!(length > 0 && length <= rest.length)) throw damaged('a pax record without an end');
    const record = rest.toString('utf8', rest.indexOf(32) + 1, length - 1);
    const equals = record.indexOf('=');
    records[record.slice(0, equals)] = record.slice(equals + 1);
    rest = rest.subarray(length);
  }
  return records;
}

function header(path: string, bytes: number, type: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, 'utf8');
  const fields: [number, string][] = [
    [100, '0000644\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, `${bytes.toString(8).padStart(11, '0')}\0`],
    [136, '00000000000\0'],
    [148, '        '],
    [156, type],
    [257, 'ustar\x0000'],
  ];
  for (const [at, text] of fields) block.write(text, at, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function checkSum(block: Uint8Array): void {
  const said = parseInt(Buffer.from(block.subarray(148, 156)).toString('latin1'), 8);
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (said !== sum) throw damaged('a header whose sum is wrong');
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

function damaged(got: string): DataError {
  return new DataError({ problem: 'the archive is damaged', got });
}

/** Takes a stream apart into pieces of given lengths. */
class Reader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Lets go of the source, which may have more. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async take(bytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of this.stream(bytes)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *stream(bytes: number): AsyncGenerator<Uint8Array> {
    let left = bytes;
    while (left > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done) throw damaged('its end is missing');
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
