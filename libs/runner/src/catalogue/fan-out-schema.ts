/** The part of the editor schema about fan-out: `matrix`, `foreach`, `search`, `collect` and `resources`. */

import type { JsonSchema } from './shared-schema.ts';

export const variable: JsonSchema = {
  type: 'string',
  pattern: '^\\$\\{[^}]+\\}$',
  description: 'a variable or an axis of the pipeline',
};
const names = { type: 'array', items: { type: 'string' }, description: 'names of axes' };

export const matrix: JsonSchema = {
  type: 'object',
  description: 'Axes and their values; combinations multiply.',
  minProperties: 1,
  properties: {
    exclude: { type: 'array', items: { type: 'object' }, description: 'Combinations to leave out.' },
    include: { type: 'array', items: { type: 'object' }, description: 'Combinations to add.' },
  },
  additionalProperties: {
    description: 'Values of an axis: a list, or a map of names to values.',
    anyOf: [{ type: 'array', minItems: 1 }, { type: 'object', minProperties: 1 }, variable],
  },
};

export const foreach: JsonSchema = {
  type: 'object',
  description: 'Axes whose values a stage counts: { fold: split.folds } is 0 to n - 1.',
  minProperties: 1,
  additionalProperties: { type: 'string', pattern: '^[\\w-]+\\.\\w+$', description: 'stage.metric' },
};

const range = (description: string) => ({
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  description,
});

export const search: JsonSchema = {
  type: 'object',
  description: 'An axis of trials, one of which is chosen on validation rows.',
  required: ['space', 'metric'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', default: 'trial', description: 'Name of the axis.' },
    strategy: {
      enum: ['random', 'grid'],
      default: 'random',
      description: 'random: points drawn from the seed; grid: all combinations.',
    },
    trials: { anyOf: [{ type: 'integer', minimum: 1 }, variable], description: 'How many, for random.' },
    space: {
      type: 'object',
      minProperties: 1,
      description: 'What each parameter may be; used as ${trial.parameter}.',
      additionalProperties: {
        anyOf: [
          { type: 'array', minItems: 1 },
          {
            type: 'object',
            additionalProperties: false,
            properties: {
              choice: { type: 'array', minItems: 1, description: 'One of these.' },
              uniform: range('A number from the first to the second, all equally likely.'),
              loguniform: range('A number from the first to the second, all orders of magnitude equally likely.'),
              int: range('A whole number from the first to the second, both included.'),
              step: { type: 'number', exclusiveMinimum: 0, description: 'Distance from one value to the next.' },
            },
          },
        ],
      },
    },
    points: { type: 'array', items: { type: 'object' }, description: 'Points to try first.' },
    metric: { type: 'string', description: 'Number to choose by: stage.metric, or metric of this stage.' },
    mode: { enum: ['max', 'min'], description: 'Which is better; default: min for losses and errors, else max.' },
    on: { const: 'validation', description: 'Rows to choose on; there is no other choice.' },
    mean_over: { anyOf: [names, { type: 'string' }], description: 'Axes to average the metric over, such as seed.' },
    seed: { anyOf: [{ type: 'integer' }, variable], description: 'Seed of the draws; default: the variable seed.' },
  },
};

/** Keys of a stage. */
export const FAN_OUT: JsonSchema = {
  matrix: {
    anyOf: [matrix, names, { type: 'string' }],
    description: 'Axes of its own, or the names of those of the pipeline that it has; it is run once for each point.',
  },
  foreach,
  search,
  collect: {
    anyOf: [names, { type: 'string' }],
    description: 'Axes that inputs of several collect; the stage then has the other axes of those inputs.',
  },
  resources: {
    type: 'object',
    description: 'What it needs of the machine; never changes a result.',
    additionalProperties: false,
    properties: {
      threads: {
        anyOf: [{ type: 'integer', minimum: 1 }, { const: 'all' }, variable],
        description: 'Cores it takes; all: as many as the run has.',
      },
      memory_gb: { anyOf: [{ type: 'number', exclusiveMinimum: 0 }, variable], description: 'Peak memory, in GiB.' },
      gpu: { anyOf: [{ type: 'boolean' }, variable], description: 'Takes the GPU, when the run has one.' },
    },
  },
};
