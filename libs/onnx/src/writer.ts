/**
 * A writer for the protobuf wire format: as much of it as an ONNX model needs.
 *
 * Own code because the whole of it is this page, and a generated one would be a hundred times larger.
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */
import { FIXED32, LENGTH_DELIMITED, VARINT } from './wire.ts';

const utf8 = new TextEncoder();

/** One message under construction. Fields come out in the order they were written. */
export class Message {
  #buffer = new Uint8Array(64);
  #length = 0;

  /** An integer field (int32, int64, enum or bool), negative numbers in two's complement. */
  integer(field: number, value: number): this {
    this.#tag(field, VARINT);
    this.#integer(value);
    return this;
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    this.#tag(field, FIXED32);
    this.#reserve(4);
    new DataView(this.#buffer.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  /** A whole field as it was read, its tag included. */
  raw(field: Uint8Array): this {
    this.#reserve(field.length);
    this.#buffer.set(field, this.#length);
    this.#length += field.length;
    return this;
  }

  /** Whole numbers as in {@link integer}, packed: one field for all. */
  integers(field: number, values: ArrayLike<number>): this {
    const packed = new Message();
    for (let i = 0; i < values.length; i++) packed.#integer(values[i]!);
    return this.message(field, packed);
  }

  /** float32 numbers, packed. */
  floats(field: number, values: ArrayLike<number>): this {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
    return this.bytes(field, bytes);
  }

  /** The bytes written so far; a view, valid until the next write. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #integer(value: number): void {
    if (value >= 0) this.#varint(value);
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    this.#reserve(10);
    while (value > 127) {
      this.#buffer[this.#length++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.#buffer[this.#length++] = value;
  }

  #bigVarint(value: bigint): void {
    this.#reserve(10);
    while (value > 127n) {
      this.#buffer[this.#length++] = Number(value & 127n) | 128;
      value >>= 7n;
    }
    this.#buffer[this.#length++] = Number(value);
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + extra));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
