/**
 * The JSON Schema of pipeline files, for editors: completion and help for stages, their inputs and
 * their parameters, made from the same definitions that the runner checks against.
 */
import { FAN_OUT, foreach, matrix, search, variable } from './fan-out-schema.ts';
import type { Catalogue, StageInfo } from './info.ts';
import { type JsonSchema, shared } from './shared-schema.ts';

const reference = {
  type: 'string',
  pattern: '^([A-Za-z][\\w-]*|\\$\\{[^}]+\\})(\\[[^\\[\\]]*\\])?(\\.([A-Za-z]\\w*|\\$\\{[^}]+\\}))?$',
  description: 'stage, stage.output or stage[axis=value].output',
};
const VARIABLE = '#/definitions/variable';
/** What stands with a parameter, and not with the forms it may have. */
const HELP = ['description', 'default'];

export function pipelineSchema(catalogue: Catalogue): JsonSchema {
  const stages = [...catalogue.values()];
  return shared({
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
  });
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
      with: { description: 'Its parameters.', anyOf: [relaxed(stage.params), variable] },
      ...FAN_OUT,
      seed: { anyOf: [{ type: 'number' }, variable], description: 'A seed of its own instead of the variable seed.' },
    },
  };
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
  const without = Array.isArray(required)
    ? required.filter((name: string) => !('default' in (properties?.[name] ?? {})))
    : [];
  const needed = without.length > 0 ? { required: without } : {};
  if (!properties) return { ...map, ...needed };
  const own = Object.entries(properties).map(([name, property]) => {
    const entries = Object.entries(property);
    const help = Object.fromEntries(entries.filter(([key]) => HELP.includes(key)));
    const type = Object.fromEntries(entries.filter(([key]) => !HELP.includes(key)));
    return [name, { ...help, anyOf: [relaxed(type), { $ref: VARIABLE }] }] as const;
  });
  return { ...map, ...needed, properties: Object.fromEntries(own) };
}
