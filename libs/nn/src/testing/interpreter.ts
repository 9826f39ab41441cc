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

/**
 * A function that gives the value of any tensor of the graph, given those of its inputs by name. Only
 * what a tensor depends on is computed, once.
 * @param outer values of the graph around this one, for the body of a loop
 */
export function evaluate(
  graph: Graph,
  inputs: Readonly<Record<string, NumberArray>>,
  outer?: (tensor: Tensor) => NumberArray,
): (tensor: Tensor) => NumberArray {
  const values = new Map<Tensor, NumberArray>();
  const makers = makersOf(graph);
  for (const input of graph.inputs) values.set(input, inputs[input.name]!);
  for (const { tensor, data } of graph.constants) {
    values.set(tensor, { shape: tensor.shape, data: Float64Array.from(data, Number) });
  }
  const valueOf = (tensor: Tensor): NumberArray => {
    const maker = makers.get(tensor);
    if (!values.has(tensor) && maker) run(maker);
    return values.get(tensor) ?? outer!(tensor);
  };
  const run = (node: GraphNode): void => {
    const given = node.inputs.map((input) => (input ? valueOf(input) : (undefined as never)));
    const results = node.op === 'Scan' ? scan(node, given, valueOf) : kernelOf(node)(given, node);
    node.outputs.forEach((output, i) => {
      const { shape, data } = results[i]!;
      if (String(shape) !== String(output.shape) || data.length !== sizeOf(shape)) {
        throw new Error(`${node.op}: the graph says ${output.shape}, the values are ${shape}`);
      }
      values.set(output, results[i]!);
    });
  };
  return valueOf;
}

const knownMakers = new WeakMap<Graph, { nodes: number; makers: ReadonlyMap<Tensor, GraphNode> }>();

/** The node that makes each tensor; remembered, since loops ask for that of their body in every round. */
function makersOf(graph: Graph): ReadonlyMap<Tensor, GraphNode> {
  const known = knownMakers.get(graph);
  if (known?.nodes === graph.nodes.length) return known.makers;
  const makers = new Map(graph.flatNodes().flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  knownMakers.set(graph, { nodes: graph.nodes.length, makers });
  return makers;
}

function kernelOf(node: GraphNode): Kernel {
  const kernel = kernels[node.op];
  if (!kernel) throw new Error(`The interpreter has no ${node.op}`);
  return kernel;
}

/** The loop over the first axis: states go from round to round, one slice goes in and comes out per round. */
function scan(
  { attributes }: GraphNode,
  inputs: readonly NumberArray[],
  outer: (tensor: Tensor) => NumberArray,
): NumberArray[] {
  const { graph: body } = attributes['body'] as { graph: Graph };
  const stateCount = inputs.length - (attributes['num_scan_inputs'] as number);
  const backIn = attributes['scan_input_directions'] as readonly number[];
  const backOut = attributes['scan_output_directions'] as readonly number[];
  let states = inputs.slice(0, stateCount);
  const sequences = inputs.slice(stateCount);
  const rounds = sequences[0]!.shape[0]!;
  const collected = body.outputs.slice(stateCount).map(({ tensor }) => ({
    shape: [rounds, ...tensor.shape],
    data: new Float64Array(rounds * sizeOf(tensor.shape)),
  }));
  for (let round = 0; round < rounds; round++) {
    const slices = sequences.map(({ shape, data }, i) => {
      const at = backIn[i] ? rounds - 1 - round : round;
      const size = data.length / rounds;
      return { shape: shape.slice(1), data: data.slice(at * size, (at + 1) * size) };
    });
    const given = [...states, ...slices];
    const at = evaluate(body, Object.fromEntries(body.inputs.map(({ name }, i) => [name, given[i]!])), outer);
    const results = body.outputs.map(({ tensor }) => at(tensor));
    states = results.slice(0, stateCount);
    results.slice(stateCount).forEach(({ data }, i) => {
      collected[i]!.data.set(data, (backOut[i] ? rounds - 1 - round : round) * data.length);
    });
  }
  return [...states, ...collected];
}
