/** What is read back of a model: its stored tensors and what it says of itself. */
import { ELEMENT, GRAPH, MODEL, PAIR, TENSOR, fieldsOf, textOf } from '@prosodia/onnx';

/** Key and value pairs of a model (`metadata_props`). */
export function readMetadata(model: Uint8Array): Record<string, string> {
  const pairs: [string, string][] = [];
  for (const { number, bytes } of fieldsOf(model)) {
    if (number !== MODEL.metadata) continue;
    const pair = { key: '', value: '' };
    for (const field of fieldsOf(bytes)) {
      if (field.number === PAIR.key) pair.key = textOf(field.bytes);
      if (field.number === PAIR.value) pair.value = textOf(field.bytes);
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
    if (number === TENSOR.name) name = textOf(bytes);
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
