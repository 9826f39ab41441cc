/** Class weights, by scikit-learn's rule for `class_weight`. */
import { DataError, RequestError, nearest } from '@prosodia/core';
import { requireClassIndices } from './labels.ts';

/** `none`: all 1. `balanced`: rows / (classes * rows of the class). A map: weight by class name, others 1. */
export type ClassWeightSpec = 'none' | 'balanced' | Readonly<Record<string, number>>;

/**
 * One weight per class, in the order of `classes`.
 *
 * @param truth class index of each training row
 * @throws DataError if `balanced` finds a class without rows (its weight would be infinite)
 * @throws RequestError if the map names an unknown class or holds a weight that is negative or not finite
 */
export function classWeights(
  truth: ArrayLike<number>,
  classes: readonly string[],
  spec: ClassWeightSpec,
): Float64Array {
  requireClassIndices(truth, classes.length, 'a true label');
  if (spec === 'none') return new Float64Array(classes.length).fill(1);
  if (spec === 'balanced') return balanced(truth, classes);
  for (const [name, weight] of Object.entries(spec)) {
    if (!classes.includes(name)) {
      const near = nearest(name, classes);
      throw new RequestError({
        problem: `class weight for unknown class ${JSON.stringify(name)}`,
        expected: `one of ${classes.join(', ')}`,
        got: JSON.stringify(name),
        ...(near === undefined ? {} : { fix: `did you mean ${JSON.stringify(near)}?` }),
      });
    }
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new RequestError({
        problem: `the weight of class ${JSON.stringify(name)} is not a weight`,
        expected: 'a finite number, 0 or more',
        got: String(weight),
      });
    }
  }
  return Float64Array.from(classes, (name) => (Object.hasOwn(spec, name) ? spec[name]! : 1));
}

function balanced(truth: ArrayLike<number>, classes: readonly string[]): Float64Array {
  const counts = new Float64Array(classes.length);
  for (let i = 0; i < truth.length; i++) counts[truth[i]!]!++;
  const absent = classes.filter((_, index) => counts[index] === 0);
  if (absent.length > 0) {
    throw new DataError({
      problem: 'balanced class weights need every class among the training rows',
      expected: `at least one row of each of ${classes.join(', ')}`,
      got: `no row of ${absent.join(', ')}`,
      fix: 'stratify the split, or give the weights explicitly',
    });
  }
  return counts.map((count) => truth.length / (classes.length * count));
}
