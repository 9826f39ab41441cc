/**
 * Axes: names with several values, over which stages fan out.
 *
 * `matrix` lists the values, `foreach` takes them from what a stage reports, `search` draws them. An axis is one
 * thing in the whole file, wherever it is declared: two stages that have it are matched value by value.
 */
import { type YamlMap, asMap, checkKeys, didYouMean, isMap, show } from './checks.ts';
import { drawPoints, gridPoints, readSpace } from './search.ts';
import type { YamlPath, YamlSource } from './source.ts';
import { type Scope, fill } from './variables.ts';

export interface AxisValue {
  /** As in names of instances: `network[feature=mel]`. */
  label: string;
  value: unknown;
}

/** How the winner of a search is found. */
export interface Choosing {
  /** Stage whose instances are judged, and the number it reports. */
  stage: string;
  metric: string;
  mode: 'max' | 'min';
  /** Axes over which the metric is averaged before choosing. */
  meanOver: readonly string[];
}

/** Where the values of a `foreach` come from: a stage reports a count n, the values are 0 to n - 1. */
export interface Counted {
  stage: string;
  metric: string;
}

export interface Axis {
  name: string;
  /** Where it is declared. */
  path: YamlPath;
  /** Declared for the whole file: a stage that mentions it has it. Otherwise only those that name or inherit it. */
  global: boolean;
  /** Undefined for a `foreach` whose stage has not run yet. */
  values: AxisValue[] | undefined;
  /** Values that multiply with other axes; those after them come in points that `include` adds. */
  base: number;
  counted?: Counted;
  choosing?: Choosing;
}

/** Labels by axis: a point, or a part of one. */
export type Point = Readonly<Record<string, string>>;

/** Which points of a product are left out, and which are added. */
export interface Rules {
  exclude: readonly Readonly<Record<string, readonly string[]>>[];
  include: readonly Point[];
}

export interface Axes {
  /** In the order of the file. */
  all: ReadonlyMap<string, Axis>;
  rules: Rules;
}

const SEARCH_KEYS = ['name', 'strategy', 'trials', 'space', 'points', 'metric', 'mode', 'on', 'mean_over', 'seed'];
const DEFAULT_SEARCH_AXIS = 'trial';
const MOST_VALUES = 10_000;

/** Gathers axes while a file is read. */
export class AxisReader {
  readonly #source: YamlSource;
  readonly #vars: Scope;
  readonly #seed: number;
  readonly #axes = new Map<string, Axis>();
  readonly #exclude: Record<string, string[]>[] = [];
  readonly #include: Point[] = [];

  /** @param vars the variables of the pipeline, which values may use */
  constructor(source: YamlSource, vars: Scope, seed: number) {
    this.#source = source;
    this.#vars = vars;
    this.#seed = seed;
  }

