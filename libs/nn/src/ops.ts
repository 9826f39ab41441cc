/**
 * The operators of the graph: each checks shapes, appends one ONNX node, and returns its output.
 *
 * Names and semantics are ONNX's (https://onnx.ai/onnx/operators/), with axes and shapes as plain
 * numbers. Convolution, pooling and recurrence are in files of their own.
 */
import {
  DYNAMIC,
  ShapeError,
  broadcastShapes,
  describeShape,
  sameShape,
  sizeOf,
  type Shape,
  type Tensor,
} from './graph.ts';

export function add(a: Tensor, b: Tensor): Tensor {
  return elementwise('Add', a, b);
}

export function subtract(a: Tensor, b: Tensor): Tensor {
  return elementwise('Sub', a, b);
}

export function multiply(a: Tensor, b: Tensor): Tensor {
  return elementwise('Mul', a, b);
}

export function divide(a: Tensor, b: Tensor): Tensor {
  return elementwise('Div', a, b);
}

/** `a` times a literal number. */
export function scale(a: Tensor, factor: number): Tensor {
  return factor === 1 ? a : multiply(a, a.graph.scalar(factor));
}

/** `a` plus a literal number. */
export function offset(a: Tensor, addend: number): Tensor {
  return addend === 0 ? a : add(a, a.graph.scalar(addend));
}

/** `a` to the power of a literal number. */
export function power(a: Tensor, exponent: number): Tensor {
  return a.graph.node('Pow', [a, a.graph.scalar(exponent)], [a.shape])[0]!;
}

export function negate(a: Tensor): Tensor {
  return unary('Neg', a);
}

export function absolute(a: Tensor): Tensor {
  return unary('Abs', a);
}

export function exp(a: Tensor): Tensor {
  return unary('Exp', a);
}

export function log(a: Tensor): Tensor {
  return unary('Log', a);
}

export function squareRoot(a: Tensor): Tensor {
  return unary('Sqrt', a);
}

/** The error function. */
export function erf(a: Tensor): Tensor {
  return unary('Erf', a);
}

export function relu(a: Tensor): Tensor {
  return unary('Relu', a);
}

export function sigmoid(a: Tensor): Tensor {
  return unary('Sigmoid', a);
}

export function tanh(a: Tensor): Tensor {
  return unary('Tanh', a);
}

/** `a` where positive, `alpha (e^a - 1)` elsewhere. */
export function elu(a: Tensor, alpha = 1): Tensor {
  return a.graph.node('Elu', [a], [a.shape], { alpha: { float: alpha } })[0]!;
}

/** `a` limited to [low, high]. */
export function clip(a: Tensor, low: number, high: number): Tensor {
  return a.graph.node('Clip', [a, a.graph.scalar(low), a.graph.scalar(high)], [a.shape])[0]!;
}

/** 1 where `a > b`, and 0 elsewhere. */
export function greater(a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(a.shape, b.shape);
  const truth = a.graph.node('Greater', [a, b], [shape], {}, { type: 'bool' })[0]!;
  return a.graph.node('Cast', [truth], [shape], { to: 1 })[0]!;
}

/** 1 where `a > 0` and 0 elsewhere, in one pass: a line so steep that the least positive number is beyond its top. */
export function positive(a: Tensor): Tensor {
  return limitedLine(a, 3e38, 0);
}

/** 1 where `a <= 0` and 0 elsewhere. */
export function notPositive(a: Tensor): Tensor {
  return limitedLine(a, -3e38, 1);
}

/** `slope a + intercept`, limited to [0, 1]. */
function limitedLine(a: Tensor, slope: number, intercept: number): Tensor {
  return a.graph.node('HardSigmoid', [a], [a.shape], { alpha: { float: slope }, beta: { float: intercept } })[0]!;
}

export function minimum(a: Tensor, b: Tensor): Tensor {
  return elementwise('Min', a, b);
}

export function maximum(a: Tensor, b: Tensor): Tensor {
  return elementwise('Max', a, b);
}

/** One number per channel each. */
export interface AffineTerms {
  /** Subtracted first; by default nothing. */
  readonly mean?: Tensor;
  readonly factor: Tensor;
  /** Added last; by default nothing. */
  readonly shift?: Tensor;
}

