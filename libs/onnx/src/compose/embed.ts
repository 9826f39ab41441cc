/**
 * A finished model as part of another: its operators and constants under names of their own, its input a tensor of
 * the other.
 *
 * It works on bytes, so that whatever a model holds, loops within loops included, goes over as it is.
 */
import { DataError, type GraphTensor } from '@prosodia/core';
import { ATTRIBUTE, GRAPH, MODEL, NODE, OPSET, TENSOR, VALUE_INFO } from '../fields.ts';
import { nodeMessage } from '../messages.ts';
import { type Field, MessageReader, fieldsOf, textOf } from '../reader.ts';
import { Message } from '../writer.ts';
import type { EmbeddedTensor } from './tensor.ts';

export interface Embedded {
  readonly model: Uint8Array;
  /** By the name that the model has for it. */
  readonly inputs: Readonly<Record<string, GraphTensor>>;
  readonly output: string;
}

/** The output of a model, a float32 tensor, for the given inputs; all of them have to be given. */
export function embed(model: Uint8Array, inputs: Readonly<Record<string, GraphTensor>>, output: string): GraphTensor {
  const tensor: EmbeddedTensor = { form: 'embedded', element: 'float32', of: { model, inputs, output } };
  return tensor;
}

/** What a model adds to another. */
export interface Parts {
  readonly nodes: Message[];
  readonly initializers: Message[];
  /** Versions by domain. */
  readonly opsets: ReadonlyMap<string, number>;
}

/**
 * The operators that the output depends on, with the prefix before every name.
 * @param given names, in the model that grows, of the inputs
 * @throws DataError if the model has no such output, or an input that is not given
 */
export function partsOf({ model, output }: Embedded, prefix: string, given: Readonly<Record<string, string>>): Parts {
  const reader = new MessageReader(model);
  const opsets = new Map(
    reader.messages(MODEL.opset).map((own) => [own.string(OPSET.domain) ?? '', own.integer(OPSET.version) ?? 1]),
  );
  const graph = [...fieldsOf(model)].find(({ number }) => number === MODEL.graph)?.bytes ?? new Uint8Array();
  const named = (name: string) => (name === '' ? '' : `${prefix}${name}`);
  const nodes: Uint8Array[] = [];
  const initializers = new Map<string, Uint8Array>();
  const wanted: string[] = [];
  for (const { number, bytes } of fieldsOf(graph)) {
    if (number === GRAPH.node) nodes.push(bytes);
    if (number === GRAPH.initializer) initializers.set(nameIn(bytes, TENSOR.name), bytes);
    if (number === GRAPH.input) wanted.push(nameIn(bytes, VALUE_INFO.name));
  }
  const missing = wanted.find((name) => !Object.hasOwn(given, name) && !initializers.has(name));
  const { kept, needed } = live(nodes, output);
  if (missing !== undefined || !needed.has(output)) {
    throw new DataError({
      problem: 'the model does not fit into the graph',
      expected: `inputs ${Object.keys(given).join(', ')} and an output ${output}`,
      got: missing === undefined ? `no output ${output}` : `an input ${missing}`,
    });
  }
  return {
    nodes: [
      ...Object.entries(given).map(([name, from]) =>
        nodeMessage({ op: 'Identity', inputs: [from], outputs: [named(name)] }),
      ),
      ...kept.map((node) => renamedNode(node, named)),
    ],
    initializers: [...initializers].flatMap(([name, bytes]) =>
      needed.has(name) ? [renamed(bytes, TENSOR.name, named)] : [],
    ),
    opsets,
  };
}

/** Nodes that an output depends on, in order, and the names of all tensors that they read or make. */
function live(nodes: readonly Uint8Array[], output: string): { kept: Uint8Array[]; needed: Set<string> } {
  const wanted = new Set([output]);
  const needed = new Set<string>();
  const kept: Uint8Array[] = [];
  for (const node of nodes.toReversed()) {
    const made = namesIn(node, NODE.output);
    if (!made.some((name) => wanted.has(name))) continue;
    made.forEach((name) => needed.add(name));
    for (const name of readBy(node)) {
      wanted.add(name);
      needed.add(name);
    }
    kept.push(node);
  }
  return { kept: kept.reverse(), needed };
}

/** Names that a node reads; those inside its bodies may be of the graph around it. */
function readBy(node: Uint8Array): string[] {
  const bodies = [...fieldsOf(node)].flatMap(({ number, bytes }) => (number === NODE.attribute ? graphsIn(bytes) : []));
  const within = bodies.flatMap((graph) =>
    [...fieldsOf(graph)].flatMap(({ number, bytes }) => {
      if (number === GRAPH.node) return readBy(bytes);
      return number === GRAPH.output ? [nameIn(bytes, VALUE_INFO.name)] : [];
    }),
  );
  return [...namesIn(node, NODE.input), ...within];
}

function graphsIn(attribute: Uint8Array): Uint8Array[] {
  return [...fieldsOf(attribute)].flatMap(({ number, bytes }) => (number === ATTRIBUTE.graph ? [bytes] : []));
}

type Rename = (name: string) => string;

function renamedNode(node: Uint8Array, named: Rename): Message {
  return rewritten(node, ({ number, bytes }, message) => {
    if (number === NODE.input || number === NODE.output || number === NODE.name) {
      return message.string(number, named(textOf(bytes)));
    }
    if (number !== NODE.attribute || graphsIn(bytes).length === 0) return undefined;
    const attribute = rewritten(bytes, (own, inner) =>
      own.number === ATTRIBUTE.graph ? inner.message(own.number, renamedGraph(own.bytes, named)) : undefined,
    );
    return message.message(number, attribute);
  });
}

function renamedGraph(graph: Uint8Array, named: Rename): Message {
  return rewritten(graph, ({ number, bytes }, message) => {
    if (number === GRAPH.node) return message.message(number, renamedNode(bytes, named));
    if (number === GRAPH.initializer) return message.message(number, renamed(bytes, TENSOR.name, named));
    if (number === GRAPH.input || number === GRAPH.output) {
      return message.message(number, renamed(bytes, VALUE_INFO.name, named));
    }
    return undefined;
  });
}

/** A message whose one name is another. */
function renamed(bytes: Uint8Array, name: number, named: Rename): Message {
  return rewritten(bytes, (field, message) =>
    field.number === name ? message.string(name, named(textOf(field.bytes))) : undefined,
  );
}

/** A message with the fields that `write` does not write itself as they were. */
function rewritten(bytes: Uint8Array, write: (field: Field, message: Message) => Message | undefined): Message {
  const message = new Message();
  for (const field of fieldsOf(bytes)) if (!write(field, message)) message.raw(field.whole);
  return message;
}

function namesIn(message: Uint8Array, field: number): string[] {
  return [...fieldsOf(message)].flatMap(({ number, bytes }) =>
    number === field && bytes.length > 0 ? [textOf(bytes)] : [],
  );
}

function nameIn(message: Uint8Array, field: number): string {
  return namesIn(message, field)[0] ?? '';
}
