/** Values of an axis and their labels, which are part of names of instances and of folders. */
import type { AxisValue } from './axes.ts';
import { isMap, show } from './checks.ts';
import type { YamlPath, YamlSource } from './source.ts';

export const MOST_VALUES = 10_000;

/**
 * The values of one axis, each with its label.
 * @throws RequestError for none, too many, or two of one name
 */
export function readValues(source: YamlSource, path: YamlPath, axis: string, raw: unknown): AxisValue[] {
  const values: AxisValue[] = Array.isArray(raw)
    ? raw.map((value, i) => ({ label: labelOf(value, i), value: value as unknown }))
    : isMap(raw)
      ? Object.entries(raw).map(([label, value]) => ({ label: plainLabel(label), value }))
      : [];
  if (values.length === 0) {
    throw source.error(path, {
      problem: `axis ${axis} has no values`,
      expected: '[value, ...], or { name: { ... }, ... }',
      got: show(raw),
    });
  }
  checkCount(source, path, axis, values.length);
  const seen = new Map<string, number>();
  for (const [i, entry] of values.entries()) {
    const first = seen.get(entry.label);
    if (first !== undefined) {
      const same = JSON.stringify(values[first]!.value) === JSON.stringify(entry.value);
      throw source.error(Array.isArray(raw) ? [...path, i] : path, {
        problem: same ? `axis ${axis} has the same value twice` : `two values of axis ${axis} would have the same name`,
        expected: same ? 'each value once' : '{ name: { ... }, ... }, so that each value has a name of its own',
        got: same ? show(entry.value) : `${entry.label} for ${show(values[first]!.value)} and ${show(entry.value)}`,
      });
    }
    seen.set(entry.label, i);
  }
  if (axis === 'seed') {
    const wrong = values.findIndex(({ value }) => !Number.isSafeInteger(value));
    if (wrong >= 0) {
      throw source.error(Array.isArray(raw) ? [...path, wrong] : path, {
        problem: 'a seed is a whole number',
        expected: 'a whole number',
        got: show(values[wrong]!.value),
      });
    }
  }
  return values;
}

/** A value's name: itself, or for a map its field `name`, else its place in the list. */
export function labelOf(value: unknown, index: number): string {
  if (isMap(value)) return typeof value['name'] === 'string' ? plainLabel(value['name']) : String(index);
  return plainLabel(Array.isArray(value) ? value.join('-') : String(value));
}

/** Labels are part of folder names and are typed in terminals. */
export function plainLabel(text: string): string {
  return text.replace(/[^\w.+-]+/g, '-').slice(0, 60) || '-';
}

/** @throws RequestError for more values than an axis may have */
export function checkCount(source: YamlSource, path: YamlPath, name: string, count: number): void {
  if (count <= MOST_VALUES) return;
  throw source.error(path, {
    problem: `axis ${name} has too many values`,
    expected: `at most ${MOST_VALUES}`,
    got: String(count),
  });
}
