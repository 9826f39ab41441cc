/**
 * Reverse-mode differentiation: appends to a graph the nodes that compute the gradient of a scalar.
 *
 * The nodes are walked backwards once; each one's rule (`rules.ts`) turns the gradients of its
 * outputs into those of its inputs, as more nodes of the same graph. A composite is one step.
 */
import { ProsodiaError } from '@prosodia/core';
import { gradientRules } from './rules.ts';
import type { GraphNode, Tensor } from '../graph.ts';
import { add } from '../ops.ts';

/**
 * The gradients of the scalar `target` with respect to `sources`, each shaped as its source. A source
 * that `target` does not depend on has the gradient `undefined`.
 *
 * Throws a ProsodiaError if an operator on the way has no rule.
 */
export function gradients(target: Tensor, sources: readonly Tensor[]): (Tensor | undefined)[] {
  const { graph } = target;
  const forward = [...graph.nodes];
  const dependent = dependents(forward, sources);
  const found = new Map<Tensor, Tensor>([[target, graph.scalar(1)]]);
  for (const node of forward.reverse()) {
    const arriving = node.outputs.map((output) => found.get(output));
    const wanted = node.inputs.map((input) => input !== undefined && dependent.has(input));
    if (!arriving.some(Boolean) || !wanted.some(Boolean)) continue;
    const rule = gradientRules[node.op];
    if (!rule) throw new ProsodiaError({ problem: `the operator ${node.op} has no gradient rule` });
    const leaving = rule({ node, gradients: arriving, wanted, inputs: node.inputs as readonly Tensor[] });
    node.inputs.forEach((input, i) => {
      const gradient = leaving[i];
      if (!input || !wanted[i] || !gradient) return;
      const sofar = found.get(input);
      found.set(input, sofar ? add(sofar, gradient) : gradient);
    });
  }
  return sources.map((source) => found.get(source));
}

/** All tensors that depend on one of `sources`, these included. */
function dependents(nodes: readonly GraphNode[], sources: readonly Tensor[]): ReadonlySet<Tensor> {
  const dependent = new Set(sources);
  for (const node of nodes) {
    if (node.inputs.some((input) => input && dependent.has(input))) {
      for (const output of node.outputs) dependent.add(output);
    }
  }
  return dependent;
}
