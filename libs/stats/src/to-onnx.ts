/**
 * Fitted transforms as ONNX models, so that what was fitted can be served where our code does not run.
 *
 * Graphs take and give float32, as features are stored, and compute in double precision between, as
 * {@link applyScaler} and {@link transformPca} do: a column at 1e6 with deviation 1e-3 keeps its digits.
 * Unlike ours they let NaN and infinities pass.
 */
import { RequestError } from '@prosodia/core';
import { ELEMENT, type Message, graphMessage, modelBytes, nodeMessage, tensorMessage } from '@prosodia/onnx';
import { sortedClasses } from './labels.ts';
import { type FittedPca, whiteningScale } from './pca.ts';
import type { FittedScaler } from './scaler.ts';

export interface TransformOnnxOptions {
  /** Kept in the model's metadata properties. */
  metadata?: Readonly<Record<string, string>>;
}

/** Of ONNX's own operators, and of ai.onnx.ml for labels. */
const OPSET = 13;
const ML_OPSET = 2;

/**
 * One model that applies transforms one after another: `features` float32 [rows, columns] in, `transformed`
 * float32 [rows, columns of the last] out.
 *
 * @throws RequestError if there are none, or one takes another number of columns than the one before it gives
 */
export function transformsToOnnx(
  transforms: readonly (FittedScaler | FittedPca)[],
  { metadata }: TransformOnnxOptions = {},
): Uint8Array {
  const first = transforms[0];
  if (!first) throw new RequestError({ problem: 'there is no transform to write', expected: 'at least one' });
  const chain = new Chain('features');
  chain.cast('float64');
  let cols = inputColumns(first);
  for (const [index, transform] of transforms.entries()) {
    if (inputColumns(transform) !== cols) {
      throw new RequestError({
        problem: 'the transforms do not fit each other',
        expected: `${inputColumns(transform)} columns, as transform ${index} was fitted on`,
        got: `${cols} columns from the one before it`,
      });
    }
    cols = 'components' in transform ? addPca(chain, transform) : addScaler(chain, transform);
  }
  chain.cast('float32', 'transformed');
  const graph = graphMessage({
    name: 'transforms',
    nodes: chain.nodes,
    initializers: chain.initializers,
    inputs: [{ name: 'features', element: 'float32', shape: ['rows', inputColumns(first)] }],
    outputs: [{ name: 'transformed', element: 'float32', shape: ['rows', cols] }],
  });
  return modelBytes(graph, { '': OPSET }, metadata);
}

/**
 * A model that numbers labels as `encodeLabels` does: `label` text [rows] in, `class` int64 [rows] out, -1 for a
 * label that is not among the classes.
 *
 * @throws RequestError for a class listed twice, or none
 */
export function labelEncoderToOnnx(classes: readonly string[], { metadata }: TransformOnnxOptions = {}): Uint8Array {
  if (classes.length === 0 || sortedClasses(classes).length !== classes.length) {
    throw new RequestError({ problem: 'these are no classes', expected: 'each once', got: JSON.stringify(classes) });
  }
  const encoder = nodeMessage({
    op: 'LabelEncoder',
    inputs: ['label'],
    outputs: ['class'],
    attributes: {
      keys_strings: { strings: classes },
      values_int64s: { integers: classes.map((_, index) => index) },
      default_int64: { integer: -1 },
    },
    domain: 'ai.onnx.ml',
  });
  const graph = graphMessage({
    name: 'label_encoder',
    nodes: [encoder],
    initializers: [],
    inputs: [{ name: 'label', element: 'string', shape: ['rows'] }],
    outputs: [{ name: 'class', element: 'int64', shape: ['rows'] }],
  });
  return modelBytes(graph, { '': OPSET, 'ai.onnx.ml': ML_OPSET }, metadata);
}

/** Operators one after another, each on the result of the last. */
class Chain {
  readonly nodes: Message[] = [];
  readonly initializers: Message[] = [];
  #last: string;

  constructor(input: string) {
    this.#last = input;
  }

  cast(to: 'float32' | 'float64', output?: string): void {
    this.#add('Cast', [], { to: { integer: ELEMENT[to] } }, output);
  }

  /** Applies an operator of two operands with a stored matrix or row of numbers as the second. */
  with(op: 'Sub' | 'Div' | 'Add' | 'Mul' | 'MatMul', shape: readonly number[], values: Float64Array): void {
    const name = `constant_${this.initializers.length}`;
    this.initializers.push(tensorMessage(name, 'float64', shape, values));
    this.#add(op, [name]);
  }

  #add(op: string, operands: readonly string[], attributes = {}, output = `step_${this.nodes.length}`): void {
    this.nodes.push(nodeMessage({ op, inputs: [this.#last, ...operands], outputs: [output], attributes }));
    this.#last = output;
  }
}

function addScaler(chain: Chain, { center, scale, offset }: FittedScaler): number {
  const cols = center.length;
  chain.with('Sub', [cols], Float64Array.from(center));
  chain.with('Div', [cols], Float64Array.from(scale));
  if (offset !== 0) chain.with('Add', [1], Float64Array.of(offset));
  return cols;
}

function addPca(chain: Chain, pca: FittedPca): number {
  const { data, rows: count, cols } = pca.components;
  const loadings = new Float64Array(data.length);
  for (let k = 0; k < count; k++) for (let j = 0; j < cols; j++) loadings[j * count + k] = data[k * cols + j]!;
  chain.with('Sub', [cols], pca.mean);
  chain.with('MatMul', [cols, count], loadings);
  if (pca.whiten) chain.with('Div', [count], whiteningScale(pca));
  return count;
}

function inputColumns(transform: FittedScaler | FittedPca): number {
  return 'components' in transform ? transform.components.cols : transform.center.length;
}
