/** Gradient rules of arithmetic, products, reductions, and operators that move elements. */
import { sameShape, type GraphNode, type Tensor } from '../graph.ts';
import {
  add,
  columnSums,
  divide,
  elu,
  exp,
  expand,
  gemm,
  greater,
  matmul,
  multiply,
  negate,
  notPositive,
  offset,
  pad,
  positive,
  power,
  reshape,
  reverse,
  scale,
  slice,
  softmax,
  subtract,
  sum,
  sumTo,
  transpose,
} from '../ops.ts';
import { elements, type GradientRule, integerValues, rule, scalarValue, throughRelu } from './rule.ts';

const passThrough = rule((g) => [g]);

export const basicRules: Readonly<Record<string, GradientRule>> = {
  Identity: passThrough,

  Add: rule((g, [a, b], _y, { wanted }) => [
    wanted[0] ? sumTo(g, a!.shape) : undefined,
    wanted[1] ? sumTo(g, b!.shape) : undefined,
  ]),

  Sub: rule((g, [a, b], _y, { wanted }) => [
    wanted[0] ? sumTo(g, a!.shape) : undefined,
    wanted[1] ? sumTo(negate(g), b!.shape) : undefined,
  ]),

  Mul: rule((g, [a, b], _y, { wanted }) => [
    wanted[0] ? sumTo(multiply(g, b!), a!.shape) : undefined,
    wanted[1] ? sumTo(multiply(g, a!), b!.shape) : undefined,
  ]),

  Div: rule((g, [a, b], y, { wanted }) => [
    wanted[0] ? sumTo(divide(g, b!), a!.shape) : undefined,
    wanted[1] ? sumTo(negate(divide(multiply(g, y), b!)), b!.shape) : undefined,
  ]),

  Pow: rule((g, [a, exponent]) => {
    const n = scalarValue(exponent!);
    return [multiply(g, scale(power(a!, n - 1), n))];
  }),

  Neg: rule((g) => [negate(g)]),
  Exp: rule((g, _, y) => [multiply(g, y)]),
  Log: rule((g, [a]) => [divide(g, a!)]),
  Sqrt: rule((g, _, y) => [divide(scale(g, 0.5), y)]),

  /** d erf(a) / da = 2 / sqrt(pi) e^(-a^2) */
  Erf: rule((g, [a]) => [multiply(g, scale(exp(negate(multiply(a!, a!))), 2 / Math.sqrt(Math.PI)))]),

  Relu: rule((g, _, y) => [throughRelu(g, y)]),
  Sigmoid: rule((g, _, y) => [multiply(g, multiply(y, subtract(y.graph.scalar(1), y)))]),
  Tanh: rule((g, _, y) => [multiply(g, subtract(y.graph.scalar(1), multiply(y, y)))]),

  /** 1 where a > 0, else alpha e^a; e^min(a, 0) is what Elu computes of min(a, 0), plus 1. */
  Elu: rule((g, [a], _y, { node }) => {
    const alpha = (node.attributes['alpha'] as { float: number }).float;
    const above = positive(a!);
    const negative = subtract(a!.graph.scalar(1), above);
    const slope = offset(elu(multiply(a!, negative)), 1);
    return [multiply(g, add(above, multiply(negative, scale(slope, alpha))))];
  }),

  Clip: rule((g, [a, low, high]) => [multiply(g, multiply(greater(a!, low!), greater(high!, a!)))]),

  Softmax: rule((g, _, y) => {
    const product = multiply(g, y);
    return [subtract(product, multiply(y, sum(product, [y.shape.length - 1])))];
  }),

  LogSoftmax: rule((g, [a]) => [subtract(g, multiply(softmax(a!), sum(g, [a!.shape.length - 1])))]),

  ReduceSum: rule((g, [a], _y, { node }) => [expand(withReducedAxes(g, a!, node), a!.shape)]),

  ReduceMean: rule((g, [a], y, { node }) => {
    const share = elements(y) / elements(a!);
    return [expand(scale(withReducedAxes(g, a!, node), share), a!.shape)];
  }),

  /** Shared by equal largest elements, like the gradient of a pool. */
  ReduceMax: rule((g, [a], y, { node }) => {
    const axes = integerValues(node.inputs[1]!);
    const largest = notPositive(subtract(withReducedAxes(y, a!, node), a!));
    return [multiply(largest, divide(withReducedAxes(g, a!, node), sum(largest, axes)))];
  }),

  ReduceSumSquare: rule((g, [a], _y, { node }) => [multiply(scale(a!, 2), withReducedAxes(g, a!, node))]),

  Reshape: rule((g, [a]) => [reshape(g, a!.shape)]),
  Expand: rule((g, [a]) => [sumTo(g, a!.shape)]),

  Transpose: rule((g, _inputs, _y, { node }) => {
    const order = node.attributes['perm'] as readonly number[];
    return [
      transpose(
        g,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  }),

  Gemm: rule((g, [a, b, c], _y, { node, wanted }) => {
    const transposeA = node.attributes['transA'] === 1;
    const transposeB = node.attributes['transB'] === 1;
    const gradientA = (): Tensor =>
      transposeA
        ? gemm(b!, g, undefined, { transposeA: transposeB, transposeB: true })
        : gemm(g, b!, undefined, { transposeB: !transposeB });
    const gradientB = (): Tensor =>
      transposeB
        ? gemm(g, a!, undefined, { transposeA: true, transposeB: transposeA })
        : gemm(a!, g, undefined, { transposeA: !transposeA });
    return [
      wanted[0] ? gradientA() : undefined,
      wanted[1] ? gradientB() : undefined,
      c ? (sameShape(c.shape, g.shape.slice(1)) ? columnSums(g) : sumTo(g, c.shape)) : undefined,
    ];
  }),

  MatMul: rule((g, [a, b], _y, { wanted }) => {
    const shared = b!.shape.length < a!.shape.length;
    const gradientB = (): Tensor => {
      if (!shared) return matmul(swapLast(a!), g);
      return gemm(rows(a!), rows(g), undefined, { transposeA: true });
    };
    return [wanted[0] ? matmul(g, swapLast(b!)) : undefined, wanted[1] ? gradientB() : undefined];
  }),

  Slice: rule((g, [a], y, { node }) => {
    if (node.inputs[4]) return [reverse(g, integerValues(node.inputs[3]!))];
    const axis = scalarValue(node.inputs[3]!);
    const from = scalarValue(node.inputs[1]!);
    const only = (count: number): number[] => a!.shape.map((_, i) => (i === axis ? count : 0));
    return [pad(g, only(from), only(a!.shape[axis]! - from - y.shape[axis]!))];
  }),

  Pad: rule((g, [a], _y, { node }) => {
    const before = integerValues(node.inputs[1]!);
    return [a!.shape.reduce((rest, size, axis) => slice(rest, axis, before[axis]!, before[axis]! + size), g)];
  }),

  Concat: rule((g, inputs, _y, { node, wanted }) => {
    const axis = node.attributes['axis'] as number;
    let from = 0;
    return inputs.map((input, i) => {
      const to = from + input.shape[axis]!;
      const part = wanted[i] ? slice(g, axis, from, to) : undefined;
      from = to;
      return part;
    });
  }),
};

/** The gradient of a reduction with the axes it removed put back, with size 1. */
function withReducedAxes(g: Tensor, a: Tensor, node: GraphNode): Tensor {
  const axes = integerValues(node.inputs[1]!);
  return reshape(
    g,
    a.shape.map((size, i) => (axes.includes(i) ? 1 : size)),
  );
}

function swapLast(a: Tensor): Tensor {
  const order = a.shape.map((_, i) => i);
  const last = order.length - 1;
  [order[last], order[last - 1]] = [last - 1, last];
  return transpose(a, order);
}

/** A stack of matrices as one matrix, rows below rows. */
function rows(a: Tensor): Tensor {
  const columns = a.shape[a.shape.length - 1]!;
  return reshape(a, [elements(a) / columns, columns]);
}
