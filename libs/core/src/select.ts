/**
 * Order statistics without sorting: a few ranks of many values in linear time (Hoare's quickselect, several ranks
 * sharing their partitions).
 */

/**
 * Reorders finite `values` so that each of `ranks` holds what it would hold if they were sorted.
 *
 * @param ranks indices in increasing order
 */
export function selectRanks(values: Float32Array | Float64Array, ranks: readonly number[]): void {
  selectWithin(values, 0, values.length - 1, ranks);
}

function selectWithin(
  values: Float32Array | Float64Array,
  first: number,
  last: number,
  ranks: readonly number[],
): void {
  if (ranks.length === 0 || first >= last) return;
  const middle = ranks.length >> 1;
  const rank = ranks[middle]!;
  select(values, first, last, rank);
  selectWithin(values, first, rank - 1, ranks.slice(0, middle));
  selectWithin(values, rank + 1, last, ranks.slice(middle + 1));
}

/** Puts the value of one rank in its place, smaller or equal ones before it, greater or equal ones behind it. */
function select(values: Float32Array | Float64Array, first: number, last: number, rank: number): void {
  let [low, high] = [first, last];
  while (low < high) {
    const pivot = medianOfThree(values[low]!, values[(low + high) >> 1]!, values[high]!);
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i <= j) {
        const value = values[i]!;
        values[i++] = values[j]!;
        values[j--] = value;
      }
    }
    // Now [low, j] <= pivot <= [i, high], and what lies between the two is equal to it.
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else return;
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
