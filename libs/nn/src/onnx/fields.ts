/**
 * A reader for the protobuf wire format, and the field numbers of ONNX's messages that we read back.
 *
 * It yields every field of a message in order without knowing the message, so that what is not
 * understood can be written again as it was.
 */
import { DataError } from '@prosodia/core';

export const MODEL = { graph: 7, opset: 8, metadata: 14 } as const;
export const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const;
export const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
export const TENSOR = { dims: 1, type: 2, name: 8, raw: 9 } as const;
export const PAIR = { key: 1, value: 2 } as const;

/** Values of a tensor's element type. */
export const ELEMENT = { float32: 1, int8: 3 } as const;

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
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined || factor > 2 ** 63) throw broken(message, at);
      // Past 2^53 digits are lost; only negative numbers are that large, and none of those is read.
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const tag = varint();
    const wire = tag % 8;
    let integer = 0;
    let from = at;
    if (wire === 0) integer = varint();
    else if (wire === 1) at += 8;
    else if (wire === 2) {
      const length = varint();
      from = at;
      at += length;
    } else if (wire === 5) at += 4;
    else throw broken(message, at);
    if (at > message.length) throw broken(message, at);
    const bytes = wire === 2 ? message.subarray(from, at) : message.subarray(0, 0);
    yield { number: Math.floor(tag / 8), integer, bytes, whole: message.subarray(start, at) };
  }
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Key and value pairs of a model (`metadata_props`). */
export function readMetadata(model: Uint8Array): Record<string, string> {
  const pairs: [string, string][] = [];
  for (const { number, bytes } of fieldsOf(model)) {
    if (number !== MODEL.metadata) continue;
    const pair = { key: '', value: '' };
    for (const field of fieldsOf(bytes)) {
      if (field.number === PAIR.key) pair.key = text(field.bytes);
      if (field.number === PAIR.value) pair.value = text(field.bytes);
    }
    pairs.push([pair.key, pair.value]);
  }
  return Object.fromEntries(pairs);
}

/** A stored tensor of a model; `data` is undefined if it is not float32. */
export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | undefined;
}

/** A TensorProto with raw data, as our own encoder writes it. */
export function readInitializer(tensor: Uint8Array): Initializer {
  const shape: number[] = [];
  let name = '';
  let type = 0;
  let raw = new Uint8Array(0);
  for (const { number, integer, bytes } of fieldsOf(tensor)) {
    if (number === TENSOR.dims) shape.push(integer);
    if (number === TENSOR.type) type = integer;
    if (number === TENSOR.name) name = text(bytes);
    // A copy of its own, as floats must begin at a multiple of 4; `slice` of a Buffer would be none.
    if (number === TENSOR.raw) raw = Uint8Array.from(bytes);
  }
  return { name, shape, data: type === ELEMENT.float32 ? new Float32Array(raw.buffer) : undefined };
}

/** The stored tensors of a model by name. */
export function readInitializers(model: Uint8Array): Map<string, Initializer> {
  const found = new Map<string, Initializer>();
  for (const field of fieldsOf(model)) {
    if (field.number !== MODEL.graph) continue;
    for (const { number, bytes } of fieldsOf(field.bytes)) {
      if (number !== GRAPH.initializer) continue;
      const initializer = readInitializer(bytes);
      found.set(initializer.name, initializer);
    }
  }
  return found;
}

function broken(message: Uint8Array, at: number): DataError {
  return new DataError({
    problem: 'the bytes are no ONNX model',
    expected: 'a protobuf message',
    got: `${message.length} bytes that make no sense at ${at}`,
  });
}
