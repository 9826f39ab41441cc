/**
 * YAML read against a TypeBox schema, with errors that point at the line and column.
 *
 * A general JSON Schema validator answers with a path into the value; a person editing the file wants
 * the place in the text. So the schema is walked together with the YAML nodes, which keep positions.
 * It knows the few schema forms that {@link CorpusSchema} uses, and refuses others.
 */
import { RequestError, type Static, type TSchema, nearest } from '@prosodia/core';
import { LineCounter, type Node, type Pair, isMap, isScalar, isSeq, parseDocument } from 'yaml';

/** The parts of JSON Schema used here. */
interface PlainSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';
  description?: string;
  properties?: Record<string, PlainSchema>;
  required?: string[];
  patternProperties?: Record<string, PlainSchema>;
  items?: PlainSchema;
  anyOf?: PlainSchema[];
  const?: unknown;
  pattern?: string;
  minLength?: number;
  minimum?: number;
}

/** A parsed file, and where in it each value was written. */
export interface CheckedYaml<T> {
  readonly value: T;
  /** `file:line:column` of the value at `path`, or of the nearest one around it. */
  where(path: readonly (string | number)[]): string;
}

/**
 * Parses and validates `text`.
 *
 * @param file name for messages
 * @throws RequestError with `where` as `file:line:column`, for the first thing that is wrong
 */
export function parseChecked<S extends TSchema>(text: string, schema: S, file: string): CheckedYaml<Static<S>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const syntax = document.errors[0];
  if (syntax) {
    throw new RequestError({ problem: 'the file is not valid YAML', got: syntax.message, where: place(syntax.pos[0]) });
  }
  if (document.contents === null) {
    throw new RequestError({ problem: 'the file is empty', expected: 'a description of a corpus', where: place(0) });
  }
  check(document.contents, schema as PlainSchema, '', place);
  return {
    value: document.toJS() as Static<S>,
    where: (path) => {
      let node: Node | null | undefined = document.contents;
      for (const step of path) {
        const next: unknown = isMap(node) || isSeq(node) ? node.get(step, true) : undefined;
        if (!isNode(next)) break;
        node = next;
      }
      return place(node?.range?.[0] ?? 0);
    },
  };
}

type Place = (offset: number) => string;

function check(node: Node, schema: PlainSchema, name: string, place: Place): void {
  const fail = (expected: string): never => {
    throw new RequestError({
      problem: name === '' ? 'the file has another form' : `${name} has a wrong value`,
      expected: schema.description ? `${expected} (${schema.description})` : expected,
      got: describe(node),
      where: place(node.range?.[0] ?? 0),
    });
  };
  if (schema.anyOf) {
    checkAny(node, schema.anyOf, name, place, fail);
    return;
  }
  if (schema.type === 'object') {
    if (!isMap(node)) fail('a mapping of names to values');
    else checkMap(node.items as Pair<Node, Node | null>[], node, schema, name, place);
    return;
  }
  if (schema.type === 'array') {
    if (!isSeq(node)) fail('a list');
    else (node.items as Node[]).forEach((item, i) => check(item, schema.items!, `${name}[${i}]`, place));
    return;
  }
  const value = isScalar(node) ? node.value : undefined;
  if (!isScalar(node) || typeName(value) !== expectedType(schema, value)) fail(expectation(schema));
  if (schema.const !== undefined && value !== schema.const) fail(expectation(schema));
  if (typeof value === 'string') {
    if (value.length < (schema.minLength ?? 0)) fail('text that is not empty');
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) fail(expectation(schema));
  }
  if (typeof value === 'number' && value < (schema.minimum ?? -Infinity)) fail(`at least ${schema.minimum}`);
}

/** The alternative of the node's own form is checked in depth, so that its error names what is inside. */
function checkAny(node: Node, options: PlainSchema[], name: string, place: Place, fail: (e: string) => never): void {
  const form = isMap(node) ? 'object' : isSeq(node) ? 'array' : undefined;
  const candidates = options.filter((option) =>
    form ? option.type === form : option.type !== 'object' && option.type !== 'array',
  );
  if (form && candidates.length === 1) {
    check(node, candidates[0]!, name, place);
    return;
  }
  for (const option of candidates) {
    try {
      check(node, option, name, place);
      return;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }
  const constants = options.flatMap((option) => (typeof option.const === 'string' ? [option.const] : []));
  const value = isScalar(node) ? String(node.value) : '';
  const near = nearest(value, constants);
  fail(options.map(expectation).join(' or ') + (near === undefined ? '' : `; did you mean ${near}?`));
}

function checkMap(pairs: Pair<Node, Node | null>[], map: Node, schema: PlainSchema, name: string, place: Place): void {
  const known = Object.keys(schema.properties ?? {});
  const [anyKey] = Object.values(schema.patternProperties ?? {});
  const inside = (key: string) => (name === '' ? key : `${name}.${key}`);
  const seen = new Set<string>();
  for (const { key, value } of pairs) {
    const word = isScalar(key) ? String(key.value) : '';
    const property = schema.properties?.[word] ?? anyKey;
    const offset = key.range?.[0] ?? 0;
    if (!property) {
      const near = nearest(word, known);
      throw new RequestError({
        problem: `${name === '' ? 'the file' : name} has an unknown entry`,
        expected: known.join(', '),
        got: `${word}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
        where: place(offset),
      });
    }
    // A value map is looked up by text, and YAML reads an unquoted 01 as the number 1.
    if (anyKey && isScalar(key) && typeof key.value !== 'string') {
      throw new RequestError({
        problem: `${name} has a key that is not text`,
        expected: `a quoted key, '${key.source ?? word}'`,
        got: `${key.source ?? word}, which YAML reads as a ${typeName(key.value)}`,
        where: place(offset),
      });
    }
    if (value === null) {
      throw new RequestError({
        problem: `${inside(word)} has no value`,
        expected: expectation(property),
        where: place(offset),
      });
    }
    check(value, property, inside(word), place);
    seen.add(word);
  }
  const missing = schema.required?.find((key) => !seen.has(key));
  if (missing !== undefined) {
    throw new RequestError({
      problem: `${name === '' ? 'the file' : name} lacks ${missing}`,
      expected: `${missing}: ${expectation(schema.properties![missing]!)}`,
      where: place(map.range?.[0] ?? 0),
    });
  }
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** The type name that `value` must have; a whole number also is a `number`. */
function expectedType(schema: PlainSchema, value: unknown): string {
  return schema.type === 'number' && Number.isInteger(value) ? 'integer' : (schema.type ?? 'any value');
}

function expectation(schema: PlainSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map(expectation).join(' or ');
  const words: Record<NonNullable<PlainSchema['type']>, string> = {
    object: 'a mapping',
    array: 'a list',
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    null: 'null',
  };
  const base = schema.type ? words[schema.type] : 'a value';
  return schema.pattern === undefined ? base : `${base} that matches ${schema.pattern}`;
}

function describe(node: Node): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node)) return 'an alias';
  return node.value === null ? 'nothing' : `${typeName(node.value)} ${JSON.stringify(node.value)}`;
}
