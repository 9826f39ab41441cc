/** What is done to features after they are computed, as part of an ONNX graph. */
import { type ComposedFeatures, RequestError } from '@prosodia/core';
import { byRecording, cast, concat, embed, reduce, reshape, sqrt, square, sub } from '@prosodia/onnx';
import type { Functional } from '../aggregate.ts';

/**
 * Features after a model of `transformsToOnnx`.
 * @param columns that it gives; default: as many as it takes, in the same shape
 */
export function transformed(model: Uint8Array, features: ComposedFeatures, columns?: number): ComposedFeatures {
  const { values, shape } = features;
  const flat = shape.length === 1 ? values : reshape(values, [-1, shape.reduce((a, b) => a * b, 1)]);
  const result = embed(model, { features: flat }, 'transformed');
  if (columns !== undefined) return { ...features, values: result, shape: [columns] };
  return { ...features, values: shape.length === 1 ? result : reshape(result, [-1, ...shape]) };
}

/** Functionals over the segments of each recording, all columns of the first before those of the second. */
export function aggregated(features: ComposedFeatures, functionals: readonly Functional[]): ComposedFeatures {
  const { values, shape, parts } = features;
  const [width = 0] = shape;
  const segments = cast(byRecording(values, requireParts(parts)), 'float64');
  const over = functionals.map((name) => {
    if (name === 'min') return reduce('Min', segments, [1], false);
    if (name === 'max') return reduce('Max', segments, [1], false);
    if (name === 'mean') return reduce('Mean', segments, [1], false);
    return sqrt(reduce('Mean', square(sub(segments, reduce('Mean', segments, [1]))), [1], false));
  });
  const joined = cast(concat(over, 1), 'float32');
  return { kind: 'features', values: joined, shape: [width * functionals.length], parts: undefined };
}

function requireParts(parts: ComposedFeatures['parts']): NonNullable<ComposedFeatures['parts']> {
  if (parts) return parts;
  throw new RequestError({ problem: 'there are no segments to summarize', expected: 'a segment stage before' });
}

/** Columns side by side. Throws a RequestError for features that are not of the same items, or no named columns. */
export function joined(tables: readonly ComposedFeatures[]): ComposedFeatures {
  const [first] = tables;
  if (!first || tables.some(({ shape, parts }) => shape.length !== 1 || parts !== first.parts)) {
    throw new RequestError({ problem: 'features of different items cannot be put side by side' });
  }
  const values = concat(
    tables.map((table) => table.values),
    1,
  );
  return { ...first, values, shape: [tables.reduce((sum, { shape }) => sum + shape[0]!, 0)] };
}
