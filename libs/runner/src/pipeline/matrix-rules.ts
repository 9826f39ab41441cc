/** `exclude` and `include` of a matrix: combinations that are left out, and combinations that are added. */
import type { Axis, Point, Rules } from './axes.ts';
import { labelOf, plainLabel } from './axis-values.ts';
import { type YamlMap, didYouMean, isMap, show } from './checks.ts';
import type { YamlPath, YamlSource } from './source.ts';

type KnownAxes = ReadonlyMap<string, Axis>;

/**
 * Reads `exclude`.
 * @param raw with variables filled in
 * @param names axes of the matrix in which it stands
 * @throws RequestError for axes and values that are not there
 */
export function readExclude(
  source: YamlSource,
  path: YamlPath,
  raw: unknown,
  names: readonly string[],
  all: KnownAxes,
): Rules['exclude'] {
  const exclude: Record<string, string[]>[] = [];
  for (const [i, point] of readRules(source, path, raw).entries()) {
    const rule: Record<string, string[]> = {};
    for (const [name, given] of Object.entries(point)) {
      const at = [...path, i, name];
      const axis = axisOfRule(source, all, at, name, names);
      rule[name] = (Array.isArray(given) ? given : [given]).map((value) => labelIn(source, at, axis, value));
    }
    exclude.push(rule);
  }
  return exclude;
}

/**
 * Reads `include`; values that are new are added to their axes.
 * @param raw with variables filled in
 * @param names axes of the matrix in which it stands
 * @throws RequestError for axes that are not there
 */
export function readInclude(
  source: YamlSource,
  path: YamlPath,
  raw: unknown,
  names: readonly string[],
  all: KnownAxes,
): Point[] {
  const include: Point[] = [];
  for (const [i, given] of readRules(source, path, raw).entries()) {
    const point: Record<string, string> = {};
    for (const [name, value] of Object.entries(given)) {
      const at = [...path, i, name];
      const axis = axisOfRule(source, all, at, name, names);
      const values = axis.values!;
      const entry = isMap(value)
        ? Object.entries(value).map(([label, inner]) => ({ label: plainLabel(label), value: inner }))[0]!
        : { label: labelOf(value, 0), value };
      const existing = values.find(({ label }) => label === entry.label);
      if (!existing) {
        // A new name among values that are maps says nothing of its value: most likely it is misspelt.
        if (!isMap(value) && values.some((other) => isMap(other.value))) labelIn(source, at, axis, value);
        values.push(entry);
      }
      point[name] = entry.label;
    }
    include.push(point);
  }
  return include;
}

function readRules(source: YamlSource, path: YamlPath, raw: unknown): YamlMap[] {
  if (Array.isArray(raw) && raw.every((point) => isMap(point) && Object.keys(point).length > 0)) {
    return raw as YamlMap[];
  }
  throw source.error(path, {
    problem: `${path.at(-1)} has the wrong form`,
    expected: 'a list of points: [{ axis: value, ... }, ...]',
    got: show(raw),
  });
}

function axisOfRule(source: YamlSource, all: KnownAxes, path: YamlPath, name: string, names: readonly string[]): Axis {
  const axis = all.get(name);
  if (axis?.values && !axis.choosing) return axis;
  const known = [...new Set([...names, ...all.keys()])];
  throw source.error(
    path,
    {
      problem: `there is no axis ${name}`,
      expected: `one of: ${known.join(', ')}`,
      got: name,
      ...didYouMean(name, known),
    },
    'key',
  );
}

function labelIn(source: YamlSource, path: YamlPath, axis: Axis, value: unknown): string {
  const label = labelOf(value, 0);
  const labels = axis.values!.map((known) => known.label);
  if (labels.includes(label)) return label;
  throw source.error(path, {
    problem: `axis ${axis.name} has no value ${label}`,
    expected: `one of: ${labels.join(', ')}`,
    got: show(value),
    ...didYouMean(label, labels),
  });
}
