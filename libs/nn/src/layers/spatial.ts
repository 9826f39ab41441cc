/** What convolution and pooling share: sizes given once or per axis, padding, and the check of axes. */
import { Type } from '@prosodia/core';
import { ShapeError, describeShape, type Shape } from '../graph.ts';
import { shapeOf, type Value } from './layer.ts';

export type SizeValue = number | readonly number[];
export type PaddingName = 'valid' | 'same' | 'causal';

/** A whole number, or for two axes also one per axis. */
export function sizeOption(rank: 1 | 2, fallback: number | undefined, description: string) {
  const options = { description, ...(fallback === undefined ? {} : { default: fallback }) };
  const single = Type.Integer({ minimum: 1, ...options });
  const each = Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2, maxItems: 2 });
  return Type.Unsafe<number | number[]>(
    rank === 1 ? single : Type.Union([Type.Integer({ minimum: 1 }), each], options),
  );
}

export function paddingOption(rank: 1 | 2) {
  const causal = '; causal: only before, so that no output sees what comes after it';
  const names: PaddingName[] = rank === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same'];
  const description = `valid: no padding; same: as many outputs as inputs (with stride 1)${rank === 1 ? causal : ''}.`;
  return Type.Optional(Type.Unsafe<PaddingName>(Type.Enum(names, { default: 'valid', description })));
}

export function perAxis(value: SizeValue, rank: number): readonly number[] {
  return typeof value === 'number' ? Array.from({ length: rank }, () => value) : value;
}

/** Sizes of the spatial axes. Throws a ShapeError unless the value has `rank` of them and channels. */
export function spatialShape(value: Value, rank: number): Shape {
  const shape = shapeOf(value);
  if (shape.length !== rank + 1) {
    throw new ShapeError({
      problem: 'the number of axes does not fit',
      expected: rank === 1 ? 'steps x channels' : 'height x width x channels',
      got: describeShape(shape),
      fix: 'add a reshape layer before it',
    });
  }
  return shape.slice(0, rank);
}
