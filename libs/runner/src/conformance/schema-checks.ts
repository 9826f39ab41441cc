/** Checks of a stage's declaration: its parameters as a JSON Schema, their documentation, their refusals. */
import AjvModule from 'ajv';
import type { TObject } from '@prosodia/core';
import { checkParams } from '../pipeline/params.ts';
import { type AnyStage, schemaOf } from './bench.ts';
import type { BadParams } from './cases.ts';

interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema | Schema[];
  anyOf?: Schema[];
}

const Ajv = AjvModule.default;
const ajv = new Ajv({ useDefaults: true, allErrors: true, strict: false });

/** The schema is plain JSON, and a copy that went through a file validates alike. */
export function roundTripProblems(stage: AnyStage): string[] {
  const problems: string[] = [];
  const text = JSON.stringify(stage.params);
  const copy = JSON.parse(text) as TObject;
  if (JSON.stringify(copy) !== text) problems.push('the schema changes when it is written and read again');
  const own = ajv.compile(stage.params);
  const copied = ajv.compile(copy);
  for (const given of [{}, ...Object.keys(copy.properties).map((name) => ({ [name]: WRONG }))]) {
    const [a, b] = [structuredClone(given), structuredClone(given)];
    if (own(a) !== copied(b) || JSON.stringify(a) !== JSON.stringify(b)) {
      problems.push(`${JSON.stringify(given)} validates differently after the schema was written and read again`);
    }
  }
  return problems;
}

/** Every parameter says what it is, and what it is when left out; that value is one it accepts. */
export function documentationProblems(stage: AnyStage): string[] {
  const problems: string[] = [];
  if (!/\.$/.test(stage.summary)) problems.push('the summary is no sentence');
  const schema = schemaOf(stage).params as unknown as Schema;
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    if (!own.description) problems.push(`parameter ${name} has no description`);
    problems.push(...undocumentedBelow(own, name));
    if ('default' in own) {
      const value = structuredClone(own.default);
      if (!ajv.compile(own)(value)) problems.push(`parameter ${name} refuses its default ${JSON.stringify(value)}`);
    } else if (!schema.required?.includes(name) && own.type !== 'object') {
      // A group of settings may be absent as a whole; a value that may be left out has a default.
      problems.push(`parameter ${name} may be left out but has no default`);
    }
  }
  return problems;
}

/** Values below the first level; an object needs no description of its own, its parts do. */
function undocumentedBelow(schema: Schema, path: string, inUnion = false): string[] {
  const problems: string[] = [];
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    const place = `${path}.${name}`;
    if (!own.description && own.type !== 'object') problems.push(`parameter ${place} has no description`);
    if (inUnion && 'default' in own && schema.required?.includes(name)) {
      problems.push(`parameter ${place} has a default that is never filled in, because it stands in a union`);
    }
    problems.push(...undocumentedBelow(own, place, inUnion));
  }
  const items = Array.isArray(schema.items) ? schema.items : schema.items ? [schema.items] : [];
  return [
    ...problems,
    ...items.flatMap((own) => undocumentedBelow(own, path, inUnion)),
    ...(schema.anyOf ?? []).flatMap((own) => undocumentedBelow(own, path, true)),
  ];
}

/** A value that no parameter takes. */
const WRONG = { 'no such value': true };

/** Wrong values and unknown names are refused before anything runs, and the message names the place. */
export function refusalProblems(
  stage: AnyStage,
  usual: Readonly<Record<string, unknown>>,
  bad: readonly BadParams[],
): string[] {
  const schema = schemaOf(stage);
  const names = Object.keys(schema.params.properties);
  const cases: BadParams[] = [
    ...names.map((name) => ({ params: { [name]: WRONG }, path: name })),
    { params: { no_such_parameter: 1 }, path: 'no_such_parameter' },
    ...bad,
  ];
  return cases.flatMap(({ params, path }) => {
    const { fault } = checkParams(schema, { ...usual, ...params });
    if (!fault) return [`${JSON.stringify(params)} is accepted`];
    const { problem } = fault.parts;
    return problem.includes(path) ? [] : [`${JSON.stringify(params)} is refused without naming ${path}: ${problem}`];
  });
}
