/**
 * Encodes a {@link Graph} as an ONNX model.
 *
 * Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
 * Nothing here depends on the time or the machine: the same graph gives the same bytes.
 */
import type { Attribute, ElementType, Graph, GraphNode, Tensor } from '../graph.ts';
import { DYNAMIC } from '../graph.ts';
import { Message } from '@prosodia/onnx';

/** IR version 8 and operator set 18: old enough for every current runtime, new enough for all we use. */
const IR_VERSION = 8;
const OPSET_VERSION = 18;

const ELEMENT_TYPES: Record<ElementType, number> = { float32: 1, uint8: 2, int64: 7, bool: 9 };
const ATTRIBUTE = { float: 1, integer: 2, string: 3, graph: 5, integers: 7, strings: 8 } as const;

export interface ModelInfo {
  /** Key and value pairs kept in the model (`metadata_props`): labels, versions. */
  metadata?: Readonly<Record<string, string>>;
}

/** The bytes of an ONNX model that computes the graph's outputs from its inputs. */
export function encodeModel(graph: Graph, { metadata = {} }: ModelInfo = {}): Uint8Array {
  const model = new Message().integer(1, IR_VERSION).string(2, 'prosodia').message(7, encodeGraph(graph, new Map()));
  model.message(8, new Message().string(1, '').integer(2, OPSET_VERSION));
  for (const domain of domainsOf(graph)) model.message(8, new Message().string(1, domain).integer(2, 1));
  for (const [key, value] of Object.entries(metadata)) {
    model.message(14, new Message().string(1, key).string(2, value));
  }
  return model.finish().slice();
}

/** What tensors are called in the model, where that is not their own name. */
type Names = Map<Tensor, string>;

function encodeGraph(graph: Graph, names: Names): Message {
  const message = new Message();
  const nodes = graph.flatNodes();
  const copies = nameOutputs(graph, nodes, names);
  for (const node of nodes) message.message(1, encodeNode(node, names));
  for (const { from, to } of copies) {
    message.message(1, new Message().string(1, nameOf(from, names)).string(2, to).string(4, 'Identity'));
  }
  message.string(2, graph.name);
  for (const { tensor, data } of graph.constants) {
    const encoded = new Message();
    for (const size of tensor.shape) encoded.integer(1, size);
    encoded.integer(2, ELEMENT_TYPES[tensor.type]).string(8, tensor.name);
    encoded.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    message.message(5, encoded);
  }
  for (const input of graph.inputs) message.message(11, encodeValueInfo(input, input.name));
  for (const { name, tensor } of graph.outputs) message.message(12, encodeValueInfo(tensor, name));
  return message;
}

/**
 * Names the tensors that are outputs. One that no node of this graph makes, or that is an output
 * already, has to be copied.
 */
function nameOutputs(graph: Graph, nodes: readonly GraphNode[], names: Names): { from: Tensor; to: string }[] {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  return graph.outputs.flatMap(({ name, tensor }) => {
    if (!made.has(tensor) || names.has(tensor)) return [{ from: tensor, to: name }];
    names.set(tensor, name);
    return [];
  });
}

function nameOf(tensor: Tensor, names: Names): string {
  return names.get(tensor) ?? tensor.name;
}

function encodeNode(node: GraphNode, names: Names): Message {
  const message = new Message();
  for (const input of node.inputs) message.string(1, input ? nameOf(input, names) : '');
  for (const output of node.outputs) message.string(2, nameOf(output, names));
  message.string(3, node.outputs[0]!.name).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message.message(5, encodeAttribute(name, value, names));
  if (node.domain) message.string(7, node.domain);
  return message;
}

function encodeAttribute(name: string, value: Attribute, names: Names): Message {
  const message = new Message().string(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE.integer);
  if (typeof value === 'string') return message.bytes(4, new TextEncoder().encode(value)).integer(20, ATTRIBUTE.string);
  if ('float' in value) return message.float(2, value.float).integer(20, ATTRIBUTE.float);
  if ('graph' in value) return message.message(6, encodeGraph(value.graph, names)).integer(20, ATTRIBUTE.graph);
  if ('strings' in value) {
    for (const item of value.strings) message.string(9, item);
    return message.integer(20, ATTRIBUTE.strings);
  }
  for (const item of value) message.integer(8, item);
  return message.integer(20, ATTRIBUTE.integers);
}

/** A dynamic first dimension is called `batch`; no other one has a name. */
function encodeValueInfo(tensor: Tensor, name: string): Message {
  const shape = new Message();
  tensor.shape.forEach((size, axis) => {
    const dimension = new Message();
    if (size !== DYNAMIC) dimension.integer(1, size);
    else if (axis === 0) dimension.string(2, 'batch');
    shape.message(1, dimension);
  });
  const type = new Message().integer(1, ELEMENT_TYPES[tensor.type]).message(2, shape);
  return new Message().string(1, name).message(2, new Message().message(1, type));
}

function domainsOf(graph: Graph): string[] {
  const domains = new Set<string>();
  for (const node of graph.flatNodes()) {
    if (node.domain) domains.add(node.domain);
    for (const value of Object.values(node.attributes)) {
      if (typeof value === 'object' && 'graph' in value)
        domainsOf(value.graph).forEach((domain) => domains.add(domain));
    }
  }
  return [...domains].sort();
}