/**
 * `(a - mean) factor + shift` per channel, in one pass where channels are on axis 1: batch normalization of variance 1
 * is just that.
 */
export function affine(a: Tensor, channelAxis: number, { mean, factor, shift }: AffineTerms): Tensor {
  const { graph } = a;
  const channels = a.shape[channelAxis]!;
  if (channelAxis !== 1) {
    const perChannel = a.shape.slice(channelAxis).map((_, i) => (i === 0 ? channels : 1));
    const each = (terms: Tensor): Tensor => reshape(terms, perChannel);
    const product = multiply(mean ? subtract(a, each(mean)) : a, each(factor));
    return shift ? add(product, each(shift)) : product;
  }
  const filled = (value: number): Tensor => graph.constant(new Float32Array(channels).fill(value), [channels]);
  const vector = (terms: Tensor | undefined): Tensor => (terms ? reshape(terms, [channels]) : filled(0));
  const inputs = [a, vector(factor), vector(shift), vector(mean), filled(1)];
  return graph.node('BatchNormalization', inputs, [a.shape], { epsilon: { float: 0 } })[0]!;
}

/** Softmax over the last axis. */
export function softmax(a: Tensor): Tensor {
  return a.graph.node('Softmax', [a], [a.shape], { axis: -1 })[0]!;
}

/** Logarithm of the softmax over the last axis. */
export function logSoftmax(a: Tensor): Tensor {
  return a.graph.node('LogSoftmax', [a], [a.shape], { axis: -1 })[0]!;
}

/** The same of operators that every GPU provider has: ONNX Runtime's for WebGPU would do it on the CPU, and wait for that. */
export function logSoftmaxInParts(a: Tensor): Tensor {
  const last = [a.shape.length - 1];
  return a.graph.composite('LogSoftmax', [a], { axis: -1 }, () => {
    const centred = subtract(a, largest(a, last));
    return { outputs: [subtract(centred, log(sum(exp(centred), last)))] };
  })[0]!;
}

/** Sum over `axes`; the summed axes stay, with size 1, unless `keep` is false. */
export function sum(a: Tensor, axes: readonly number[], keep = true): Tensor {
  return reduce('ReduceSum', a, axes, keep);
}

/** The largest element over `axes`. */
export function largest(a: Tensor, axes: readonly number[], keep = true): Tensor {
  return reduce('ReduceMax', a, axes, keep);
}

/** Sum of squares over `axes`. */
export function sumOfSquares(a: Tensor, axes: readonly number[], keep = true): Tensor {
  return reduce('ReduceSumSquare', a, axes, keep);
}

/**
 * The sum of `a b` over all axes but the channel's. Where each channel is one row, these are inner products,
 * and the products themselves are never written.
 */
export function channelProducts(a: Tensor, b: Tensor, channelAxis: number): Tensor {
  const channels = a.shape[channelAxis]!;
  if (channelAxis !== 1 || a.shape[0] !== 1) {
    const others = a.shape.flatMap((_, axis) => (axis === channelAxis ? [] : [axis]));
    return sum(multiply(a, b), others, false);
  }
  const rows = (tensor: Tensor): Tensor => reshape(tensor, [channels, 1, sizeOf(a.shape) / channels]);
  return reshape(matmul(rows(a), transpose(rows(b), [0, 2, 1])), [channels]);
}

/** Mean over `axes`. */
export function mean(a: Tensor, axes: readonly number[], keep = true): Tensor {
  return reduce('ReduceMean', a, axes, keep);
}

/** The same elements in another shape; at most one dimension may be dynamic. */
export function reshape(a: Tensor, shape: Shape): Tensor {
  if (sameShape(a.shape, shape)) return a;
  const known = (dimensions: Shape): number => sizeOf(dimensions.filter((size) => size !== DYNAMIC));
  const dynamic = (dimensions: Shape): number => dimensions.filter((size) => size === DYNAMIC).length;
  if (dynamic(shape) !== dynamic(a.shape) || dynamic(shape) > 1 || known(shape) !== known(a.shape)) {
    throw new ShapeError({
      problem: 'a reshape must keep the number of elements',
      expected: describeShape(shape),
      got: describeShape(a.shape),
    });
  }
  return a.graph.node('Reshape', [a, a.graph.integers(shape)], [shape])[0]!;
}

