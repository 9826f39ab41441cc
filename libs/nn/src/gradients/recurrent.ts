/** Gradient rules of the recurrent composites: back through time, as a loop that runs the other way. */
import type { Tensor } from '../graph.ts';
import { add, concat, expand, gemm, multiply, matmul, pad, reshape, slice, split, sum, transpose } from '../ops.ts';
import { inSlices, loop, unstack } from '../recurrent-ops.ts';
import type { GradientRule, RuleContext } from './rule.ts';

/**
 * Per step, with the factors the forward loop has saved: d cell grows by d hidden times `intoCell`; the
 * gates get (d cell, d hidden, d cell, d cell) times `intoGates`; d cell goes on times `forget`, d hidden
 * through the transposed kernel.
 */
function lstmTraining({ node, gradients }: RuleContext): Tensor[] {
  const { intoCell, intoGates, forget, kernel } = node.saved as Record<
    'intoCell' | 'intoGates' | 'forget' | 'kernel',
    Tensor
  >;
  const hidden = node.outputs;
  const directions = hidden.length;
  const { graph } = kernel;
  const [steps, batch, units] = hidden[0]!.shape as [number, number, number];
  const back = transpose(kernel, [0, 2, 1]);
  const zero = expand(graph.scalar(0), [directions, batch, units]);
  const arriving = hidden.map((h, d) => inSlices(gradients[d] ?? expand(graph.scalar(0), h.shape)));
  const made = loop(graph, {
    states: [zero, zero],
    sequences: [
      ...arriving.map((tensor, d) => ({ tensor, backwards: d === 0 })),
      ...[intoCell, intoGates, forget].map((tensor) => ({ tensor, backwards: true })),
    ],
    madeBackwards: hidden.map((_, d) => d === 0),
    body([hiddenNext, cellNext], slices) {
      const [cellFactor, gateFactor, forgetFactor] = slices.slice(directions);
      const dHidden = add(concat(slices.slice(0, directions), 0), hiddenNext!);
      const dCell = add(multiply(dHidden, cellFactor!), cellNext!);
      const dGates = multiply(concat([dCell, dHidden, dCell, dCell], 2), gateFactor!);
      return {
        states: [matmul(dGates, back), multiply(dCell, forgetFactor!)],
        made: unstack(dGates, directions),
      };
    },
  });
  const dProjections = made.map((gates) => reshape(gates, [steps, batch, 4 * units]));
  const dKernels = dProjections.map((gates, d) => recurrentKernel(hidden[d]!, gates, d === 1));
  return [...dProjections, ...dKernels];
}

/**
 * Per step: the hidden gradient times `intoGates` is that of update, reset and recurrent candidate, which go
 * back through the kernel, and of the candidate of the input; times `update` it goes on as it is.
 */
function gruTraining({ node, gradients }: RuleContext): Tensor[] {
  const { intoGates, update, kernel } = node.saved as Record<'intoGates' | 'update' | 'kernel', Tensor>;
  const hidden = node.outputs;
  const directions = hidden.length;
  const { graph } = kernel;
  const [steps, batch, units] = hidden[0]!.shape as [number, number, number];
  const back = transpose(kernel, [0, 2, 1]);
  const arriving = hidden.map((h, d) => inSlices(gradients[d] ?? expand(graph.scalar(0), h.shape)));
  const made = loop(graph, {
    states: [expand(graph.scalar(0), [directions, batch, units])],
    sequences: [
      ...arriving.map((tensor, d) => ({ tensor, backwards: d === 0 })),
      ...[intoGates, update].map((tensor) => ({ tensor, backwards: true })),
    ],
    madeBackwards: [...hidden, ...hidden].map((_, i) => i % directions === 0),
    body([hiddenNext], slices) {
      const [gateFactor, updateFactor] = slices.slice(directions);
      const dHidden = add(concat(slices.slice(0, directions), 0), hiddenNext!);
      const all = multiply(concat([dHidden, dHidden, dHidden, dHidden], 2), gateFactor!);
      const [dRecurrent, dCandidate] = split(all, 2, [3 * units, units]);
      return {
        states: [add(matmul(dRecurrent!, back), multiply(dHidden, updateFactor!))],
        made: [...unstack(dRecurrent!, directions), ...unstack(dCandidate!, directions)],
      };
    },
  });
  const dRecurrents = made.slice(0, directions).map((tensor) => reshape(tensor, [steps, batch, 3 * units]));
  const dProjections = dRecurrents.map((tensor, d) =>
    concat([slice(tensor, 2, 0, 2 * units), reshape(made[directions + d]!, [steps, batch, units])], 2),
  );
  const dKernels = dRecurrents.map((gates, d) => recurrentKernel(hidden[d]!, gates, d === 1));
  const dBiases = dRecurrents.map((gates) => sum(gates, [0, 1], false));
  return [...dProjections, ...dKernels, ...dBiases];
}

/** The sum over time of the hidden state before each step, transposed, times the gradient at the step. */
function recurrentKernel(hidden: Tensor, gates: Tensor, backwards: boolean): Tensor {
  const [steps, batch, units] = hidden.shape as [number, number, number];
  const width = gates.shape[2]!;
  // The states move by a step, as they are smaller than the gates; where there was none before, zeros come in.
  const [back, forth] = backwards ? [-1, 1] : [1, -1];
  const before = pad(hidden, [back, 0, 0], [forth, 0, 0]);
  const matrix = (tensor: Tensor, columns: number): Tensor => reshape(tensor, [steps * batch, columns]);
  return gemm(matrix(before, units), matrix(gates, width), undefined, { transposeA: true });
}

export const recurrentRules: Readonly<Record<string, GradientRule>> = {
  GruTraining: gruTraining,
  LstmTraining: lstmTraining,
};
