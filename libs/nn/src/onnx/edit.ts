/**
 * A model taken apart so that operators can be replaced, and put together again.
 *
 * It works on bytes and not on a `Graph`, because what is edited is a finished model; whatever is not
 * replaced is written again as it was.
 */
import {
  ATTRIBUTE,
  ELEMENT,
  GRAPH,
  MODEL,
  Message,
  NODE,
  OPSET,
  PAIR,
  TENSOR,
  VALUE_INFO,
  attributeMessage,
  fieldsOf,
  nodeMessage,
  textOf,
} from '@prosodia/onnx';
import { readInitializer, type Initializer } from './read.ts';

export interface Operator {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** AttributeProto, as it was. */
  readonly attributes: readonly Uint8Array[];
  readonly domain: string;
}

export class EditableModel {
  /** In the order of computation. */
  operators: Operator[] = [];
  readonly initializers = new Map<string, Initializer>();
  readonly #tensors = new Map<string, Uint8Array>();
  readonly #rest: Uint8Array[] = [];
  readonly #graphRest: Uint8Array[] = [];
  readonly #outputs: string[] = [];
  readonly #domains = new Set<string>();
  #names = 0;

  constructor(model: Uint8Array) {
    for (const field of fieldsOf(model)) {
      if (field.number === MODEL.graph) this.#readGraph(field.bytes);
      else this.#rest.push(field.whole);
      if (field.number === MODEL.opset) this.#domains.add(domainOf(field.bytes));
    }
  }

  /** A name that no tensor has yet. */
  freshName(): string {
    return `int8_${this.#names++}`;
  }

  /** Stores a tensor. Returns its name. */
  store(shape: readonly number[], data: Float32Array | Int8Array, name = this.freshName()): string {
    const tensor = new Message();
    for (const size of shape) tensor.integer(TENSOR.dims, size);
    tensor.integer(TENSOR.type, data instanceof Int8Array ? ELEMENT.int8 : ELEMENT.float32).string(TENSOR.name, name);
    tensor.bytes(TENSOR.raw, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#tensors.set(name, tensor.finish().slice());
    return name;
  }

  /** The tensors that an output depends on. */
  needed(): ReadonlySet<string> {
    return new Set(this.#used().flatMap(({ inputs }) => inputs));
  }

  /** The model without what is no longer used. `metadata` is added to what it says of itself. */
  finish(metadata: Readonly<Record<string, string>>): Uint8Array {
    const operators = this.#used();
    const needed = this.needed();
    const made = new Set(operators.flatMap(({ outputs }) => outputs));
    const graph = new Message();
    for (const operator of operators) graph.message(GRAPH.node, encode(operator));
    for (const [name, tensor] of this.#tensors)
      if (needed.has(name) && !made.has(name)) graph.bytes(GRAPH.initializer, tensor);
    const model = new Message();
    for (const field of this.#rest) append(model, field);
    for (const domain of new Set(operators.map((operator) => operator.domain))) {
      if (!this.#domains.has(domain))
        model.message(MODEL.opset, new Message().string(OPSET.domain, domain).integer(OPSET.version, 1));
    }
    for (const [key, value] of Object.entries(metadata)) {
      model.message(MODEL.metadata, new Message().string(PAIR.key, key).string(PAIR.value, value));
    }
    for (const field of this.#graphRest) append(graph, field);
    return model.message(MODEL.graph, graph).finish().slice();
  }

  #readGraph(graph: Uint8Array): void {
    for (const { number, bytes, whole } of fieldsOf(graph)) {
      if (number === GRAPH.node) this.operators.push(readOperator(bytes));
      else if (number === GRAPH.initializer) {
        const initializer = readInitializer(bytes);
        this.initializers.set(initializer.name, initializer);
        this.#tensors.set(initializer.name, bytes);
      } else {
        this.#graphRest.push(whole);
        if (number === GRAPH.output) this.#outputs.push(nameIn(bytes));
      }
    }
  }

  /** Operators that an output depends on. */
  #used(): Operator[] {
    const wanted = new Set(this.#outputs);
    const kept: Operator[] = [];
    for (const operator of this.operators.toReversed()) {
      if (!operator.outputs.some((name) => wanted.has(name))) continue;
      for (const name of operator.inputs) wanted.add(name);
      kept.push(operator);
    }
    return kept.reverse();
  }
}

/** The whole number in an AttributeProto; 0 if it holds something else. */
export function integerIn(attribute: Uint8Array): number {
  for (const { number, integer } of fieldsOf(attribute)) if (number === ATTRIBUTE.integer) return integer;
  return 0;
}

/** An AttributeProto with a whole number. */
export function integerAttribute(name: string, value: number): Uint8Array {
  return attributeMessage(name, { integer: value }).finish().slice();
}

function readOperator(node: Uint8Array): Operator {
  const operator = {
    op: '',
    inputs: [] as string[],
    outputs: [] as string[],
    attributes: [] as Uint8Array[],
    domain: '',
  };
  for (const { number, bytes } of fieldsOf(node)) {
    if (number === NODE.input) operator.inputs.push(textOf(bytes));
    if (number === NODE.output) operator.outputs.push(textOf(bytes));
    if (number === NODE.op) operator.op = textOf(bytes);
    if (number === NODE.attribute) operator.attributes.push(bytes);
    if (number === NODE.domain) operator.domain = textOf(bytes);
  }
  return operator;
}

function encode({ attributes, ...spec }: Operator): Message {
  const node = nodeMessage(spec);
  for (const attribute of attributes) node.bytes(NODE.attribute, attribute);
  return node;
}

function append(message: Message, field: Uint8Array): void {
  const [{ number, integer, bytes }] = fieldsOf(field) as unknown as [
    { number: number; integer: number; bytes: Uint8Array },
  ];
  if (bytes.length > 0 || field[0]! % 8 === 2) message.bytes(number, bytes);
  else message.integer(number, integer);
}

function nameIn(valueInfo: Uint8Array): string {
  for (const { number, bytes } of fieldsOf(valueInfo)) if (number === VALUE_INFO.name) return textOf(bytes);
  return '';
}

function domainOf(opset: Uint8Array): string {
  for (const { number, bytes } of fieldsOf(opset)) if (number === OPSET.domain) return textOf(bytes);
  return '';
}