/** Axes in another order: axis `i` of the result is axis `order[i]` of `a`. */
export function transpose(a: Tensor, order: readonly number[]): Tensor {
  return a.graph.node('Transpose', [a], [order.map((axis) => a.shape[axis]!)], { perm: order })[0]!;
}

/** A matrix with rows and columns exchanged. */
export function turn(a: Tensor): Tensor {
  return transpose(a, [1, 0]);
}

/**
 * `a` repeated along its axes of size 1 until it has `shape`, which must be known. Where these are the last
 * axes, by a product with ones, which takes a fifth of the time.
 */
export function expand(a: Tensor, shape: Shape): Tensor {
  if (sameShape(a.shape, shape)) return a;
  const rows = sizeOf(a.shape);
  const firstRepeated = a.shape.length === shape.length ? shape.findIndex((size, i) => size !== a.shape[i]) : -1;
  if (rows > 1 && firstRepeated > 0 && a.shape.slice(firstRepeated).every((size) => size === 1)) {
    const columns = sizeOf(shape) / rows;
    const ones = a.graph.constant(new Float32Array(columns).fill(1), [1, columns]);
    return reshape(gemm(reshape(a, [rows, 1]), ones), shape);
  }
  return a.graph.node('Expand', [a, a.graph.integers(shape)], [broadcastShapes(a.shape, shape)])[0]!;
}

export interface GemmOptions {
  transposeA?: boolean;
  transposeB?: boolean;
}

/** `a b + c` for matrices, either one transposed first; `c` is a vector added to every row. */
export function gemm(a: Tensor, b: Tensor, c?: Tensor, options: GemmOptions = {}): Tensor {
  const { transposeA = false, transposeB = false } = options;
  const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const [inner2, columns] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner !== inner2) throw productError(a, b);
  const attributes = { transA: Number(transposeA), transB: Number(transposeB) };
  return a.graph.node('Gemm', c ? [a, b, c] : [a, b], [[rows!, columns!]], attributes)[0]!;
}

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** Parts a long sum is split into: ONNX Runtime gives threads whole sums, however long, of a small product. */
const PARTS = [8, 4, 2];
/** Shorter parts cost more than they save. */
const SHORTEST_PART = 256;

/**
 * a [m, k] times b [n, k] transposed, for k so much larger than m and n that the sums themselves are to be split among
 * threads. The parts are the same for any number of threads, and read where they lie. CPU only.
 */
export function longProduct(a: Tensor, b: Tensor): Tensor {
  const [m, k] = a.shape as [number, number];
  const n = b.shape[0]!;
  const parts = PARTS.find((count) => k % count === 0 && k / count >= SHORTEST_PART);
  if (parts === undefined) return gemm(a, b, undefined, { transposeB: true });
  const split = (t: Tensor) => reshape(t, [t.shape[0]!, parts, k / parts]);
  const attributes = { transB: 1, transBatchA: 1, transBatchB: 1 };
  const inputs = [split(a), split(b)];
  const products = a.graph.node('FusedMatMul', inputs, [[parts, m, n]], attributes, { domain: MICROSOFT })[0]!;
  return reshape(columnSums(reshape(products, [parts, m * n])), [m, n]);
}

/**
 * The sums of the columns of a matrix, `[rows, columns]` to `[columns]`, as a product with ones: in half of ReduceSum's
 * time or less, and shared by threads.
 */
export function columnSums(a: Tensor): Tensor {
  const [rows, columns] = a.shape as [number, number];
  const ones = a.graph.constant(new Float32Array(rows).fill(1), [1, rows]);
  return reshape(gemm(ones, a), [columns]);
}

