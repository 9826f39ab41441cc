/**
 * Labels as class indices.
 *
 * Metrics, weights and networks work on indices into a list of classes; only the edges know names. The list
 * is sorted as Python sorts strings (by code point), so an encoder made here and one made by scikit-learn's
 * LabelEncoder number the classes alike.
 */
import { DataError, nearest } from '@prosodia/core';

/** The different labels, sorted by code point. */
export function sortedClasses(labels: Iterable<string>): string[] {
  return [...new Set(labels)].sort(compareCodePoints);
}

/**
 * Index of each label in `classes`.
 *
 * @param classes default: the sorted classes of the labels themselves
 * @throws DataError naming a label that is not among `classes`, or a class listed twice
 */
export function encodeLabels(
  labels: readonly string[],
  classes: readonly string[] = sortedClasses(labels),
): { classes: string[]; indices: Int32Array } {
  const indexOf = classIndex(classes);
  const indices = Int32Array.from(labels, (label, row) => {
    const index = indexOf.get(label);
    if (index === undefined) throw unseen(label, row, classes);
    return index;
  });
  return { classes: [...classes], indices };
}

/** The label of each index. Throws a DataError for an index outside `classes`. */
export function decodeLabels(indices: ArrayLike<number>, classes: readonly string[]): string[] {
  requireClassIndices(indices, classes.length, 'an encoded label');
  return Array.from(indices, (index) => classes[index]!);
}

/**
 * Checks that every value is a class index.
 *
 * @throws DataError naming the row
 */
export function requireClassIndices(indices: ArrayLike<number>, classes: number, what: string): void {
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row]!;
    if (!(Number.isInteger(index) && index >= 0 && index < classes)) {
      throw new DataError({
        problem: `${what} is not a class index`,
        expected: `a whole number from 0 to ${classes - 1}`,
        got: `${index} in row ${row}`,
      });
    }
  }
}

/** Orders strings by Unicode code point, as Python does; `<` orders by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = codePointRank(a.charCodeAt(i)) - codePointRank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others, but units from U+E000 on lie above surrogates: swap the two. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function classIndex(classes: readonly string[]): Map<string, number> {
  const indexOf = new Map(classes.map((label, index) => [label, index]));
  if (indexOf.size !== classes.length) {
    const twice = classes.find((label, index) => classes.indexOf(label) !== index);
    throw new DataError({
      problem: 'a class is listed twice',
      expected: 'each class once',
      got: JSON.stringify(twice),
    });
  }
  return indexOf;
}

function unseen(label: string, row: number, classes: readonly string[]): DataError {
  const near = nearest(label, classes);
  return new DataError({
    problem: `label ${JSON.stringify(label)} was not seen when the classes were fitted`,
    expected: `one of ${classes.join(', ')}`,
    got: `${JSON.stringify(label)} in row ${row}`,
    ...(near === undefined ? {} : { fix: `did you mean ${JSON.stringify(near)}?` }),
  });
}
