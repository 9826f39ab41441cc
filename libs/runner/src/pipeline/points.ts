/** The points over which a stage fans out: the product of its axes, without what is excluded, with what is included. */
import type { Axes, AxisValue, Point, Rules } from './axes.ts';

/**
 * @param names axes of the stage, in the order of the file; all with known values
 * @returns one point per instance, the last axis changing first; a stage without axes has one, empty, point
 */
export function pointsOf(names: readonly string[], axes: Axes): Point[] {
  let points: Point[] = [{}];
  for (const name of names) {
    const values = baseValues(axes, name);
    points = points.flatMap((point) => values.map(({ label }) => ({ ...point, [name]: label })));
  }
  const rules = rulesFor(names, axes.rules);
  if (rules.exclude.length > 0) points = points.filter((point) => !rules.exclude.some((rule) => fits(point, rule)));
  if (rules.include.length === 0) return points;
  const known = new Map(points.map((point) => [signature(names, point), point]));
  for (const included of rules.include) {
    let added: Point[] = [{}];
    for (const name of names) {
      const labels = included[name] === undefined ? baseValues(axes, name).map(({ label }) => label) : [included[name]];
      added = added.flatMap((point) => labels.map((label) => ({ ...point, [name]: label })));
    }
    for (const point of added) known.set(signature(names, point), point);
  }
  return [...known.values()];
}

/** A rule speaks of a stage that has all of its axes; what is included, of one that has any. */
function rulesFor(names: readonly string[], { exclude, include }: Rules): Rules {
  return {
    exclude: exclude.filter((rule) => Object.keys(rule).every((name) => names.includes(name))),
    include: include.filter((point) => Object.keys(point).some((name) => names.includes(name))),
  };
}

function baseValues({ all }: Axes, name: string): AxisValue[] {
  const { values = [], base, counted } = all.get(name)!;
  return counted ? values : values.slice(0, base);
}

function fits(point: Point, rule: Rules['exclude'][number]): boolean {
  return Object.entries(rule).every(([name, labels]) => labels.includes(point[name]!));
}

/** Equal for points that agree on the axes named. */
export function signature(names: readonly string[], point: Point): string {
  return names.map((name) => point[name]).join(',');
}

/** `network[feature=mel,fold=2]`; the stage's own name where there is no axis. */
export function instanceName(stage: string, names: readonly string[], point: Point): string {
  if (names.length === 0) return stage;
  return `${stage}[${names.map((name) => `${name}=${point[name]}`).join(',')}]`;
}
