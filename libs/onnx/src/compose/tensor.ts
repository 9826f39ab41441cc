/**
 * Tensors of a graph that is being built, each knowing what it is computed from: no builder has to be handed around,
 * and what nobody comes to need is never written.
 */
import type { GraphElement, GraphTensor } from '@prosodia/core';
import type { AttributeValue, ValueSpec } from '../messages.ts';
import type { Embedded } from './embed.ts';

/** Given when the model is run. */
export interface InputTensor extends GraphTensor {
  readonly form: 'input';
  readonly value: ValueSpec;
}

/** Stored in the model. */
export interface ConstantTensor extends GraphTensor {
  readonly form: 'constant';
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | readonly string[];
}

/** One application of an operator; its outputs are tensors of their own. */
export interface Application {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly GraphTensor[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly outputs: number;
}

/** An output of an operator. */
export interface ResultTensor extends GraphTensor {
  readonly form: 'result';
  readonly of: Application;
  readonly output: number;
}

/** An output of a model that becomes part of this one. */
export interface EmbeddedTensor extends GraphTensor {
  readonly form: 'embedded';
  readonly of: Embedded;
}

export type Tensor = InputTensor | ConstantTensor | ResultTensor | EmbeddedTensor;

/** A tensor as what it is. Only this package makes any. */
export function inside(tensor: GraphTensor): Tensor {
  return tensor as Tensor;
}

/** An input of the model; a dimension has a size or a name. */
export function graphInput(name: string, element: 'float32', shape: ValueSpec['shape']): GraphTensor {
  const tensor: InputTensor = { form: 'input', element, value: { name, element, shape } };
  return tensor;
}

const ARRAYS = { float32: Float32Array, float64: Float64Array } as const;

/** A stored tensor; values are rounded to its element. */
export function constant(
  element: 'float32' | 'float64',
  shape: readonly number[],
  values: ArrayLike<number>,
): GraphTensor {
  const tensor: ConstantTensor = { form: 'constant', element, shape, data: ARRAYS[element].from(values) };
  return tensor;
}

/** A number without dimensions. */
export function scalar(element: 'float32' | 'float64', value: number): GraphTensor {
  return constant(element, [], [value]);
}

/** Whole numbers: a list, or one without dimensions. */
export function integers(values: readonly number[] | number): GraphTensor {
  const list = typeof values === 'number' ? [values] : values;
  const shape = typeof values === 'number' ? [] : [values.length];
  const tensor: ConstantTensor = {
    form: 'constant',
    element: 'int64',
    shape,
    data: BigInt64Array.from(list, (value) => BigInt(value)),
  };
  return tensor;
}

export interface ApplyOptions {
  attributes?: Readonly<Record<string, AttributeValue>>;
  /** Of the outputs; default: that of the first input for all. */
  elements?: readonly GraphElement[];
  domain?: string;
}

/** The outputs of an operator. */
export function applyAll(
  op: string,
  inputs: readonly GraphTensor[],
  outputs: number,
  options: ApplyOptions = {},
): GraphTensor[] {
  const { attributes = {}, elements = [], domain = '' } = options;
  const of: Application = { op, domain, inputs, attributes, outputs };
  return Array.from({ length: outputs }, (_, output): ResultTensor => {
    return { form: 'result', element: elements[output] ?? inputs[0]!.element, of, output };
  });
}

/** The output of an operator that has one. */
export function apply(
  op: string,
  inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  element?: GraphElement,
): GraphTensor {
  return applyAll(op, inputs, 1, { attributes, ...(element ? { elements: [element] } : {}) })[0]!;
}
