/**
 * Recurrence over time, as loops (ONNX Scan) whose body is one time step.
 *
 * A loop has a few dozen nodes where unrolling 130 steps makes ten thousand, which take seconds to
 * load. Both directions of a bidirectional layer are in one loop: the second reads and writes its
 * sequences backwards, and one batched product serves both. The forward loop also returns, computed
 * while its values are in the cache, the factors that the backward loop needs.
 *
 * Sequences are time-major: `[steps, batch, ...]`.
 */
import { Graph, ShapeError, type Shape, type Tensor } from './graph.ts';
import { add, concat, expand, matmul, multiply, reshape, sigmoid, split, subtract, tanh } from './ops.ts';

export interface Loop {
  /** States at the start, which also fix their shape. */
  readonly states: readonly Tensor[];
  /** Sequences read, one slice of the first axis a step. */
  readonly sequences: readonly { readonly tensor: Tensor; readonly backwards: boolean }[];
  /** Whether each sequence made is written from its end. */
  readonly madeBackwards: readonly boolean[];
  /** One step; may use tensors of the outer graph. */
  body(states: readonly Tensor[], slices: readonly Tensor[]): { states: readonly Tensor[]; made: readonly Tensor[] };
}

/** Runs a loop; returns the sequences made. */
export function loop(graph: Graph, { states, sequences, madeBackwards, body }: Loop): Tensor[] {
  const inner = new Graph(graph);
  const steps = sequences[0]!.tensor.shape[0]!;
  const innerStates = states.map(({ shape }, i) => inner.input(`state${i}`, shape));
  const slices = sequences.map(({ tensor }, i) => inner.input(`slice${i}`, tensor.shape.slice(1)));
  const result = body(innerStates, slices);
  [...result.states, ...result.made].forEach((tensor, i) => inner.output(`${inner.name}_result${i}`, tensor));
  const shapes: Shape[] = [
    ...result.states.map(({ shape }) => shape),
    ...result.made.map(({ shape }) => [steps, ...shape]),
  ];
  const outputs = graph.node('Scan', [...states, ...sequences.map(({ tensor }) => tensor)], shapes, {
    body: { graph: inner },
    num_scan_inputs: sequences.length,
    scan_input_directions: sequences.map(({ backwards }) => Number(backwards)),
    scan_output_directions: madeBackwards.map(Number),
  });
  return outputs.slice(states.length);
}

/**
 * The long short-term memory (Hochreiter and Schmidhuber, 1997; gates as in Keras) in training.
 *
 * @param projections per direction, `x kernel + bias`: `[steps, batch, 4 units]`, gates in the order
 *   input, output, forget, candidate (that of ONNX)
 * @param kernels per direction, the recurrent kernel `[units, 4 units]`
 * @returns per direction the hidden states `[steps, batch, units]`, in the order of time
 */
export function lstm(projections: readonly Tensor[], kernels: readonly Tensor[]): readonly Tensor[] {
  const { graph, shape } = projections[0]!;
  const [, batch, width] = shape as [number, number, number];
  const units = width / 4;
  if (!kernels.every((kernel) => kernel.shape[0] === units && kernel.shape[1] === width)) {
    throw new ShapeError({ problem: 'the recurrent kernel does not fit its projection' });
  }
  const directions = projections.length;
  return graph.composite('LstmTraining', [...projections, ...kernels], { units }, () => {
    const kernel = stack(kernels);
    const zero = expand(graph.scalar(0), [directions, batch, units]);
    const made = loop(graph, {
      states: [zero, zero],
      sequences: projections.map((tensor, d) => ({ tensor: inSlices(tensor), backwards: d === 1 })),
      madeBackwards: [...projections.map((_, d) => d === 1), false, false, false],
      body([h, c], slices) {
        const before = add(concat(slices, 0), matmul(h!, kernel));
        const [gatesBefore, candidateBefore] = split(before, 2, [3 * units, units]);
        const gates = sigmoid(gatesBefore!);
        const [input, output, forget] = split(gates, 2, [units, units, units]);
        const candidate = tanh(candidateBefore!);
        const kept = multiply(forget!, c!);
        const taken = multiply(input!, candidate);
        const cell = add(kept, taken);
        const squashed = tanh(cell);
        const hidden = multiply(output!, squashed);
        // What the gradients of cell and gates are multiplied by on their way back.
        const intoCell = subtract(output!, multiply(hidden, squashed));
        const used = concat([taken, hidden, kept], 2);
        const intoGates = concat(
          [subtract(used, multiply(used, gates)), subtract(input!, multiply(taken, candidate))],
          2,
        );
        return {
          states: [hidden, cell],
          made: [...unstack(hidden, directions), intoCell, intoGates, forget!],
        };
      },
    });
    const hidden = made.slice(0, directions).map((h) => reshape(h, [shape[0]!, batch, units]));
    const [intoCell, intoGates, forget] = made.slice(directions);
    return { outputs: hidden, saved: { intoCell: intoCell!, intoGates: intoGates!, forget: forget!, kernel } };
  });
}

