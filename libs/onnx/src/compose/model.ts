/**
 * A model of the tensors that are wanted, and of all that they are computed from.
 *
 * What is computed from the same in the same way is written once, whoever built it. Names count up in the order of
 * computation, so the same tensors give the same bytes.
 */
import { type GraphTensor, RequestError } from '@prosodia/core';
import { graphMessage, modelBytes, nodeMessage, tensorMessage, type ValueSpec } from '../messages.ts';
import type { Message } from '../writer.ts';
import { type Embedded, partsOf } from './embed.ts';
import { type Application, type ConstantTensor, inside } from './tensor.ts';

/** Of ONNX's own operators: the least that has all that are used, so that older runtimes read the model too. */
const OPSET = 18;

export interface ComposedModelSpec {
  readonly name: string;
  readonly outputs: readonly { readonly tensor: GraphTensor; readonly value: ValueSpec }[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of the model.
 * @throws RequestError if a model that is part of it needs newer operators; DataError if one does not fit its inputs
 */
export function composedModel({ name, outputs, metadata }: ComposedModelSpec): Uint8Array {
  const writer = new GraphWriter();
  for (const { tensor, value } of outputs) writer.output(tensor, value.name);
  const graph = graphMessage({
    name,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: writer.inputs,
    outputs: outputs.map(({ value }) => value),
  });
  return modelBytes(graph, Object.fromEntries(writer.opsets), metadata);
}

class GraphWriter {
  readonly nodes: Message[] = [];
  readonly initializers: Message[] = [];
  readonly inputs: ValueSpec[] = [];
  readonly opsets = new Map([['', OPSET]]);
  readonly #names = new Map<GraphTensor, string>();
  readonly #applied = new Map<Application, string[]>();
  /** Names of what the same operator made of the same, by what tells them apart. */
  readonly #known = new Map<string, string[]>();
  readonly #constants = new Map<string, { name: string; data: Uint8Array }[]>();
  #count = 0;

  output(tensor: GraphTensor, name: string): void {
    this.nodes.push(nodeMessage({ op: 'Identity', inputs: [this.#name(tensor)], outputs: [name] }));
  }

  #name(wanted: GraphTensor): string {
    const known = this.#names.get(wanted);
    if (known !== undefined) return known;
    const name = this.#write(wanted);
    this.#names.set(wanted, name);
    return name;
  }

  #write(wanted: GraphTensor): string {
    const tensor = inside(wanted);
    switch (tensor.form) {
      case 'input':
        if (!this.inputs.some(({ name }) => name === tensor.value.name)) this.inputs.push(tensor.value);
        return tensor.value.name;
      case 'constant':
        return this.#constant(tensor);
      case 'result':
        return this.#apply(tensor.of)[tensor.output]!;
      case 'embedded':
        return this.#embed(tensor.of);
    }
  }

  #constant({ element, shape, data }: ConstantTensor): string {
    if (!ArrayBuffer.isView(data)) throw new RequestError({ problem: 'only numbers can be stored', got: element });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${element} ${shape.join()}`;
    const alike = this.#constants.get(key) ?? [];
    this.#constants.set(key, alike);
    const same = alike.find((own) => own.data.every((byte, i) => byte === bytes[i]));
    if (same) return same.name;
    const name = `constant_${this.initializers.length}`;
    alike.push({ name, data: bytes });
    this.initializers.push(tensorMessage(name, element, shape, data));
    return name;
  }

  #apply(application: Application): string[] {
    const done = this.#applied.get(application);
    if (done) return done;
    const { op, domain, attributes, outputs } = application;
    const inputs = application.inputs.map((input) => this.#name(input));
    const key = JSON.stringify([op, domain, inputs, attributes, outputs]);
    let names = this.#known.get(key);
    if (!names) {
      const first = this.#count;
      this.#count += outputs;
      names = Array.from({ length: outputs }, (_, i) => `tensor_${first + i}`);
      this.#known.set(key, names);
      this.nodes.push(nodeMessage({ op, domain, inputs, outputs: names, attributes }));
    }
    this.#applied.set(application, names);
    return names;
  }

  #embed(embedded: Embedded): string {
    const given = Object.fromEntries(Object.entries(embedded.inputs).map(([name, from]) => [name, this.#name(from)]));
    const prefix = `part_${this.#count++}/`;
    const { nodes, initializers, opsets } = partsOf(embedded, prefix, given);
    this.nodes.push(...nodes);
    this.initializers.push(...initializers);
    for (const [domain, version] of opsets) this.#require(domain, version);
    return `${prefix}${embedded.output}`;
  }

  #require(domain: string, version: number): void {
    if (domain === '' && version > OPSET) {
      throw new RequestError({
        problem: 'a model needs newer operators than the rest of the graph',
        expected: `operator set ${OPSET} or older`,
        got: String(version),
      });
    }
    this.opsets.set(domain, Math.max(version, this.opsets.get(domain) ?? 1));
  }
}
