/** Checks the parameters of a stage instance against its schema and fills in defaults. */
import AjvModule, { type ErrorObject } from 'ajv';
import { type ErrorParts, nearest } from '@prosodia/core';
import type { StageInfo } from '../catalogue/info.ts';
import { show } from './checks.ts';
import type { KnownParams } from './known-params.ts';
import type { YamlPath, YamlSource } from './source.ts';

/** What checking needs to know of a stage. */
export type StageSchema = Pick<StageInfo, 'name' | 'params'>;

const Ajv = AjvModule.default;
let validators: InstanceType<typeof Ajv> | undefined;

/** What is wrong with parameters, and where in them. */
export interface ParamsFault {
  readonly path: YamlPath;
  /** Whether the name or the value at `path` is wrong. */
  readonly at: 'key' | 'value';
  readonly parts: ErrorParts;
}

/** Parameters with all defaults, or what is wrong with them. */
export type CheckedParams =
  | { readonly params: Record<string, unknown>; readonly fault?: undefined }
  | { readonly params?: undefined; readonly fault: ParamsFault };

/**
 * @param path where the parameters stand in the file
 * @returns the parameters with all defaults
 * @throws RequestError at the offending value
 */
export function resolveParams(
  stage: StageSchema,
  given: Readonly<Record<string, unknown>>,
  source: YamlSource,
  path: YamlPath,
  known?: KnownParams,
): Record<string, unknown> {
  const recalled = known?.recall(stage.name, given);
  if (recalled) return recalled;
  const { params, fault } = checkParams(stage, given);
  if (fault) throw source.error([...path, ...fault.path], fault.parts, fault.at);
  known?.remember(stage.name, given, params);
  return params;
}

/** Checks parameters wherever they come from; `given` is left as it is. */
export function checkParams(stage: StageSchema, given: Readonly<Record<string, unknown>>): CheckedParams {
  const params = structuredClone(given) as Record<string, unknown>;
  validators ??= new Ajv({ useDefaults: true, allErrors: true, strict: false, verbose: true });
  const validate = validators.compile(stage.params);
  if (validate(params)) return { params };
  return { fault: faultOf(stage, mostTelling(validate.errors!)) };
}

function faultOf(stage: StageSchema, error: ErrorObject): ParamsFault {
  const inner = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  const name = [...inner].join('.') || stage.name;
  if (error.keyword === 'additionalProperties') {
    const extra = (error.params as { additionalProperty: string }).additionalProperty;
    const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
    const near = nearest(extra, known);
    return {
      path: [...inner, extra],
      at: 'key',
      parts: {
        problem: `stage ${stage.name} has no parameter ${[...inner, extra].join('.')}`,
        expected: `one of: ${known.join(', ') || '(none)'}`,
        got: extra,
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      },
    };
  }
  if (error.keyword === 'required') {
    const missing = (error.params as { missingProperty: string }).missingProperty;
    return {
      path: inner,
      at: 'value',
      parts: {
        problem: `stage ${stage.name} needs the parameter ${[...inner, missing].join('.')}`,
        expected: `${missing}: ${describeSchema(stage, [...inner, missing])}`,
        got: 'nothing',
      },
    };
  }
  const value = error.data as unknown;
  const allowed = allowedValues(error);
  const near = typeof value === 'string' && allowed ? nearest(value, allowed.map(String)) : undefined;
  return {
    path: inner,
    at: 'value',
    parts: {
      problem: `parameter ${name} of stage ${stage.name} is wrong`,
      expected: allowed ? `one of: ${allowed.join(', ')}` : describeExpectation(error),
      got: show(value),
      ...(near ? { fix: `did you mean ${near}?` } : {}),
    },
  };
}

/** Of several errors the deepest one says most; a union reports each branch, and the deepest branch is the meant one. */
function mostTelling(errors: readonly ErrorObject[]): ErrorObject {
  const depth = (error: ErrorObject) =>
    error.instancePath.split('/').length + (error.keyword === 'additionalProperties' ? 0.5 : 0);
  const concrete = errors.filter((error) => !['anyOf', 'oneOf', 'if'].includes(error.keyword));
  const deepest = Math.max(...concrete.map(depth));
  const best = concrete.filter((error) => depth(error) === deepest);
  const constants = best.filter((error) => error.keyword === 'const');
  if (constants.length > 1) {
    const values = constants.map((error) => (error.params as { allowedValue: unknown }).allowedValue);
    return { ...constants[0]!, keyword: 'enum', params: { allowedValues: values } };
  }
  return best[0] ?? errors[0]!;
}

function allowedValues(error: ErrorObject): unknown[] | undefined {
  if (error.keyword === 'enum') return (error.params as { allowedValues: unknown[] }).allowedValues;
  if (error.keyword === 'const') return [(error.params as { allowedValue: unknown }).allowedValue];
  return undefined;
}

function describeExpectation(error: ErrorObject): string {
  const summary = (error.parentSchema as { description?: string } | undefined)?.description;
  return `${error.message ?? error.keyword}${summary ? ` (${summary})` : ''}`;
}

function describeSchema(stage: StageSchema, path: readonly (string | number)[]): string {
  let schema: { properties?: Record<string, unknown>; items?: unknown; description?: string; type?: string } =
    stage.params;
  for (const step of path) {
    schema = (typeof step === 'number' ? schema.items : schema.properties?.[step]) as typeof schema;
    if (schema === undefined) return 'a value';
  }
  return schema.description ?? schema.type ?? 'a value';
}
