/**
 * A reader for the protobuf wire format, in two ways: every field in order, for what is to be written again
 * though it is not understood ({@link fieldsOf}), and fields by number ({@link MessageReader}).
 */
import { DataError } from '@prosodia/core';
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from './wire.ts';

export interface Field {
  readonly number: number;
  /** Of a varint; 0 for other fields. */
  readonly integer: number;
  /** Of a string, a message or bytes; empty for other fields. */
  readonly bytes: Uint8Array;
  /** The whole field, tag included. */
  readonly whole: Uint8Array;
}

/** The fields of one message in order. Throws a DataError if the bytes are no message. */
export function* fieldsOf(message: Uint8Array): Generator<Field, void, undefined> {
  const cursor = new Cursor(message);
  while (cursor.next()) {
    const { number, wire, start, from, to } = cursor;
    yield {
      number,
      integer: wire === VARINT ? new Cursor(message, from).varint() : 0,
      bytes: wire === LENGTH_DELIMITED ? message.subarray(from, to) : message.subarray(0, 0),
      whole: message.subarray(start, to),
    };
  }
}

/** The text of a string field. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The fields of one message, found once. A repeated field keeps its order. */
export class MessageReader {
  readonly #bytes: Uint8Array;
  /** By field number: start and end of each value, in turn. A field may have a million values. */
  readonly #spans = new Map<number, number[]>();

  /** @throws DataError if `bytes` is no message */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const cursor = new Cursor(bytes);
    while (cursor.next()) {
      let spans = this.#spans.get(cursor.number);
      if (spans === undefined) this.#spans.set(cursor.number, (spans = []));
      spans.push(cursor.from, cursor.to);
    }
  }

  /** A whole number >= 0; `undefined` if absent. */
  integer(field: number): number | undefined {
    return this.integers(field)[0];
  }

  string(field: number): string | undefined {
    return this.strings(field)[0];
  }

  strings(field: number): string[] {
    const decoder = new TextDecoder();
    return this.#values(field).map((bytes) => decoder.decode(bytes));
  }

  message(field: number): MessageReader | undefined {
    return this.messages(field)[0];
  }

  messages(field: number): MessageReader[] {
    return this.#values(field).map((bytes) => new MessageReader(bytes));
  }

  /** Whole numbers >= 0, packed or single. */
  integers(field: number): number[] {
    const result: number[] = [];
    const spans = this.#spans.get(field) ?? [];
    for (let i = 0; i < spans.length; i += 2) {
      const cursor = new Cursor(this.#bytes, spans[i]!);
      while (cursor.at < spans[i + 1]!) result.push(cursor.varint());
    }
    return result;
  }

  /** float32 numbers, packed or single. */
  floats(field: number): Float32Array {
    const parts = this.#values(field);
    const result = new Float32Array(parts.reduce((n, part) => n + part.length / 4, 0));
    let at = 0;
    for (const part of parts) {
      const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
      for (let offset = 0; offset < part.length; offset += 4) result[at++] = view.getFloat32(offset, true);
    }
    return result;
  }

  #values(field: number): Uint8Array[] {
    const spans = this.#spans.get(field) ?? [];
    return Array.from({ length: spans.length / 2 }, (_, i) => this.#bytes.subarray(spans[2 * i], spans[2 * i + 1]));
  }
}

/** Walks over the fields of a message without making an object of each. */
class Cursor {
  at: number;
  /** Of the field at hand: its number and wire type, where its tag begins, and where its value begins and ends. */
  number = 0;
  wire = 0;
  start = 0;
  from = 0;
  to = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Goes to the next field; false if there is none. */
  next(): boolean {
    if (this.at >= this.#bytes.length) return false;
    this.start = this.at;
    const tag = this.varint();
    this.number = Math.floor(tag / 8);
    this.wire = tag % 8;
    const length = this.wire === LENGTH_DELIMITED ? this.varint() : 0;
    this.from = this.at;
    this.#skip(length);
    if (this.at > this.#bytes.length) throw broken('it ends within a field');
    this.to = this.at;
    return true;
  }

  /** Past 2^53 digits are lost; only negative numbers are that large, and none of those is read. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw broken('it ends within a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw broken('a number is too long');
  }

  #skip(length: number): void {
    if (this.wire === LENGTH_DELIMITED) this.at += length;
    else if (this.wire === FIXED64) this.at += 8;
    else if (this.wire === FIXED32) this.at += 4;
    else if (this.wire === VARINT) this.varint();
    else throw broken(`wire type ${this.wire}`);
  }
}

function broken(why: string): DataError {
  return new DataError({
    problem: 'the bytes are no protobuf message',
    expected: 'an ONNX model',
    got: why,
    fix: 'check that the file is complete',
  });
}
