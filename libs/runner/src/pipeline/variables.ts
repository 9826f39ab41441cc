/**
 * `${name}`: variables of a pipeline, and the values of its axes, filled into what a stage says.
 *
 * A text that is nothing but one variable keeps the variable's type, so a parameter may be a number, a list or a
 * map. Inside a longer text a value becomes text; a value of an axis that is a map becomes its label there.
 */
import { type ErrorParts, RequestError } from '@prosodia/core';
import { parse } from 'yaml';
import { type YamlMap, asMap, checkSeed, didYouMean, isMap, show } from './checks.ts';
import type { YamlPath, YamlSource } from './source.ts';

export type Scalar = string | number | boolean | null;

/** Variables every pipeline has. */
export const COMMON_VARS: Readonly<Record<string, Scalar>> = { seed: 42, device: 'auto' };

/** A value from outside for a variable that the pipeline does not have; a command may know what else was meant. */
export class UnknownVariableError extends RequestError {
  readonly variable: string;
  readonly known: readonly string[];

  constructor(parts: ErrorParts, variable: string, known: readonly string[]) {
    super(parts);
    this.variable = variable;
    this.known = known;
  }
}

/** What a name stands for: its value, and how it is called in a longer text if that is not the value itself. */
export interface Bound {
  value: unknown;
  label?: string;
}

/** What names stand for at one place; undefined for a name that stands for nothing. */
export interface Scope {
  get(name: string): Bound | undefined;
  names(): Iterable<string>;
}

/** Values by name. */
export function scopeOf(...layers: readonly ReadonlyMap<string, Bound>[]): Scope {
  return {
    get: (name) => layers.find((layer) => layer.has(name))?.get(name),
    names: () => new Set(layers.flatMap((layer) => [...layer.keys()])),
  };
}

/**
 * @param overrides values from outside; they keep the type that the file gave the variable
 * @throws RequestError
 */
export function readVars(source: YamlSource, raw: unknown, overrides: Readonly<Record<string, string>>): YamlMap {
  const vars: YamlMap = { ...COMMON_VARS };
  const given = raw === undefined ? {} : asMap(source, ['vars'], raw, 'vars: a map of names to values');
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z_][\w-]*$/.test(name)) {
      throw source.error(
        ['vars', name],
        { problem: 'a variable needs a plain name', expected: 'letters, digits, _ and -', got: name },
        'key',
      );
    }
    vars[name] = value;
  }
  for (const [name, text] of Object.entries(overrides)) {
    if (!Object.hasOwn(vars, name)) {
      const known = Object.keys(vars);
      const { parts } = source.error(['vars'], {
        problem: `the pipeline has no variable ${name}`,
        expected: `one of: ${known.join(', ')}`,
        got: `${name}=${text}`,
        ...didYouMean(name, known),
      });
      throw new UnknownVariableError(parts, name, known);
    }
    vars[name] = convert(source, name, text, vars[name]);
  }
  checkSeed(source, ['vars', 'seed'], vars['seed']);
  return vars;
}

/** A value from the command line takes the type that the file's own value has. */
function convert(source: YamlSource, name: string, text: string, like: unknown): unknown {
  const refuse = (what: string, expected: string) =>
    source.error(['vars', name], { problem: `variable ${name} is ${what} in this pipeline`, expected, got: text });
  if (typeof like === 'number') {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value)) return value;
    throw refuse('a number', 'a number');
  }
  if (typeof like === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw refuse('true or false', 'true or false');
  }
  if (Array.isArray(like)) {
    // `--seeds=1,2,3` as well as `--seeds='[1, 2, 3]'`
    const value = parseYaml(text.trimStart().startsWith('[') ? text : `[${text}]`);
    if (Array.isArray(value)) return value;
    throw refuse('a list', 'values with commas between them');
  }
  if (isMap(like)) {
    const value = parseYaml(text);
    if (isMap(value)) return value;
    throw refuse('a map', '{ name: value, ... }');
  }
  return text;
}

function parseYaml(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const VARIABLE = /\$\{([^}]*)\}/g;

/** Names behind `${...}` in all texts of a value, without what stands after the first dot, with their places. */
export function mentionsIn(value: unknown, path: YamlPath = []): { name: string; path: YamlPath }[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => mentionsIn(item, [...path, i]));
  if (isMap(value)) return Object.entries(value).flatMap(([key, item]) => mentionsIn(item, [...path, key]));
  if (typeof value !== 'string' || !value.includes('${')) return [];
  return [...value.matchAll(VARIABLE)].map((match) => ({ name: match[1]!.trim().split('.', 1)[0]!, path }));
}

/**
 * Replaces `${name}` and `${name.field}` in all texts of a value.
 * @param path where the value stands
 * @throws RequestError for a name or field that there is not
 */
export function fill(source: YamlSource, path: YamlPath, value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item, i) => fill(source, [...path, i], item, scope));
  if (isMap(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fill(source, [...path, key], item, scope)]),
    );
  }
  if (typeof value !== 'string' || !value.includes('${')) return value;
  const whole = /^\$\{([^}]*)\}$/.exec(value);
  if (whole) return lookUp(source, path, whole[1]!.trim(), scope).value;
  return value.replace(VARIABLE, (_, inner: string) => {
    const name = inner.trim();
    const { value: found, label } = lookUp(source, path, name, scope);
    if (typeof found !== 'object' || found === null) return String(found);
    if (label !== undefined) return label;
    throw source.error(path, {
      problem: `\${${name}} is no plain value, so it cannot be part of a text`,
      expected: isMap(found)
        ? `one of its fields, such as \${${name}.${Object.keys(found)[0] ?? 'field'}}`
        : 'a plain value',
      got: show(found),
    });
  });
}

function lookUp(source: YamlSource, path: YamlPath, text: string, scope: Scope): Bound {
  const [name, ...fields] = text.split('.') as [string, ...string[]];
  const found = scope.get(name);
  if (!found) throw unknownVariable(source, path, name, scope.names());
  let { value } = found;
  for (const [depth, field] of fields.entries()) {
    if (isMap(value) && Object.hasOwn(value, field)) {
      value = value[field];
      continue;
    }
    if (depth === 0 && field === 'name' && found.label !== undefined) {
      value = found.label;
      continue;
    }
    const known = [...(isMap(value) ? Object.keys(value) : []), ...(found.label === undefined ? [] : ['name'])];
    const before = [name, ...fields.slice(0, depth)].join('.');
    throw source.error(path, {
      problem: `\${${before}} has no field ${field}`,
      expected: known.length > 0 ? `one of: ${known.join(', ')}` : `\${${before}}, which is a plain value`,
      got: `\${${text}}`,
      ...didYouMean(field, known, (near) => `\${${before}.${near}}`),
    });
  }
  return fields.length === 0 ? found : { value };
}

export function unknownVariable(source: YamlSource, path: YamlPath, name: string, known: Iterable<string>): Error {
  const names = [...known];
  return source.error(path, {
    problem: `there is no variable ${name}`,
    expected: `one of: ${names.join(', ')}`,
    got: `\${${name}}`,
    fix: 'add it under vars',
    ...didYouMean(name, names, (near) => `\${${near}}`),
  });
}