  get axes(): Axes {
    return { all: this.#axes, rules: { exclude: this.#exclude, include: this.#include } };
  }

  /**
   * Reads `matrix`: axes with their values, and which combinations to leave out or to add.
   * @returns the axes declared
   */
  matrix(path: YamlPath, raw: unknown, global: boolean): string[] {
    const source = this.#source;
    const form = '{ axis: [value, ...], ... }';
    const map = asMap(source, path, raw, global ? `matrix: ${form}` : `matrix: ${form}, or a list of axes`);
    const names = Object.keys(map).filter((name) => name !== 'exclude' && name !== 'include');
    if (names.length === 0) {
      throw source.error(path, { problem: 'a matrix needs at least one axis', expected: `matrix: ${form}` });
    }
    for (const name of names) {
      const at = [...path, name];
      const values = this.#readValues(at, name, fill(source, at, map[name], this.#vars));
      this.#declare({ name, path: at, global, values, base: values.length });
    }
    if (map['exclude'] !== undefined) this.#readExclude([...path, 'exclude'], map['exclude'], names);
    if (map['include'] !== undefined) this.#readInclude([...path, 'include'], map['include'], names);
    return names;
  }

  /** Reads `foreach`: an axis whose values a stage reports. */
  foreach(path: YamlPath, raw: unknown, global: boolean): string[] {
    const source = this.#source;
    const expected = 'foreach: { axis: stage.metric }, such as { fold: split.folds }';
    const map = asMap(source, path, raw, expected);
    for (const [name, reference] of Object.entries(map)) {
      const at = [...path, name];
      const parts = typeof reference === 'string' ? /^([\w-]+)\.(\w+)$/.exec(reference) : null;
      if (!parts) {
        throw source.error(at, {
          problem: `foreach over ${name} does not say which stage counts it`,
          expected: 'stage.metric, where the metric is a count that the stage reports',
          got: show(reference),
          ...(Array.isArray(reference) ? { fix: 'values that are known beforehand are a matrix' } : {}),
        });
      }
      const counted = { stage: parts[1]!, metric: parts[2]! };
      this.#declare({ name, path: at, global, values: undefined, base: 0, counted });
    }
    return Object.keys(map);
  }

  /**
   * Reads `search`: an axis whose values are points of a space, one of which is chosen.
   * @param stage the stage it stands on; undefined for one of the whole file
   */
  search(path: YamlPath, raw: unknown, stage: string | undefined): string {
    const source = this.#source;
    const written = asMap(source, path, raw, 'search: { strategy, trials, space, metric }');
    checkKeys(source, path, written, SEARCH_KEYS);
    const map = fill(source, path, written, this.#vars) as YamlMap;
    const name = map['name'] ?? DEFAULT_SEARCH_AXIS;
    if (typeof name !== 'string') {
      throw source.error([...path, 'name'], {
        problem: 'the name of a search is text',
        expected: 'name: trial',
        got: show(name),
      });
    }
    const choosing = this.#readChoosing(path, map, stage);
    const points = this.#readPoints(path, map);
    if (points.length > MOST_VALUES) throw tooMany(source, path, name, points.length);
    const values = points.map((value, i) => ({ label: String(i), value }));
    this.#declare({ name, path, global: true, values, base: values.length, choosing });
    return name;
  }

  #readPoints(path: YamlPath, map: YamlMap): YamlMap[] {
    const source = this.#source;
    const strategy = map['strategy'] ?? 'random';
    if (strategy !== 'random' && strategy !== 'grid') {
      throw source.error([...path, 'strategy'], {
        problem: 'there is no such strategy',
        expected: 'one of: random, grid',
        got: show(strategy),
        ...(typeof strategy === 'string' ? didYouMean(strategy, ['random', 'grid']) : {}),
      });
    }
    const space = readSpace(source, [...path, 'space'], map['space']);
    const first = this.#readFirst([...path, 'points'], map['points'], Object.keys(space));
    const { trials } = map;
    if (strategy === 'grid') {
      if (trials !== undefined) {
        throw source.error(
          [...path, 'trials'],
          {
            problem: 'a grid tries all of its points',
            expected: 'no trials, or strategy: random',
            got: `trials: ${show(trials)}`,
          },
          'key',
        );
      }
      return [...first, ...gridPoints(source, [...path, 'space'], space)];
    }
    if (!Number.isSafeInteger(trials) || (trials as number) < 1) {
      throw source.error([...path, 'trials'], {
        problem: 'a random search needs a number of trials',
        expected: 'trials: a whole number from 1',
        got: show(trials),
      });
    }
    const seed = map['seed'] ?? this.#seed;
    if (!Number.isSafeInteger(seed)) {
      throw source.error([...path, 'seed'], {
        problem: 'a seed is a whole number',
        expected: 'a whole number',
        got: show(seed),
      });
    }
    const count = Math.min(trials as number, MOST_VALUES + 1);
    return [...first, ...drawPoints(space, Math.max(0, count - first.length), seed as number)];
  }

  /** Points to try before those that are drawn, such as the numbers that somebody published. */
  #readFirst(path: YamlPath, raw: unknown, names: readonly string[]): YamlMap[] {
    if (raw === undefined) return [];
    const source = this.#source;
    if (!Array.isArray(raw)) {
      throw source.error(path, { problem: 'points has the wrong form', expected: 'a list of points', got: show(raw) });
    }
    return raw.map((item, i) => {
      const point = asMap(source, [...path, i], item, 'a value for each parameter of the space');
      checkKeys(source, [...path, i], point, names);
      const missing = names.find((name) => !Object.hasOwn(point, name));
      if (missing === undefined) return point;
      throw source.error([...path, i], {
        problem: `the point has no ${missing}`,
        expected: `a value for each of: ${names.join(', ')}`,
        got: show(point),
      });
    });
  }

