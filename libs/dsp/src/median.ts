/** The median without sorting: what lies in the middle is found in time proportional to the number of values. */
import { selectRanks } from '@prosodia/core';

/** The median of finite numbers, rounded to float32 as numpy's is; NaN of none. Reorders them. */
export function medianOf(values: Float32Array): number {
  const { length } = values;
  if (length === 0) return NaN;
  const middle = length >> 1;
  if (length % 2 === 1) {
    selectRanks(values, [middle]);
    return values[middle]!;
  }
  selectRanks(values, [middle - 1, middle]);
  return Math.fround(Math.fround(values[middle - 1]! + values[middle]!) / 2);
}
