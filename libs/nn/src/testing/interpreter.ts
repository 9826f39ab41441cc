/**
 * Evaluates a graph in double precision, straight from the definitions of the operators.
 *
 * The oracle of the tests: slow, plain, and independent of ONNX Runtime. In double precision finite
 * differences tell a wrong gradient from rounding.
 */
import { sizeOf, type Graph, type GraphNode, type Tensor } from '../graph.ts';
import type { NumberArray } from './arrays.ts';
import { kernels } from './kernels.ts';

export type Kernel = (inputs: readonly NumberArray[], node: GraphNode) => readonly NumberArray[];

/** The value of every tensor of the graph, given those of its inputs by name. */
export function evaluate(graph: Graph, inputs: Readonly<Record<string, NumberArray>>): (tensor: Tensor) => NumberArray {
  const values = new Map<Tensor, NumberArray>();
  for (const input of graph.inputs) values.set(input, inputs[input.name]!);
  for (const { tensor, data } of graph.constants) {
    values.set(tensor, { shape: tensor.shape, data: Float64Array.from(data, Number) });
  }
  for (const node of graph.flatNodes()) {
    const kernel = kernels[node.op];
    if (!kernel) throw new Error(`The interpreter has no ${node.op}`);
    const results = kernel(
      node.inputs.map((input) => (input ? values.get(input)! : (undefined as never))),
      node,
    );
    node.outputs.forEach((output, i) => {
      const { shape, data } = results[i]!;
      if (String(shape) !== String(output.shape) || data.length !== sizeOf(shape)) {
        throw new Error(`${node.op}: the graph says ${output.shape}, the values are ${shape}`);
      }
      values.set(output, results[i]!);
    });
  }
  return (tensor) => values.get(tensor)!;
}
