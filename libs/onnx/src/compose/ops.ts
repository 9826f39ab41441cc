/** Operators by short names, for graphs that are built from tensors. Shapes follow numpy's rules for broadcasting. */
import type { GraphElement, GraphTensor } from '@prosodia/core';
import { ELEMENT } from '../fields.ts';
import { apply, applyAll, integers, scalar } from './tensor.ts';

export function cast(x: GraphTensor, to: GraphElement): GraphTensor {
  return x.element === to ? x : apply('Cast', [x], { to: { integer: ELEMENT[to] } }, to);
}

/** A number as a tensor of the other's element. */
function like(x: GraphTensor, value: GraphTensor | number): GraphTensor {
  if (typeof value !== 'number') return value;
  return x.element === 'int64' ? integers(value) : scalar(x.element === 'float64' ? 'float64' : 'float32', value);
}

type Operand = GraphTensor | number;

export const add = (a: GraphTensor, b: Operand) => apply('Add', [a, like(a, b)]);
export const sub = (a: GraphTensor, b: Operand) => apply('Sub', [a, like(a, b)]);
export const mul = (a: GraphTensor, b: Operand) => apply('Mul', [a, like(a, b)]);
/** Of whole numbers, towards zero. */
export const div = (a: GraphTensor, b: Operand) => apply('Div', [a, like(a, b)]);
export const maximum = (a: GraphTensor, b: Operand) => apply('Max', [a, like(a, b)]);
export const minimum = (a: GraphTensor, b: Operand) => apply('Min', [a, like(a, b)]);
export const power = (a: GraphTensor, b: Operand) => apply('Pow', [a, like(a, b)]);
export const matMul = (a: GraphTensor, b: GraphTensor) => apply('MatMul', [a, b]);

export const sqrt = (x: GraphTensor) => apply('Sqrt', [x]);
export const log = (x: GraphTensor) => apply('Log', [x]);
export const exp = (x: GraphTensor) => apply('Exp', [x]);
export const abs = (x: GraphTensor) => apply('Abs', [x]);
export const floor = (x: GraphTensor) => apply('Floor', [x]);
export const square = (x: GraphTensor) => apply('Mul', [x, x]);

export const less = (a: GraphTensor, b: Operand) => apply('Less', [a, like(a, b)], {}, 'bool');
export const greater = (a: GraphTensor, b: Operand) => apply('Greater', [a, like(a, b)], {}, 'bool');
export const atLeast = (a: GraphTensor, b: Operand) => apply('GreaterOrEqual', [a, like(a, b)], {}, 'bool');
export const equal = (a: GraphTensor, b: Operand) => apply('Equal', [a, like(a, b)], {}, 'bool');
export const and = (a: GraphTensor, b: GraphTensor) => apply('And', [a, b]);

/** `yes` where the condition holds, else `no`; one of them may be a number. */
export function where(condition: GraphTensor, yes: Operand, no: Operand): GraphTensor {
  const model = typeof yes === 'number' ? (no as GraphTensor) : yes;
  return apply('Where', [condition, like(model, yes), like(model, no)], {}, model.element);
}

export type Reduction = 'Sum' | 'Mean' | 'Max' | 'Min';

/** Over the axes, which stay with one entry each unless `keep` is false. */
export function reduce(how: Reduction, x: GraphTensor, axes: readonly number[], keep = true): GraphTensor {
  const keepdims = { integer: Number(keep) };
  return apply(`Reduce${how}`, [x, integers(axes)], { keepdims });
}

export const concat = (parts: readonly GraphTensor[], axis: number) =>
  parts.length === 1 ? parts[0]! : apply('Concat', parts, { axis: { integer: axis } });

/** Entries along an axis, by whole numbers of any shape. */
export const gather = (x: GraphTensor, indices: GraphTensor, axis: number) =>
  apply('Gather', [x, indices], { axis: { integer: axis } });

/** An entry for each index, which lies along the axis of a tensor of as many dimensions. */
export const gatherAlong = (x: GraphTensor, indices: GraphTensor, axis: number) =>
  apply('GatherElements', [x, indices], { axis: { integer: axis } });

/** Entries from `from` to before `to` along one axis. */
export const slice = (x: GraphTensor, from: number, to: number, axis: number) =>
  apply('Slice', [x, integers([from]), integers([to]), integers([axis])]);

/** To sizes of which one may be -1, for whatever is left. */
export const reshape = (x: GraphTensor, sizes: readonly number[] | GraphTensor) =>
  apply('Reshape', [x, Array.isArray(sizes) ? integers(sizes) : (sizes as GraphTensor)]);

export const unsqueeze = (x: GraphTensor, axes: readonly number[]) => apply('Unsqueeze', [x, integers(axes)]);
export const squeeze = (x: GraphTensor, axes: readonly number[]) => apply('Squeeze', [x, integers(axes)]);

export const transposed = (x: GraphTensor, order: readonly number[]) =>
  apply('Transpose', [x], { perm: { integers: order } });

/** Number of entries along an axis, without dimensions. */
export const size = (x: GraphTensor, axis: number) =>
  squeeze(apply('Shape', [x], { start: { integer: axis }, end: { integer: axis + 1 } }, 'int64'), [0]);

/** 0, 1, ... up to before a whole number without dimensions. */
export const counting = (count: GraphTensor) => apply('Range', [integers(0), count, integers(1)]);

/** A whole number without dimensions as a list of one. */
export const listed = (x: GraphTensor) => unsqueeze(x, [0]);

/** Running sums along an axis. */
export const runningSum = (x: GraphTensor, axis: number) => apply('CumSum', [x, integers(axis)]);

/** The largest `count` entries along an axis (or the smallest), in order; `count` is a list of one. */
export function sorted(x: GraphTensor, count: GraphTensor, axis: number, largest: boolean): GraphTensor {
  const attributes = { axis: { integer: axis }, largest: { integer: Number(largest) } };
  return applyAll('TopK', [x, count], 2, { attributes, elements: [x.element, 'int64'] })[0]!;
}

/** Place of the greatest entry along an axis, the first of equals. */
export const placeOfMaximum = (x: GraphTensor, axis: number) =>
  apply('ArgMax', [x], { axis: { integer: axis }, keepdims: { integer: 1 } }, 'int64');
