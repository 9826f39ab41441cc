/**
 * The messages an ONNX model is made of, each from plain data.
 *
 * Fields come out in a fixed order and nothing depends on the time or the machine: the same data gives the
 * same bytes.
 */
import { ATTRIBUTE, ATTRIBUTE_TYPE, DIMENSION, ELEMENT, GRAPH, MODEL, NODE, OPSET, PAIR } from './fields.ts';
import { SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO, type ElementName } from './fields.ts';
import { Message } from './writer.ts';

/** An attribute of an operator: one key, which says its type. */
export type AttributeValue =
  | { readonly float: number }
  | { readonly integer: number }
  | { readonly string: string }
  | { readonly graph: Message }
  | { readonly floats: ArrayLike<number> }
  | { readonly integers: ArrayLike<number> }
  | { readonly strings: readonly string[] };

/** AttributeProto. */
export function attributeMessage(name: string, value: AttributeValue): Message {
  const message = new Message().string(ATTRIBUTE.name, name);
  if ('float' in value) message.float(ATTRIBUTE.float, value.float);
  if ('integer' in value) message.integer(ATTRIBUTE.integer, value.integer);
  if ('string' in value) message.string(ATTRIBUTE.string, value.string);
  if ('graph' in value) message.message(ATTRIBUTE.graph, value.graph);
  if ('floats' in value) message.floats(ATTRIBUTE.floats, value.floats);
  if ('integers' in value) message.integers(ATTRIBUTE.integers, value.integers);
  if ('strings' in value) writeStrings(message, value.strings);
  const [kind] = Object.keys(value) as [keyof typeof ATTRIBUTE_TYPE];
  return message.integer(ATTRIBUTE.type, ATTRIBUTE_TYPE[kind]);
}

/** Few strings, each of them often: a forest has a mode for every node. */
function writeStrings(message: Message, strings: readonly string[]): void {
  const encoder = new TextEncoder();
  const encoded = new Map([...new Set(strings)].map((text) => [text, encoder.encode(text)]));
  for (const text of strings) message.bytes(ATTRIBUTE.strings, encoded.get(text)!);
}

/** An application of an operator. */
export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly name?: string;
  /** The operator's set; default ONNX's own. */
  readonly domain?: string;
}

/** NodeProto. */
export function nodeMessage({ op, inputs, outputs, attributes = {}, name, domain }: NodeSpec): Message {
  const message = new Message();
  for (const input of inputs) message.string(NODE.input, input);
  for (const output of outputs) message.string(NODE.output, output);
  if (name !== undefined) message.string(NODE.name, name);
  message.string(NODE.op, op);
  for (const [key, value] of Object.entries(attributes)) message.message(NODE.attribute, attributeMessage(key, value));
  if (domain) message.string(NODE.domain, domain);
  return message;
}

/** What a tensor holds: text, or numbers as they lie in memory, little-endian. */
export type TensorData = readonly string[] | ArrayBufferView;

/** TensorProto. */
export function tensorMessage(name: string, element: ElementName, shape: readonly number[], data: TensorData): Message {
  const message = new Message();
  for (const size of shape) message.integer(TENSOR.dims, size);
  message.integer(TENSOR.type, ELEMENT[element]);
  if (!ArrayBuffer.isView(data)) for (const text of data) message.string(TENSOR.strings, text);
  message.string(TENSOR.name, name);
  if (!ArrayBuffer.isView(data)) return message;
  return message.bytes(TENSOR.raw, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** The type of a graph's input or output; a dimension has a size, a name, or neither. */
export interface ValueSpec {
  readonly name: string;
  readonly element: ElementName;
  readonly shape: readonly (number | string | undefined)[];
}

/** ValueInfoProto. */
export function valueMessage({ name, element, shape }: ValueSpec): Message {
  const dimensions = new Message();
  for (const size of shape) {
    const dimension = new Message();
    if (typeof size === 'number') dimension.integer(DIMENSION.size, size);
    else if (size !== undefined) dimension.string(DIMENSION.name, size);
    dimensions.message(SHAPE.dimension, dimension);
  }
  const tensor = new Message().integer(TENSOR_TYPE.element, ELEMENT[element]).message(TENSOR_TYPE.shape, dimensions);
  return new Message()
    .string(VALUE_INFO.name, name)
    .message(VALUE_INFO.type, new Message().message(TYPE.tensor, tensor));
}

/** A computation: its nodes in an order in which each finds its inputs made. */
export interface GraphSpec {
  readonly name: string;
  readonly nodes: readonly Message[];
  readonly initializers: readonly Message[];
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
}

/** GraphProto. */
export function graphMessage({ name, nodes, initializers, inputs, outputs }: GraphSpec): Message {
  const message = new Message();
  for (const node of nodes) message.message(GRAPH.node, node);
  message.string(GRAPH.name, name);
  for (const initializer of initializers) message.message(GRAPH.initializer, initializer);
  for (const input of inputs) message.message(GRAPH.input, valueMessage(input));
  for (const output of outputs) message.message(GRAPH.output, valueMessage(output));
  return message;
}

/** Versions of the operator sets by domain; ONNX's own has the name ''. */
export type Opsets = Readonly<Record<string, number>>;

/** IR version 8: old enough for every current runtime, new enough for all that is written. */
const IR_VERSION = 8;

/** The bytes of a model. `metadata` is kept in it as pairs of key and value (`metadata_props`). */
export function modelBytes(
  graph: Message,
  opsets: Opsets,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const model = new Message().integer(MODEL.irVersion, IR_VERSION).string(MODEL.producerName, 'prosodia');
  model.message(MODEL.graph, graph);
  for (const [domain, version] of Object.entries(opsets)) {
    model.message(MODEL.opset, new Message().string(OPSET.domain, domain).integer(OPSET.version, version));
  }
  for (const [key, value] of Object.entries(metadata)) {
    model.message(MODEL.metadata, new Message().string(PAIR.key, key).string(PAIR.value, value));
  }
  return model.finish().slice();
}
