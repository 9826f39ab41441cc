/** The operators of the interpreter, one entry each, from their definitions in the ONNX specification. */
import { broadcastShapes, sameShape, type GraphNode, type Shape } from '../graph.ts';
import type { Kernel } from './interpreter.ts';
import { array, generate, offsetOf, valueOr, type NumberArray } from './arrays.ts';
import { recurrentKernels } from './recurrent-kernels.ts';
import { spatialKernels } from './spatial-kernels.ts';

export const kernels: Readonly<Record<string, Kernel>> = {
  ...spatialKernels,
  ...recurrentKernels,
  Split: ([a, sizes], node) => {
    const axis = node.attributes['axis'] as number;
    let from = 0;
    return Array.from(sizes!.data, (size) => {
      const start = from;
      from += size;
      const shape = a!.shape.map((n, i) => (i === axis ? size : n));
      return generate(shape, (index) =>
        valueOr(
          0,
          a!,
          index.map((k, i) => (i === axis ? k + start : k)),
        ),
      );
    });
  },
  Identity: ([a]) => [a!],
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Pow: binary((a, b) => a ** b),
  Min: binary(Math.min),
  Max: binary(Math.max),
  Greater: binary((a, b) => Number(a > b)),
  Abs: unary(Math.abs),
  Neg: unary((a) => -a),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Erf: unary(erf),
  Relu: unary((a) => Math.max(a, 0)),
  HardSigmoid: ([a], node) => [
    map(a!, (x) => Math.min(Math.max(floatOf(node, 'alpha') * x + floatOf(node, 'beta'), 0), 1)),
  ],
  Sigmoid: unary((a) => 1 / (1 + Math.exp(-a))),
  Tanh: unary(Math.tanh),
  Elu: ([a], node) => [map(a!, (x) => (x > 0 ? x : floatOf(node, 'alpha') * Math.expm1(x)))],
  Clip: ([a, low, high]) => [map(a!, (x) => Math.min(Math.max(x, low!.data[0]!), high!.data[0]!))],
  Cast: ([a], node) => [map(a!, (x) => (node.attributes['to'] === 9 ? Number(x !== 0) : x))],
  Softmax: ([a]) => [alongLast(a!, (row) => normalized(row.map((x) => Math.exp(x - Math.max(...row)))))],
  LogSoftmax: ([a]) => [
    alongLast(a!, (row) => {
      const highest = Math.max(...row);
      const total = row.reduce((sofar, x) => sofar + Math.exp(x - highest), 0);
      return row.map((x) => x - highest - Math.log(total));
    }),
  ],
  ReduceSum: reduction((values) => values.reduce((total, x) => total + x, 0)),
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceMean: reduction((values) => values.reduce((total, x) => total + x, 0) / values.length),
  ReduceSumSquare: reduction((values) => values.reduce((total, x) => total + x * x, 0)),
  Reshape: ([a, shape]) => [{ shape: Array.from(shape!.data), data: a!.data }],
  Expand: ([a, target]) => {
    const shape = broadcastShapes(a!.shape, Array.from(target!.data));
    return [generate(shape, (index) => a!.data[broadcastOffset(a!.shape, index)]!)];
  },
  Transpose: ([a], node) => {
    const order = node.attributes['perm'] as readonly number[];
    const shape = order.map((axis) => a!.shape[axis]!);
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [
      generate(
        shape,
        (index) =>
          a!.data[
            offsetOf(
              a!.shape,
              inverse.map((axis) => index[axis]!),
            )
          ]!,
      ),
    ];
  },
  Gemm: ([a, b, c], node) => {
    const left = node.attributes['transA'] === 1 ? transposed(a!) : a!;
    const right = node.attributes['transB'] === 1 ? transposed(b!) : b!;
    const product = matrixProduct(left, right);
    return [c ? binary((x, y) => x + y)([product, c], node)[0]! : product];
  },
  MatMul: ([a, b]) => [matrixProduct(a!, b!)],
  Slice: ([a, from, to, axes, steps]) => {
    const rank = a!.shape.length;
    const first = Array.from({ length: rank }, () => 0);
    const step = Array.from({ length: rank }, () => 1);
    const shape = [...a!.shape];
    axes!.data.forEach((axis, i) => {
      const size = a!.shape[axis]!;
      const by = steps?.data[i] ?? 1;
      const start = from!.data[i]! < 0 ? from!.data[i]! + size : from!.data[i]!;
      const end = by < 0 ? Math.max(to!.data[i]!, -1) : Math.min(to!.data[i]!, size);
      first[axis] = start;
      step[axis] = by;
      shape[axis] = Math.ceil((end - start) / by);
    });
    return [
      generate(shape, (index) =>
        valueOr(
          0,
          a!,
          index.map((i, axis) => first[axis]! + i * step[axis]!),
        ),
      ),
    ];
  },
  Pad: ([a, pads, filling]) => {
    const rank = a!.shape.length;
    const shape = a!.shape.map((size, axis) => size + pads!.data[axis]! + pads!.data[axis + rank]!);
    return [
      generate(shape, (index) =>
        valueOr(
          filling?.data[0] ?? 0,
          a!,
          index.map((i, axis) => i - pads!.data[axis]!),
        ),
      ),
    ];
  },
  Concat: (inputs, node) => {
    const axis = node.attributes['axis'] as number;
    const shape = inputs[0]!.shape.map((size, i) =>
      i === axis ? inputs.reduce((total, input) => total + input.shape[axis]!, 0) : size,
    );
    return [
      generate(shape, (index) => {
        const inner = [...index];
        for (const input of inputs) {
          if (inner[axis]! < input.shape[axis]!) return input.data[offsetOf(input.shape, inner)]!;
          inner[axis]! -= input.shape[axis]!;
        }
        throw new RangeError('outside of all parts');
      }),
    ];
  },
  LayerNormalization: ([x], node) => layerNormalization(x!, node),
  BatchNormalization: ([x, gamma, beta, mean, variance], node) => {
    const moments = node.attributes['training_mode'] === 1 ? channelMoments(x!) : [mean!, variance!];
    const y = generate(x!.shape, (index) => {
      const c = index[1]!;
      const normal =
        (x!.data[offsetOf(x!.shape, index)]! - moments[0]!.data[c]!) /
        Math.sqrt(moments[1]!.data[c]! + floatOf(node, 'epsilon'));
      return normal * gamma!.data[c]! + beta!.data[c]!;
    });
    return [y, ...moments];
  },
};

