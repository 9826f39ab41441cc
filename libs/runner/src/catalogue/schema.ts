/**
 * The JSON Schema of pipeline files, for editors: completion and help for stages, their inputs and
 * their parameters, made from the same definitions that the runner checks against.
 */
import { FAN_OUT, matrix, foreach, search } from './fan-out-schema.ts';
import type { Catalogue, StageInfo } from './info.ts';

type JsonSchema = Record<string, unknown>;

const reference = {
  type: 'string',
  pattern: '^([A-Za-z][\\w-]*|\\$\\{[^}]+\\})(\\[[^\\[\\]]*\\])?(\\.([A-Za-z]\\w*|\\$\\{[^}]+\\}))?$',
  description: 'stage, stage.output or stage[axis=value].output',
};
const variable = { type: 'string', pattern: '^\\$\\{[^}]+\\}$', description: 'a variable or an axis of the pipeline' };
const VARIABLE = '#/definitions/variable';

export function pipelineSchema(catalogue: Catalogue): JsonSchema {
  const stages = [...catalogue.values()];
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Prosodia pipeline',
    type: 'object',
    required: ['name', 'stages'],
    additionalProperties: false,
    definitions: { variable },
    properties: {
      name: { type: 'string', description: 'Name of the pipeline, the same as the file.' },
      title: { type: 'string', description: 'One line, shown when it runs and in reports.' },
      description: { type: 'string', description: 'What the pipeline does and where it comes from.' },
      vars: {
        type: 'object',
        description: 'Values used as ${name}; set from outside with --name=value.',
        additionalProperties: true,
      },
      matrix,
      foreach,
      search,
      stages: {
        type: 'object',
        minProperties: 1,
        description: 'Stage instances by name.',
        propertyNames: { pattern: '^[A-Za-z][\\w-]*$' },
        additionalProperties: {
          type: 'object',
          required: ['uses'],
          properties: {
            uses: { anyOf: [{ enum: stages.map(({ name }) => name) }, variable], description: 'The stage.' },
          },
          allOf: stages.map((stage) => ({
            if: { properties: { uses: { const: stage.name } }, required: ['uses'] },
            then: instanceSchema(stage),
          })),
        },
      },
      publish: {
        type: 'object',
        description: "Places in the run's folder (. for its root) and the outputs to put there.",
        additionalProperties: reference,
      },
    },
  };
}

function instanceSchema(stage: StageInfo): JsonSchema {
  const needed = stage.inputs.filter(({ arity }) => arity === 'one').map(({ name }) => name);
  const inputs = stage.inputs.map(({ name, kind, arity }) => {
    const description = `${kind.id}: ${kind.summary}`;
    const list = { type: 'array', items: reference };
    return [name, { description, anyOf: [reference, { type: 'null' }, ...(arity === 'many' ? [list] : [])] }] as const;
  });
  return {
    additionalProperties: false,
    ...(needed.length > 0 ? { required: ['uses', 'from'] } : {}),
    properties: {
      uses: { const: stage.name, description: stage.summary },
      from: {
        type: 'object',
        description: 'Where its inputs come from.',
        additionalProperties: false,
        required: needed,
        properties: Object.fromEntries(inputs),
      },
      with: { anyOf: [withVariables(stage.params), variable] },
      ...FAN_OUT,
      seed: { anyOf: [{ type: 'number' }, variable], description: 'A seed of its own instead of the variable seed.' },
    },
  };
}

/** Any parameter, at any depth, may also be given as a variable. */
function withVariables(params: StageInfo['params']): JsonSchema {
  return { ...(relaxed(params) as JsonSchema), description: 'Its parameters.' };
}

/**
 * As people write parameters: what has a default need not be there (the definitions call it required, since a stage
 * always has it), and a property may be a variable.
 */
function relaxed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(relaxed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { properties, required, ...rest } = schema as JsonSchema & { properties?: Record<string, JsonSchema> };
  const map = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, relaxed(value)]));
  const needed = Array.isArray(required)
    ? { required: required.filter((name: string) => !('default' in (properties?.[name] ?? {}))) }
    : {};
  if (!properties) return { ...map, ...needed };
  const own = Object.entries(properties).map(([name, property]) => {
    const help = pick(property, ['description', 'default']);
    return [name, { ...help, anyOf: [relaxed(property), { $ref: VARIABLE }] }] as const;
  });
  return { ...map, ...needed, properties: Object.fromEntries(own) };
}

function pick(schema: JsonSchema, names: readonly string[]): JsonSchema {
  return Object.fromEntries(names.filter((name) => name in schema).map((name) => [name, schema[name]]));
}