  #readChoosing(path: YamlPath, map: YamlMap, stage: string | undefined): Choosing {
    const source = this.#source;
    const metric: unknown = map['metric'];
    const parts = typeof metric === 'string' ? /^(?:([\w-]+)\.)?(\w+)$/.exec(metric) : null;
    const judged = parts?.[1] ?? stage;
    if (!parts || judged === undefined) {
      throw source.error([...path, 'metric'], {
        problem: 'a search needs a metric to choose by',
        expected:
          stage === undefined ? 'metric: stage.metric' : 'metric: a number that the stage reports, or stage.metric',
        got: show(metric),
      });
    }
    const on = map['on'] ?? 'validation';
    if (on !== 'validation') {
      throw source.error([...path, 'on'], {
        problem: 'a search chooses on validation rows',
        expected: 'on: validation',
        got: `on: ${show(on)}`,
        fix: 'what was chosen on test rows cannot be reported on them; give the split a validation share',
      });
    }
    const mode = map['mode'] ?? (/loss|error|brier|ece/.test(parts[2]!) ? 'min' : 'max');
    if (mode !== 'max' && mode !== 'min') {
      throw source.error([...path, 'mode'], {
        problem: 'there is no such mode',
        expected: 'one of: max, min',
        got: show(mode),
      });
    }
    return {
      stage: judged,
      metric: parts[2]!,
      mode,
      meanOver: readNames(source, [...path, 'mean_over'], map['mean_over']),
    };
  }

  #readValues(path: YamlPath, axis: string, raw: unknown): AxisValue[] {
    const source = this.#source;
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
    if (values.length > MOST_VALUES) throw tooMany(source, path, axis, values.length);
    const seen = new Map<string, number>();
    for (const [i, entry] of values.entries()) {
      const first = seen.get(entry.label);
      if (first !== undefined) {
        const same = JSON.stringify(values[first]!.value) === JSON.stringify(entry.value);
        throw source.error(Array.isArray(raw) ? [...path, i] : path, {
          problem: same
            ? `axis ${axis} has the same value twice`
            : `two values of axis ${axis} would have the same name`,
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

  #declare(axis: Axis): void {
    const source = this.#source;
    const { name, path } = axis;
    if (!/^[A-Za-z][\w-]*$/.test(name)) {
      throw source.error(
        path,
        {
          problem: 'an axis needs a plain name',
          expected: 'letters, digits, _ and -, beginning with a letter',
          got: name,
        },
        'key',
      );
    }
    // `seed` is a variable of every pipeline; as an axis it is the seed of each instance.
    if (name !== 'seed' && this.#vars.get(name)) {
      throw source.error(
        path,
        {
          problem: `${name} is both a variable and an axis`,
          expected: 'one of the two',
          got: `vars: { ${name}: ${show(this.#vars.get(name)!.value)} }`,
          fix: `remove it from vars, or give the axis another name`,
        },
        'key',
      );
    }
    const known = this.#axes.get(name);
    if (!known) {
      this.#axes.set(name, axis);
      return;
    }
    const same =
      !axis.choosing && JSON.stringify([known.values, known.counted]) === JSON.stringify([axis.values, axis.counted]);
    if (same && !known.choosing) {
      known.global ||= axis.global;
      return;
    }
    throw source.error(
      path,
      {
        problem: `axis ${name} is declared twice${axis.choosing || known.choosing ? '' : ', with other values'}`,
        expected: 'one declaration; other stages fan out over it with matrix: [' + name + ']',
        got: `it is declared at ${source.place(known.path)} too`,
        ...(axis.choosing ? { fix: 'give the search a name of its own: name: ...' } : {}),
      },
      'key',
    );
  }

  #readExclude(path: YamlPath, raw: unknown, names: readonly string[]): void {
    for (const [i, point] of this.#readRules(path, raw).entries()) {
      const rule: Record<string, string[]> = {};
      for (const [name, given] of Object.entries(point)) {
        const at = [...path, i, name];
        const axis = this.#axisOfRule(at, name, names);
        rule[name] = (Array.isArray(given) ? given : [given]).map((value) => this.#labelIn(at, axis, value));
      }
      this.#exclude.push(rule);
    }
  }

  #readInclude(path: YamlPath, raw: unknown, names: readonly string[]): void {
    for (const [i, given] of this.#readRules(path, raw).entries()) {
      const point: Record<string, string> = {};
      for (const [name, value] of Object.entries(given)) {
        const at = [...path, i, name];
        const axis = this.#axisOfRule(at, name, names);
        const values = axis.values!;
        const entry = isMap(value)
          ? Object.entries(value).map(([label, inner]) => ({ label: plainLabel(label), value: inner }))[0]!
          : { label: labelOf(value, 0), value };
        const existing = values.find(({ label }) => label === entry.label);
        if (!existing) {
          // A new name among values that are maps says nothing of its value: most likely it is misspelt.
          if (!isMap(value) && values.some((other) => isMap(other.value))) this.#labelIn(at, axis, value);
          values.push(entry);
        }
        point[name] = entry.label;
      }
      this.#include.push(point);
    }
  }

  #readRules(path: YamlPath, raw: unknown): YamlMap[] {
    const source = this.#source;
    const filled = fill(source, path, raw, this.#vars);
    if (Array.isArray(filled) && filled.every((point) => isMap(point) && Object.keys(point).length > 0)) {
      return filled as YamlMap[];
    }
    throw source.error(path, {
      problem: `${path.at(-1)} has the wrong form`,
      expected: 'a list of points: [{ axis: value, ... }, ...]',
      got: show(filled),
    });
  }

  #axisOfRule(path: YamlPath, name: string, names: readonly string[]): Axis {
    const axis = this.#axes.get(name);
    if (axis?.values && !axis.choosing) return axis;
    const known = [...new Set([...names, ...this.#axes.keys()])];
    throw this.#source.error(
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

  #labelIn(path: YamlPath, axis: Axis, value: unknown): string {
    const label = labelOf(value, 0);
    const labels = axis.values!.map((known) => known.label);
    if (labels.includes(label)) return label;
    throw this.#source.error(path, {
      problem: `axis ${axis.name} has no value ${label}`,
      expected: `one of: ${labels.join(', ')}`,
      got: show(value),
      ...didYouMean(label, labels),
    });
  }
}

/** A list of names, or one name. */
export function readNames(source: YamlSource, path: YamlPath, raw: unknown): string[] {
  if (raw === undefined) return [];
  const names: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (names.every((name) => typeof name === 'string')) return names;
  throw source.error(path, {
    problem: `${path.at(-1)} has the wrong form`,
    expected: 'a list of axes',
    got: show(raw),
  });
}

/** A value's name: itself, or for a map its field `name`, else its place in the list. */
function labelOf(value: unknown, index: number): string {
  if (isMap(value)) return typeof value['name'] === 'string' ? plainLabel(value['name']) : String(index);
  return plainLabel(Array.isArray(value) ? value.join('-') : String(value));
}

/** Labels are part of folder names and are typed in terminals. */
function plainLabel(text: string): string {
  return text.replace(/[^\w.+-]+/g, '-').slice(0, 60) || '-';
}

function tooMany(source: YamlSource, path: YamlPath, name: string, count: number): Error {
  return source.error(path, {
    problem: `axis ${name} has too many values`,
    expected: `at most ${MOST_VALUES}`,
    got: String(count),
  });
}
