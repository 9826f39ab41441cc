/** The median without sorting: what lies in the middle is found in time proportional to the number of values. */

/** The value that would be at place `k` of the sorted values; reorders them so that none before it is larger. */
function select(values: Float32Array, k: number): number {
  let low = 0;
  let high = values.length - 1;
  // Hoare's selection, parted at the middle value, which does well on what is sorted already.
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k]!;
}

/** The median of finite numbers, rounded to float32 as numpy's is; NaN of none. Reorders them. */
export function medianOf(values: Float32Array): number {
  const { length } = values;
  const middle = length >> 1;
  const above = select(values, middle);
  if (length === 0) return NaN;
  if (length % 2 === 1) return above;
  let below = values[0]!;
  for (let i = 1; i < middle; i++) if (values[i]! > below) below = values[i]!;
  return Math.fround(Math.fround(below + above) / 2);
}
