/** Encodes a {@link Graph} as an ONNX model. */
import {
  graphMessage,
  modelBytes,
  nodeMessage,
  tensorMessage,
  type AttributeValue,
  type Message,
  type Opsets,
  type ValueSpec,
} from '@prosodia/onnx';
import type { Attribute, Graph, GraphNode, Tensor } from '../graph.ts';
import { DYNAMIC, sameShape } from '../graph.ts';

/** Old enough for every current runtime, new enough for all we use. */
const OPSET_VERSION = 18;

export interface ModelInfo {
  /** Key and value pairs kept in the model (`metadata_props`): labels, versions. */
  metadata?: Readonly<Record<string, string>>;
}

/** The bytes of an ONNX model that computes the graph's outputs from its inputs. */
export function encodeModel(graph: Graph, { metadata = {} }: ModelInfo = {}): Uint8Array {
  const domains = domainsOf(graph).map((domain) => [domain, 1] as const);
  const opsets: Opsets = { '': OPSET_VERSION, ...Object.fromEntries(domains) };
  return modelBytes(encodeGraph(graph, new Map()), opsets, metadata);
}

/** What tensors are called in the model, where that is not their own name. */
type Names = Map<Tensor, string>;

function encodeGraph(graph: Graph, names: Names): Message {
  const nodes = liveNodes(graph);
  const copies = nameOutputs(graph, nodes, names);
  return graphMessage({
    name: graph.name,
    nodes: [
      ...nodes.map((node) => encodeNode(node, names)),
      ...copies.map(({ from, to }) => nodeMessage({ op: 'Identity', inputs: [nameOf(from, names)], outputs: [to] })),
    ],
    initializers: graph.constants.map(({ tensor: { name, type, shape }, data }) =>
      tensorMessage(name, type, shape, data),
    ),
    inputs: graph.inputs.map((input) => valueOf(input, input.name)),
    outputs: graph.outputs.map(({ name, tensor }) => valueOf(tensor, name)),
  });
}

/** The nodes that outputs depend on: gradients leave some behind that nobody came to need. */
function liveNodes(graph: Graph): GraphNode[] {
  const live = new Set(graph.outputs.map(({ tensor }) => tensor));
  return withoutChains(graph.flatNodes())
    .reverse()
    .filter((node) => {
      if (!node.outputs.some((output) => live.has(output))) return false;
      for (const tensor of tensorsReadBy(node)) live.add(tensor);
      return true;
    })
    .reverse();
}

/**
 * Of reshapes that follow each other only the last shape matters, and none if it is the first one's: each costs ONNX
 * Runtime as much as a small sum. Those that are still needed, by a loop's body or as an output, stay.
 */
function withoutChains(nodes: readonly GraphNode[]): GraphNode[] {
  const sources = new Map<Tensor, Tensor>();
  const same = new Map<Tensor, Tensor>();
  return nodes.map((given) => {
    const inputs = given.inputs.map((input) => input && (same.get(input) ?? input));
    const [from, shape] = inputs;
    if (given.op !== 'Reshape') return { ...given, inputs };
    const [output] = given.outputs as [Tensor];
    const source = sources.get(from!) ?? from!;
    sources.set(output, source);
    if (sameShape(source.shape, output.shape)) same.set(output, source);
    return { ...given, inputs: [source, shape] };
  });
}

/** Inputs of a node, and of the nodes of a loop's body, which read tensors around it. */
function tensorsReadBy({ inputs, attributes }: GraphNode): Tensor[] {
  const bodies = Object.values(attributes).flatMap((value) =>
    typeof value === 'object' && 'graph' in value ? [value.graph] : [],
  );
  const within = bodies.flatMap((body) => [
    ...body.flatNodes().flatMap(tensorsReadBy),
    ...body.outputs.map(({ tensor }) => tensor),
  ]);
  return [...inputs.filter((input) => input !== undefined), ...within];
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

function encodeNode({ op, inputs, outputs, attributes, domain }: GraphNode, names: Names): Message {
  return nodeMessage({
    op,
    inputs: inputs.map((input) => (input ? nameOf(input, names) : '')),
    outputs: outputs.map((output) => nameOf(output, names)),
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, attributeValue(value, names)]),
    ),
    name: outputs[0]!.name,
    domain,
  });
}

function attributeValue(value: Attribute, names: Names): AttributeValue {
  if (typeof value === 'number') return { integer: value };
  if (typeof value === 'string') return { string: value };
  if ('graph' in value) return { graph: encodeGraph(value.graph, names) };
  if ('float' in value || 'strings' in value) return value;
  return { integers: value };
}

/** A dynamic first dimension is called `batch`; no other one has a name. */
function valueOf({ type, shape }: Tensor, name: string): ValueSpec {
  const dynamic = (axis: number) => (axis === 0 ? 'batch' : undefined);
  return { name, element: type, shape: shape.map((size, axis) => (size === DYNAMIC ? dynamic(axis) : size)) };
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
