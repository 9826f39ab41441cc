/**
 * The little of protocol buffers that an ONNX tree ensemble needs: a writer of fields into one growing
 * buffer, and a reader that finds the fields of a message without copying them.
 */
import { DataError } from '@prosodia/core';

/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export class ProtoWriter {
  #bytes = new Uint8Array(1 << 12);
  #length = 0;

  /** What was written so far. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** `value` is a whole number >= 0, up to 2^53. */
  int(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  string(field: number, value: string): void {
    this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, BYTES);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A message within this one. */
  message(field: number, write: (inner: ProtoWriter) => void): void {
    const inner = new ProtoWriter();
    write(inner);
    this.bytes(field, inner.#bytes.subarray(0, inner.#length));
  }

  /** Whole numbers >= 0, packed. */
  ints(field: number, values: ArrayLike<number>): void {
    const inner = new ProtoWriter();
    for (let i = 0; i < values.length; i++) inner.#varint(values[i]!);
    this.bytes(field, inner.#bytes.subarray(0, inner.#length));
  }

  /** float32 numbers, packed, little-endian. */
  floats(field: number, values: ArrayLike<number>): void {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
    this.bytes(field, bytes);
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** The fields of one message. Getters take a field number; a repeated field keeps its order. */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** By field number: start and end of each value, in turn. A field may have a million values. */
  readonly #spans = new Map<number, number[]>();

  /** @throws DataError if `bytes` is not a message */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    while (this.#at < bytes.length) {
      const tag = this.#varint();
      const length = this.#lengthOf(tag % 8);
      if (this.#at + length > bytes.length) throw broken('it ends within a field');
      const field = Math.floor(tag / 8);
      let spans = this.#spans.get(field);
      if (spans === undefined) this.#spans.set(field, (spans = []));
      spans.push(this.#at, this.#at + length);
      this.#at += length;
    }
  }

  /** A whole number >= 0; `undefined` if absent. */
  int(field: number): number | undefined {
    return this.ints(field)[0];
  }

  string(field: number): string | undefined {
    return this.strings(field)[0];
  }

  strings(field: number): string[] {
    const decoder = new TextDecoder();
    return this.#all(field).map((bytes) => decoder.decode(bytes));
  }

  messages(field: number): ProtoReader[] {
    return this.#all(field).map((bytes) => new ProtoReader(bytes));
  }

  /** Whole numbers >= 0, packed or single. */
  ints(field: number): number[] {
    const result: number[] = [];
    const spans = this.#spans.get(field) ?? [];
    for (let i = 0; i < spans.length; i += 2) {
      this.#at = spans[i]!;
      while (this.#at < spans[i + 1]!) result.push(this.#varint());
    }
    return result;
  }

  /** float32 numbers, packed or single. */
  floats(field: number): Float32Array {
    const parts = this.#all(field);
    const result = new Float32Array(parts.reduce((n, part) => n + part.length / 4, 0));
    let at = 0;
    for (const part of parts) {
      const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
      for (let offset = 0; offset < part.length; offset += 4) result[at++] = view.getFloat32(offset, true);
    }
    return result;
  }

  #all(field: number): Uint8Array[] {
    const spans = this.#spans.get(field) ?? [];
    return Array.from({ length: spans.length / 2 }, (_, i) => this.#bytes.subarray(spans[2 * i], spans[2 * i + 1]));
  }

  #lengthOf(wire: number): number {
    if (wire === BYTES) return this.#varint();
    if (wire === FIXED64) return 8;
    if (wire === FIXED32) return 4;
    if (wire !== VARINT) throw broken(`wire type ${wire}`);
    const start = this.#at;
    this.#varint();
    const length = this.#at - start;
    this.#at = start;
    return length;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw broken('it ends within a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw broken('a number is too long');
  }
}

function broken(why: string): DataError {
  return new DataError({
    problem: 'the bytes are not a protocol buffer',
    expected: 'an ONNX model',
    got: why,
    fix: 'check that the file is complete',
  });
}