/**
 * The gated recurrent unit (Cho and others, 2014; reset after the product, as Keras by default) in training.
 *
 * @param projections per direction, `x kernel + bias`: `[steps, batch, 3 units]`, gates in the order
 *   update, reset, candidate
 * @param kernels per direction, the recurrent kernel `[units, 3 units]`
 * @param biases per direction, the recurrent bias `[3 units]`
 * @returns per direction the hidden states `[steps, batch, units]`, in the order of time
 */
export function gru(
  projections: readonly Tensor[],
  kernels: readonly Tensor[],
  biases: readonly Tensor[],
): readonly Tensor[] {
  const { graph, shape } = projections[0]!;
  const [steps, batch, width] = shape as [number, number, number];
  const units = width / 3;
  const directions = projections.length;
  return graph.composite('GruTraining', [...projections, ...kernels, ...biases], {}, () => {
    const kernel = stack(kernels);
    const bias = reshape(stack(biases), [directions, 1, width]);
    const made = loop(graph, {
      states: [expand(graph.scalar(0), [directions, batch, units])],
      sequences: projections.map((tensor, d) => ({ tensor: inSlices(tensor), backwards: d === 1 })),
      madeBackwards: [...projections.map((_, d) => d === 1), false, false],
      body([h], slices) {
        const projection = concat(slices, 0);
        const one = projection.graph.scalar(1);
        const recurrent = add(matmul(h!, kernel), bias);
        const [gatesIn, candidateIn] = split(projection, 2, [2 * units, units]);
        const [gatesBack, candidateBack] = split(recurrent, 2, [2 * units, units]);
        const gates = sigmoid(add(gatesIn!, gatesBack!));
        const [update, reset] = split(gates, 2, [units, units]);
        const candidate = tanh(add(candidateIn!, multiply(reset!, candidateBack!)));
        const change = subtract(h!, candidate);
        const hidden = add(candidate, multiply(update!, change));
        // What the gradient of the hidden state is multiplied by on its way to each gate.
        const slopes = multiply(gates, subtract(one, gates));
        const [updateSlope, resetSlope] = split(slopes, 2, [units, units]);
        const intoCandidate = multiply(subtract(one, update!), subtract(one, multiply(candidate, candidate)));
        const intoGates = concat(
          [
            multiply(change, updateSlope!),
            multiply(intoCandidate, multiply(candidateBack!, resetSlope!)),
            multiply(intoCandidate, reset!),
            intoCandidate,
          ],
          2,
        );
        return { states: [hidden], made: [...unstack(hidden, directions), intoGates, update!] };
      },
    });
    const hidden = made.slice(0, directions).map((h) => reshape(h, [steps, batch, units]));
    const [intoGates, update] = made.slice(directions);
    return { outputs: hidden, saved: { intoGates: intoGates!, update: update!, kernel } };
  });
}

/** Matrices per direction as one stack `[directions, ...]`. */
export function stack(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((tensor) => reshape(tensor, [1, ...tensor.shape])),
    0,
  );
}

/** `[steps, batch, width]` as `[steps, 1, batch, width]`: a loop's slices of all directions, put together, are a stack. */
export function inSlices(tensor: Tensor): Tensor {
  const [steps, ...rest] = tensor.shape;
  return reshape(tensor, [steps!, 1, ...rest]);
}

/** `[directions, batch, width]` as one tensor `[1, batch, width]` per direction. */
export function unstack(tensor: Tensor, directions: number): Tensor[] {
  if (directions === 1) return [tensor];
  return split(
    tensor,
    0,
    Array.from({ length: directions }, () => 1),
  );
}
