/**
 * What a gradient rule is.
 *
 * A rule receives a node and the gradients `g` of its outputs, and returns the gradients of its inputs
 * in order. Throughout, `y` is the node's output, so that what the forward pass computed is used again
 * instead of computed again. Every rule is checked against central finite differences in
 * `gradients.test.ts`, those of composites with their layers.
 */
import type { GraphNode, Tensor } from '../graph.ts';
import { multiply, positive } from '../ops.ts';

export interface RuleContext {
  readonly node: GraphNode;
  /** Gradient of each output; undefined for an output the target does not depend on. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** Which inputs need a gradient; the others may be left out. */
  readonly wanted: readonly boolean[];
  readonly inputs: readonly Tensor[];
}

export type GradientRule = (context: RuleContext) => readonly (Tensor | undefined)[];

/** A rule for an operator with one output, by far the most. */
export function rule(
  body: (g: Tensor, inputs: readonly Tensor[], y: Tensor, context: RuleContext) => readonly (Tensor | undefined)[],
): GradientRule {
  return (context) => body(context.gradients[0]!, context.inputs, context.node.outputs[0]!, context);
}

export function elements(tensor: Tensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}

/** The value of a literal input. */
export function scalarValue(tensor: Tensor): number {
  return Number(tensor.graph.literal(tensor)![0]);
}

export function integerValues(tensor: Tensor): number[] {
  return Array.from(tensor.graph.literal(tensor)!, Number);
}

/** A gradient that is another one times a factor per channel, `[1, channels, 1, ...]`. */
interface Scaled {
  readonly tensor: Tensor;
  readonly factor: Tensor | undefined;
}

const scaled = new WeakMap<Tensor, Scaled>();

/**
 * `tensor` times a factor per channel, which a rule that receives it may take off again (`unscaled`) and
 * apply where it costs nothing: a convolution applies it to its kernel instead of all positions. The product
 * itself is then used by nobody, and not encoded.
 */
export function scalePerChannel(tensor: Tensor, factor: Tensor): Tensor {
  const product = multiply(tensor, factor);
  scaled.set(product, { tensor, factor });
  return product;
}

export function unscaled(gradient: Tensor): Scaled {
  return scaled.get(gradient) ?? { tensor: gradient, factor: undefined };
}

/** The gradient `g` of `y = max(x, 0)` where y is positive, and 0 elsewhere. */
export function throughRelu(g: Tensor, y: Tensor): Tensor {
  const { tensor, factor } = unscaled(g);
  const passed = multiply(tensor, positive(y));
  return factor ? scalePerChannel(passed, factor) : passed;
}
