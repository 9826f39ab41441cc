/**
 * The tensor graph: what layers are lowered to, what gradients extend, and what ONNX encodes.
 *
 * A tensor knows its shape from the moment it is made, so a mismatch is found where a layer is added,
 * not in the runtime's message about node 417. Operators are the functions of `ops.ts`; each appends
 * one node here.
 */
import { ProsodiaError } from '@prosodia/core';

export type ElementType = 'float32' | 'int64' | 'bool' | 'uint8';

/** The size of a dimension that is known only when the model runs: the batch, and what contains it. */
export const DYNAMIC = -1;

export type Shape = readonly number[];

export type Attribute =
  number | string | readonly number[] | { float: number } | { graph: Graph } | { strings: readonly string[] };
export type Attributes = Readonly<Record<string, Attribute>>;

export type ConstantData = Float32Array | BigInt64Array | Uint8Array;

/** A value in a graph. Compared by identity. */
export interface Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** One operator application. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /**
   * The nodes this one stands for, if it is a composite: something differentiated as a whole because
   * the gradient of its definition, step by step, would be slower or less accurate.
   */
  readonly parts?: readonly GraphNode[];
  /** What a composite's gradient rule reuses of the forward pass, by name. */
  readonly saved?: Readonly<Record<string, unknown>>;
}

/** A graph is built wrongly: shapes that do not fit. The layer's position is added on the way out. */
export class ShapeError extends ProsodiaError {}

export class Graph {
  readonly name: string;
  readonly inputs: Tensor[] = [];
  readonly outputs: { readonly name: string; readonly tensor: Tensor }[] = [];
  readonly constants: { readonly tensor: Tensor; readonly data: ConstantData }[] = [];
  #nodes: GraphNode[] = [];
  readonly #constantsByContent = new Map<string, Tensor>();
  readonly #literals = new Map<Tensor, ConstantData>();
  readonly #names = new Set<string>();
  readonly #prefix: string;
  #count = 0;

  /** @param parent the graph that contains this one as a subgraph: the body of a loop, which may use its tensors */
  constructor(parent?: Graph) {
    this.name = parent ? `${parent.#prefix}body${parent.#count++}` : 'network';
    this.#prefix = parent ? `${this.name}_` : '';
  }

  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /** The nodes as ONNX sees them: composites replaced by their parts. */
  flatNodes(): GraphNode[] {
    return flatten(this.#nodes);
  }

  input(name: string, shape: Shape, type: ElementType = 'float32'): Tensor {
    const tensor = this.#tensor(shape, type, this.#prefix + name);
    this.inputs.push(tensor);
    return tensor;
  }

  /** Makes `tensor` an output; it is called `name` outside of this graph. */
  output(name: string, tensor: Tensor): void {
    this.outputs.push({ name, tensor });
  }

  /** A stored tensor with a name of its own: a trained weight. */
  weight(name: string, data: Float32Array, shape: Shape): Tensor {
    const tensor = this.#tensor(shape, 'float32', name);
    this.constants.push({ tensor, data });
    return tensor;
  }

  scalar(value: number): Tensor {
    return this.constant(Float32Array.of(value), []);
  }

  /** A literal; equal small ones are stored once. */
  constant(data: ConstantData, shape: Shape): Tensor {
    const type = data instanceof Float32Array ? 'float32' : data instanceof BigInt64Array ? 'int64' : 'uint8';
    const key = data.length <= 16 ? `${type}:${shape.join('x')}:${data.join()}` : undefined;
    const known = key === undefined ? undefined : this.#constantsByContent.get(key);
    if (known) return known;
    const tensor = this.#tensor(shape, type);
    this.constants.push({ tensor, data });
    this.#literals.set(tensor, data);
    if (key !== undefined) this.#constantsByContent.set(key, tensor);
    return tensor;
  }

  /** A 1-D int64 literal: axes, sizes, a target shape. */
  integers(values: readonly number[]): Tensor {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** The value of a tensor made by `constant`, `scalar` or `integers`; undefined for any other. */
  literal(tensor: Tensor): ConstantData | undefined {
    return this.#literals.get(tensor);
  }

  /** Appends a node whose outputs have the given shapes. */
  node(
    op: string,
    inputs: readonly (Tensor | undefined)[],
    shapes: readonly Shape[],
    attributes: Attributes = {},
    { type = 'float32', names, domain = '' }: NodeOptions = {},
  ): Tensor[] {
    const types = Array.isArray(type) ? type : undefined;
    const outputs = shapes.map((shape, i) => this.#tensor(shape, types?.[i] ?? (type as ElementType), names?.[i]));
    this.#nodes.push({ op, domain, inputs, outputs, attributes });
    return outputs;
  }

  /**
   * Groups the nodes that `build` appends into one composite, differentiated by the rule of its name.
   * `build` returns the outputs, and the tensors the rule will want again.
   */
  composite(
    op: string,
    inputs: readonly (Tensor | undefined)[],
    attributes: Attributes,
    build: () => { outputs: readonly Tensor[]; saved?: Readonly<Record<string, unknown>> },
  ): readonly Tensor[] {
    const outer = this.#nodes;
    this.#nodes = [];
    try {
      const { outputs, saved = {} } = build();
      outer.push({ op, domain: '', inputs, outputs, attributes, parts: this.#nodes, saved });
      return outputs;
    } finally {
      this.#nodes = outer;
    }
  }

  #tensor(shape: Shape, type: ElementType, name?: string): Tensor {
    const unique = name ?? this.#freshName();
    if (this.#names.has(unique)) {
      throw new ProsodiaError({ problem: 'two tensors of a graph have one name', got: unique });
    }
    this.#names.add(unique);
    return { graph: this, name: unique, shape, type };
  }

  #freshName(): string {
    return `${this.#prefix}t${this.#count++}`;
  }
}

interface NodeOptions {
  /** Element type of all outputs, or of each. */
  type?: ElementType | readonly ElementType[];
  names?: readonly string[];
  domain?: string;
}

function flatten(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap((node) => (node.parts ? flatten(node.parts) : [node]));
}

/** `16 x 40 x 174`, with `batch` for a dimension not known yet. */
export function describeShape(shape: Shape): string {
  if (shape.length === 0) return 'a scalar';
  return shape.map((size) => (size === DYNAMIC ? 'batch' : String(size))).join(' x ');
}

/** Number of elements. Throws a ShapeError if a dimension is dynamic. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) {
    if (dimension === DYNAMIC) throw new ShapeError({ problem: 'expected a known shape', got: describeShape(shape) });
    size *= dimension;
  }
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The shape of an element-wise operation on `a` and `b` (numpy's broadcasting). Throws a ShapeError if there is none. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new ShapeError({
      problem: 'the shapes cannot be broadcast together',
      expected: 'sizes that are equal, or one of them 1, counted from the last axis',
      got: `${describeShape(a)} and ${describeShape(b)}`,
    });
  });
}
