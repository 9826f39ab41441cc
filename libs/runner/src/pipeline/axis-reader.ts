/** Gathers the axes of a file while it is read: `matrix`, `foreach` and `search`, at the top and at stages. */
import type { Axes, Axis, Point, Rules } from './axes.ts';
import { checkCount, readValues } from './axis-values.ts';
import { type YamlMap, asMap, checkKeys, show } from './checks.ts';
import { readExclude, readInclude } from './matrix-rules.ts';
import { readChoosing, readPoints } from './search-axis.ts';
import type { YamlPath, YamlSource } from './source.ts';
import { type Scope, fill } from './variables.ts';

const SEARCH_KEYS = ['name', 'strategy', 'trials', 'space', 'points', 'metric', 'mode', 'on', 'mean_over', 'seed'];
const DEFAULT_SEARCH_AXIS = 'trial';

export class AxisReader {
  readonly #source: YamlSource;
  readonly #vars: Scope;
  readonly #seed: number;
  readonly #axes = new Map<string, Axis>();
  readonly #exclude: Rules['exclude'][number][] = [];
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
      throw source.error(path, {
        problem: 'a matrix needs at least one axis',
        expected: `matrix: ${form}`,
        got: show(map),
      });
    }
    for (const name of names) {
      const at = [...path, name];
      const values = readValues(source, at, name, fill(source, at, map[name], this.#vars));
      this.#declare({ name, path: at, global, values, base: values.length });
    }
    const rules = { exclude: [...path, 'exclude'], include: [...path, 'include'] };
    const filled = (rule: 'exclude' | 'include') => fill(source, rules[rule], map[rule], this.#vars);
    if (map['exclude'] !== undefined) {
      this.#exclude.push(...readExclude(source, rules.exclude, filled('exclude'), names, this.#axes));
    }
    if (map['include'] !== undefined) {
      this.#include.push(...readInclude(source, rules.include, filled('include'), names, this.#axes));
    }
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
          ...(Array.isArray(reference)
            ? { fix: `write matrix: { ${name}: [${reference.map(show).join(', ')}] }, for values known beforehand` }
            : {}),
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
    const choosing = readChoosing(source, path, map, stage);
    const points = readPoints(source, path, map, this.#seed);
    checkCount(source, path, name, points.length);
    const values = points.map((value, i) => ({ label: String(i), value }));
    this.#declare({ name, path, global: true, values, base: values.length, choosing });
    return name;
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
}
