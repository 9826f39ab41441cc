/**
 * Reads options against the schema that documents them: fills in defaults and refuses what does not fit.
 *
 * The runner checks whole pipelines with ajv before anything runs; this is the check for those who
 * call the library directly, so it covers just the keywords our own schemas use.
 */
import { RequestError, nearest, type Static, type TSchema } from '@prosodia/core';

/** Options as they are after reading: everything that has a default is there. */
export type Resolved<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/** The keywords of JSON Schema that are understood here. */
interface Keywords {
  type?: string;
  default?: unknown;
  properties?: Record<string, Keywords>;
  required?: string[];
  minProperties?: number;
  maxProperties?: number;
  items?: Keywords;
  minItems?: number;
  maxItems?: number;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Keywords[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
}

/**
 * `value` with defaults filled in.
 *
 * @param where the place of the value, for messages: `layers[2].dense`
 * Throws a RequestError that names the place and what was expected.
 */
export function readOptions<S extends TSchema>(schema: S, value: unknown, where: string): Resolved<Static<S>> {
  return read(schema as Keywords, value, where) as Resolved<Static<S>>;
}

function read(schema: Keywords, value: unknown, where: string): unknown {
  if (schema.anyOf) return readAlternative(schema.anyOf, value, where);
  if (schema.enum) return readChoice(schema.enum, value, where);
  if ('const' in schema) return readChoice([schema.const], value, where);
  switch (schema.type) {
    case 'object':
      return readObject(schema, value, where);
    case 'array':
      return readArray(schema, value, where);
    case 'number':
    case 'integer':
      return readNumber(schema, value, where);
    default:
      if (typeof value !== schema.type) refuse(where, `a ${schema.type}`, value);
      return value;
  }
}

function readObject(schema: Keywords, value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(where, 'a map of options', value);
  const given = value as Record<string, unknown>;
  const properties = schema.properties ?? {};
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(properties, key)) continue;
    const meant = nearest(key, Object.keys(properties));
    throw new RequestError({
      problem: `there is no '${key}' here`,
      expected: Object.keys(properties).join(', ') || 'nothing: it takes no options',
      where,
      ...(meant ? { fix: `write '${meant}'` } : {}),
    });
  }
  const present = Object.keys(given).filter((key) => given[key] !== undefined);
  if (schema.maxProperties === 1 && present.length !== 1) {
    refuse(where, `exactly one of: ${Object.keys(properties).join(', ')}`, value);
  }
  const result: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(properties)) {
    const place = where ? `${where}.${key}` : key;
    if (given[key] !== undefined) result[key] = read(property, given[key], place);
    else if (property.default !== undefined) result[key] = read(property, property.default, place);
    else if (schema.required?.includes(key)) {
      throw new RequestError({ problem: `'${key}' is missing`, expected: describe(property), where });
    }
  }
  return result;
}

function readArray(schema: Keywords, value: unknown, where: string): unknown[] {
  const { minItems = 0, maxItems = Infinity } = schema;
  if (!Array.isArray(value) || value.length < minItems || value.length > maxItems)
    refuse(where, describe(schema), value);
  return (value as unknown[]).map((item, i) => read(schema.items!, item, `${where}[${i}]`));
}

function readNumber(schema: Keywords, value: unknown, where: string): number {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum: above = -Infinity } = schema;
  const below = schema.exclusiveMaximum ?? Infinity;
  const fits =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (schema.type === 'number' || Number.isInteger(value)) &&
    value >= minimum &&
    value <= maximum &&
    value > above &&
    value < below;
  if (!fits) refuse(where, describe(schema), value);
  return value as number;
}

function readChoice(choices: readonly unknown[], value: unknown, where: string): unknown {
  if (choices.includes(value)) return value;
  const meant = typeof value === 'string' ? nearest(value, choices.map(String)) : undefined;
  throw new RequestError({
    problem: 'there is no such choice',
    expected: choices.join(', '),
    got: show(value),
    where,
    ...(meant ? { fix: `write '${meant}'` } : {}),
  });
}

function readAlternative(alternatives: readonly Keywords[], value: unknown, where: string): unknown {
  for (const alternative of alternatives) {
    if (kindOf(alternative) === kindOfValue(value)) return read(alternative, value, where);
  }
  return refuse(where, alternatives.map(describe).join(', or '), value);
}

/** Alternatives of our schemas always differ in kind, so the kind of the value picks one. */
function kindOf(schema: Keywords): string {
  if (schema.type === 'integer') return 'number';
  return schema.type ?? typeof (schema.enum?.[0] ?? schema.const);
}

function kindOfValue(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function describe(schema: Keywords): string {
  if (schema.anyOf) return schema.anyOf.map(describe).join(', or ');
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if ('const' in schema) return String(schema.const);
  if (schema.type === 'array') {
    const { minItems, maxItems } = schema;
    const count = minItems !== undefined && minItems === maxItems ? `${minItems} values` : 'values';
    return `a list of ${count}, each ${describe(schema.items!)}`;
  }
  const limits = [
    schema.minimum === undefined ? [] : [`at least ${schema.minimum}`],
    schema.exclusiveMinimum === undefined ? [] : [`above ${schema.exclusiveMinimum}`],
    schema.maximum === undefined ? [] : [`at most ${schema.maximum}`],
    schema.exclusiveMaximum === undefined ? [] : [`below ${schema.exclusiveMaximum}`],
  ].flat();
  const noun = { integer: 'a whole number', number: 'a number', object: 'a map of options', boolean: 'true or false' };
  return [noun[schema.type as keyof typeof noun] ?? `a ${schema.type}`, ...limits].join(', ');
}

function refuse(where: string, expected: string, value: unknown): never {
  throw new RequestError({ problem: 'the value does not fit', expected, got: show(value), where });
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
