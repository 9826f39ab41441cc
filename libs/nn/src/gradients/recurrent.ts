/** Gradient rules of the recurrent composites: back through time, as a loop that runs the other way. */
import type { Tensor } from '../graph.ts';
import { add, concat, expand, gemm, multiply, matmul, reshape, slice, transpose } from '../ops.ts';
import { loop, stackSlices, unstack } from '../recurrent-ops.ts';
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
  const arriving = hidden.map((h, d) => gradients[d] ?? expand(graph.scalar(0), h.shape));
  const made = loop(graph, {
    states: [zero, zero],
    sequences: [
      ...arriving.map((tensor, d) => ({ tensor, backwards: d === 0 })),
      ...[intoCell, intoGates, forget].map((tensor) => ({ tensor, backwards: true })),
    ],
    madeBackwards: hidden.map((_, d) => d === 0),
    body([hiddenNext, cellNext], slices) {
      const [cellFactor, gateFactor, forgetFactor] = slices.slice(directions);
      const dHidden = add(stackSlices(slices.slice(0, directions)), hiddenNext!);
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

/** The sum over time of the hidden state before each step, transposed, times the gradient at the step. */
function recurrentKernel(hidden: Tensor, gates: Tensor, backwards: boolean): Tensor {
  const [steps, batch, units] = hidden.shape as [number, number, number];
  const width = gates.shape[2]!;
  if (steps === 1) return expand(gates.graph.scalar(0), [units, width]);
  const matrix = (tensor: Tensor, columns: number): Tensor => reshape(tensor, [(steps - 1) * batch, columns]);
  const [early, late] = [0, 1].map((from) => (tensor: Tensor) => slice(tensor, 0, from, from + steps - 1));
  const [before, after] = backwards ? [late!(hidden), early!(gates)] : [early!(hidden), late!(gates)];
  return gemm(matrix(before, units), matrix(after, width), undefined, { transposeA: true });
}

export const recurrentRules: Readonly<Record<string, GradientRule>> = { LstmTraining: lstmTraining };
