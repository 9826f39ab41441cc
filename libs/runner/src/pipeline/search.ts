/**
 * The points of a search: drawn at random from a space, or all of a grid.
 *
 * Each number of each trial has a random stream of its own, named by the trial and the parameter. So trials 0 to 19
 * stay what they are when there are thirty, and a parameter more in the space leaves the others as they were: what
 * was computed for them is still a hit.
 */
import { Rng } from '@prosodia/core';
import { type YamlMap, asMap, checkKeys, isMap, show } from './checks.ts';
import type { YamlPath, YamlSource } from './source.ts';

/** What one parameter of a space may be. */
export type Dimension =
  | { form: 'choice'; values: readonly unknown[] }
  | { form: 'uniform' | 'loguniform' | 'int'; low: number; high: number; step?: number };

export type Space = Readonly<Record<string, Dimension>>;

const FORMS = ['choice', 'uniform', 'loguniform', 'int'];

/** @throws RequestError */
export function readSpace(source: YamlSource, path: YamlPath, raw: unknown): Space {
  const map = asMap(source, path, raw, 'space: a map of parameter names to what they may be');
  if (Object.keys(map).length === 0) {
    throw source.error(path, {
      problem: 'a space needs at least one parameter',
      expected: 'space: { name: [1, 2] }',
      got: show(map),
    });
  }
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [name, readDimension(source, [...path, name], value)]),
  );
}

function readDimension(source: YamlSource, path: YamlPath, raw: unknown): Dimension {
  if (Array.isArray(raw)) return readChoice(source, path, raw);
  const expected = '[a, b, ...], { uniform: [low, high] }, { loguniform: [low, high] } or { int: [low, high] }';
  if (!isMap(raw)) {
    throw source.error(path, { problem: `${path.at(-1)} does not say what it may be`, expected, got: show(raw) });
  }
  checkKeys(source, path, raw, [...FORMS, 'step']);
  const forms = Object.keys(raw).filter((key) => key !== 'step');
  if (forms.length !== 1) {
    throw source.error(path, { problem: `${path.at(-1)} does not say what it may be`, expected, got: show(raw) });
  }
  const form = forms[0]!;
  if (form === 'choice') return readChoice(source, [...path, form], raw[form]);
  return readRange(source, path, form as 'uniform' | 'loguniform' | 'int', raw);
}

function readChoice(source: YamlSource, path: YamlPath, raw: unknown): Dimension {
  if (Array.isArray(raw) && raw.length > 0) return { form: 'choice', values: raw };
  throw source.error(path, { problem: 'there is nothing to choose from', expected: '[a, b, ...]', got: show(raw) });
}

function readRange(
  source: YamlSource,
  path: YamlPath,
  form: 'uniform' | 'loguniform' | 'int',
  raw: YamlMap,
): Dimension {
  const range: unknown = raw[form];
  const refuse = (problem: string, expected: string) =>
    source.error([...path, form], { problem, expected, got: show(range) });
  if (!Array.isArray(range) || range.length !== 2 || !range.every((end) => Number.isFinite(end))) {
    throw refuse(`${form} needs two numbers`, `${form}: [low, high]`);
  }
  const [low, high] = range as [number, number];
  if (!(low < high)) throw refuse('the range is empty', 'low below high');
  if (form === 'int' && !(Number.isSafeInteger(low) && Number.isSafeInteger(high))) {
    throw refuse('int needs whole numbers', 'int: [low, high]');
  }
  if (form === 'loguniform' && low <= 0) throw refuse('a logarithm needs numbers above 0', 'low above 0');
  const step = raw['step'];
  if (step === undefined) return { form, low, high };
  const fits = typeof step === 'number' && step > 0 && (form !== 'int' || Number.isSafeInteger(step));
  if (form === 'loguniform' || !fits) {
    throw source.error([...path, 'step'], {
      problem: 'this is no step of the range',
      expected:
        form === 'int'
          ? 'a whole number from 1'
          : form === 'uniform'
            ? 'a number above 0'
            : 'no step: loguniform has none',
      got: show(step),
    });
  }
  return { form, low, high, step };
}

/** The points of `trials` trials. */
export function drawPoints(space: Space, trials: number, seed: number): YamlMap[] {
  return Array.from({ length: trials }, (_, trial) =>
    Object.fromEntries(
      Object.entries(space).map(([name, dimension]) => [name, draw(dimension, new Rng(seed, 'search', trial, name))]),
    ),
  );
}

function draw(dimension: Dimension, rng: Rng): unknown {
  if (dimension.form === 'choice') return rng.choice(dimension.values);
  const { form, low, high, step } = dimension;
  if (form === 'int' || step !== undefined) {
    const steps = stepsIn(dimension);
    return steps.at(rng.int(steps.count));
  }
  if (form === 'loguniform') return rounded(Math.exp(rng.uniform(Math.log(low), Math.log(high))));
  return rounded(rng.uniform(low, high));
}

/** Six digits are finer than any search needs, and can be read and typed again. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function stepsIn({ low, high, step = 1 }: Exclude<Dimension, { form: 'choice' }>) {
  const count = Math.floor((high - low) / step + 1e-9) + 1;
  return { count, at: (i: number) => Number((low + i * step).toPrecision(12)) };
}

/**
 * All points of a grid, the last parameter changing first.
 * @throws RequestError for a range without steps
 */
export function gridPoints(source: YamlSource, path: YamlPath, space: Space): YamlMap[] {
  let points: YamlMap[] = [{}];
  for (const [name, dimension] of Object.entries(space)) {
    const values = gridValues(source, [...path, name], dimension);
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  }
  return points;
}

function gridValues(source: YamlSource, path: YamlPath, dimension: Dimension): readonly unknown[] {
  if (dimension.form === 'choice') return dimension.values;
  if (dimension.form === 'int' || dimension.step !== undefined) {
    const steps = stepsIn(dimension);
    return Array.from({ length: steps.count }, (_, i) => steps.at(i));
  }
  throw source.error(path, {
    problem: `a grid needs values that can be counted`,
    expected: dimension.form === 'uniform' ? 'a list, or a step' : 'a list',
    got: `${dimension.form} from ${dimension.low} to ${dimension.high}`,
    fix: 'give a list of values, or use strategy: random',
  });
}