/** Matrix product over the last two axes; the axes before them are equal, or `b` has none. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const rank = a.shape.length;
  const stacked = b.shape.length > 2;
  const fits = a.shape[rank - 1] === b.shape[b.shape.length - 2];
  const sameStack = !stacked || sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (rank < 2 || !fits || !sameStack) throw productError(a, b);
  return a.graph.node('MatMul', [a, b], [[...a.shape.slice(0, -1), b.shape[b.shape.length - 1]!]])[0]!;
}

/** Elements `from` up to, not including, `to` along one axis. */
export function slice(a: Tensor, axis: number, from: number, to: number): Tensor {
  if (from === 0 && to === a.shape[axis]) return a;
  const size = a.shape[axis]!;
  if (from < 0 || to > size || from >= to) {
    throw new ShapeError({
      problem: 'the slice does not lie within its axis',
      expected: `0 to ${size}`,
      got: `${from} to ${to}`,
    });
  }
  const shape = a.shape.map((length, i) => (i === axis ? to - from : length));
  const { graph } = a;
  return graph.node('Slice', [a, graph.integers([from]), graph.integers([to]), graph.integers([axis])], [shape])[0]!;
}

/** The elements of some axes in reverse order. */
export function reverse(a: Tensor, axes: readonly number[]): Tensor {
  const { graph } = a;
  const all = (value: number): Tensor => graph.integers(axes.map(() => value));
  return graph.node('Slice', [a, all(-1), all(-(2 ** 31)), graph.integers(axes), all(-1)], [a.shape])[0]!;
}

/** Every `step`-th element along one axis, from `from` on. */
export function strided(a: Tensor, axis: number, from: number, step: number): Tensor {
  const { graph } = a;
  const size = a.shape[axis]!;
  const shape = a.shape.map((length, i) => (i === axis ? Math.ceil((size - from) / step) : length));
  const bounds = [[from], [size], [axis], [step]].map((values) => graph.integers(values));
  return graph.node('Slice', [a, ...bounds], [shape])[0]!;
}

/** Zeros, or another value, added before and after, per axis; less than none cuts off. */
export function pad(a: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  if ([...before, ...after].every((count) => count === 0)) return a;
  const { graph } = a;
  const shape = a.shape.map((size, i) => (size === DYNAMIC ? size : size + before[i]! + after[i]!));
  const filling = value === 0 ? [] : [graph.scalar(value)];
  return graph.node('Pad', [a, graph.integers([...before, ...after]), ...filling], [shape])[0]!;
}

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  if (tensors.length === 1) return first!;
  const shape = first!.shape.map((size, i) =>
    i === axis ? tensors.reduce((total, tensor) => total + tensor.shape[axis]!, 0) : size,
  );
  return first!.graph.node('Concat', tensors, [shape], { axis })[0]!;
}

/** `a` cut along an axis into parts of the given sizes. */
export function split(a: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const shapes = sizes.map((size) => a.shape.map((length, i) => (i === axis ? size : length)));
  return a.graph.node('Split', [a, a.graph.integers(sizes)], shapes, { axis });
}

/** `a` with the axes that broadcasting would add or repeat summed away, so that it has `shape`. */
export function sumTo(a: Tensor, shape: Shape): Tensor {
  if (sameShape(a.shape, shape)) return a;
  const extra = a.shape.length - shape.length;
  const axes = a.shape.flatMap((size, i) => (i < extra || (shape[i - extra] === 1 && size !== 1) ? [i] : []));
  return reshape(axes.length > 0 ? sum(a, axes) : a, shape);
}

function unary(op: string, a: Tensor): Tensor {
  return a.graph.node(op, [a], [a.shape])[0]!;
}

function elementwise(op: string, a: Tensor, b: Tensor): Tensor {
  return a.graph.node(op, [a, b], [broadcastShapes(a.shape, b.shape)])[0]!;
}

/** Since operator set 18 all reductions take their axes as an input. */
function reduce(op: string, a: Tensor, axes: readonly number[], keep: boolean): Tensor {
  const kept = a.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const shape = keep ? kept : a.shape.filter((_, i) => !axes.includes(i));
  return a.graph.node(op, [a, a.graph.integers(axes)], [shape], { keepdims: Number(keep) })[0]!;
}

function productError(a: Tensor, b: Tensor): ShapeError {
  return new ShapeError({
    problem: 'the matrices cannot be multiplied',
    expected: 'inner sizes that are equal',
    got: `${describeShape(a.shape)} times ${describeShape(b.shape)}`,
  });
}