function broadcastOffset(shape: Shape, index: readonly number[]): number {
  const extra = index.length - shape.length;
  return shape.reduce((offset, size, axis) => offset * size + (size === 1 ? 0 : index[axis + extra]!), 0);
}

function map(a: NumberArray, change: (x: number) => number): NumberArray {
  return { shape: a.shape, data: a.data.map(change) };
}

function unary(change: (x: number) => number): Kernel {
  return ([a]) => [map(a!, change)];
}

function binary(combine: (a: number, b: number) => number): Kernel {
  return ([a, b]) => [
    sameShape(a!.shape, b!.shape)
      ? { shape: a!.shape, data: a!.data.map((x, i) => combine(x, b!.data[i]!)) }
      : generate(broadcastShapes(a!.shape, b!.shape), (index) =>
          combine(a!.data[broadcastOffset(a!.shape, index)]!, b!.data[broadcastOffset(b!.shape, index)]!),
        ),
  ];
}

function reduction(combine: (values: readonly number[]) => number): Kernel {
  return ([a, axes], node) => {
    const reduced = new Set(axes!.data);
    const kept = a!.shape.map((size, axis) => (reduced.has(axis) ? 1 : size));
    const groups: number[][] = Array.from({ length: kept.reduce((n, size) => n * size, 1) }, () => []);
    generate(a!.shape, (index) => {
      groups[broadcastOffset(kept, index)]!.push(a!.data[offsetOf(a!.shape, index)]!);
      return 0;
    });
    const shape = node.attributes['keepdims'] === 1 ? kept : a!.shape.filter((_, axis) => !reduced.has(axis));
    return [{ shape, data: Float64Array.from(groups, combine) }];
  };
}

function alongLast(a: NumberArray, change: (row: Float64Array) => Float64Array): NumberArray {
  const width = a.shape[a.shape.length - 1]!;
  const data = new Float64Array(a.data.length);
  for (let from = 0; from < data.length; from += width) data.set(change(a.data.slice(from, from + width)), from);
  return { shape: a.shape, data };
}

function normalized(row: Float64Array): Float64Array {
  const total = row.reduce((sofar, x) => sofar + x, 0);
  return row.map((x) => x / total);
}

function transposed(a: NumberArray): NumberArray {
  return generate([a.shape[1]!, a.shape[0]!], ([row, column]) => a.data[column! * a.shape[1]! + row!]!);
}

function matrixProduct(a: NumberArray, b: NumberArray): NumberArray {
  const inner = a.shape[a.shape.length - 1]!;
  const shape = [...a.shape.slice(0, -1), b.shape[b.shape.length - 1]!];
  return generate(shape, (index) => {
    const stack = b.shape.length > 2 ? index.slice(0, -2) : [];
    let total = 0;
    for (let k = 0; k < inner; k++) {
      const left = a.data[offsetOf(a.shape, [...index.slice(0, -1), k])]!;
      total += left * b.data[offsetOf(b.shape, [...stack, k, index[index.length - 1]!])]!;
    }
    return total;
  });
}

/** Mean and variance of each channel, on axis 1. */
function channelMoments(x: NumberArray): readonly NumberArray[] {
  const values: number[][] = Array.from({ length: x.shape[1]! }, () => []);
  generate(x.shape, (index) => values[index[1]!]!.push(x.data[offsetOf(x.shape, index)]!));
  const means = values.map((all) => all.reduce((total, value) => total + value, 0) / all.length);
  const variances = values.map((all, c) => all.reduce((total, v) => total + (v - means[c]!) ** 2, 0) / all.length);
  return [means, variances].map((data) => array([values.length], data));
}

export function floatOf(node: GraphNode, name: string): number {
  return (node.attributes[name] as { float: number }).float;
}

/** Values along the last axis with mean 0 and deviation 1, and the mean and 1 / deviation of each row. */
function layerNormalization(x: NumberArray, node: GraphNode): readonly NumberArray[] {
  const width = x.shape[x.shape.length - 1]!;
  const rows = Array.from({ length: x.data.length / width }, (_, i) => x.data.slice(i * width, (i + 1) * width));
  const means = rows.map((row) => row.reduce((total, value) => total + value, 0) / width);
  const inverses = rows.map((row, i) => {
    const variance = row.reduce((total, value) => total + (value - means[i]!) ** 2, 0) / width;
    return 1 / Math.sqrt(variance + floatOf(node, 'epsilon'));
  });
  const y = rows.flatMap((row, i) => Array.from(row, (value) => (value - means[i]!) * inverses[i]!));
  const perRow = [...x.shape.slice(0, -1), 1];
  return [array(x.shape, y), array(perRow, means), array(perRow, inverses)];
}

/** By its power series, and 1 far out, where the series loses its digits. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
