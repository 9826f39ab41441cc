import { describe, expect, it } from 'vitest';
import { AugmentationSchema } from './augmentation.ts';
import { CallbacksSchema } from './callbacks.ts';
import { LayersSchema, layers } from './layers/index.ts';
import { LossSchema } from './losses.ts';
import { MixupSchema } from './mixup.ts';
import { readOptions } from './options.ts';
import { OptimizerSchema } from './optimizers.ts';
import { ScheduleSchema } from './schedules.ts';

interface Json {
  description?: string;
  default?: unknown;
  properties?: Record<string, Json>;
  items?: Json;
}

const schemas = {
  layers: LayersSchema,
  loss: LossSchema,
  optimizer: OptimizerSchema,
  schedule: ScheduleSchema,
  callbacks: CallbacksSchema,
  augmentation: AugmentationSchema,
  mixup: MixupSchema,
};

/** All options of a schema with their paths. */
function optionsOf(schema: Json, path: string): [string, Json][] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, property]): [string, Json][] => [
    [`${path}.${name}`, property],
    ...optionsOf(property, `${path}.${name}`),
  ]);
  return schema.items ? [...inner, ...optionsOf(schema.items, `${path}[]`)] : inner;
}

describe('schemas', () => {
  const all = Object.entries(schemas).flatMap(([name, schema]) => optionsOf(schema as Json, name));

  it('are plain JSON, so that a stage can embed them and an editor can read them', () => {
    for (const schema of Object.values(schemas)) expect(JSON.parse(JSON.stringify(schema))).toEqual({ ...schema });
  });

  it('describe every option', () => {
    expect(all.filter(([, schema]) => !schema.description).map(([path]) => path)).toEqual([]);
  });

  it('have defaults that they accept themselves', () => {
    for (const [path, schema] of all) {
      if (schema.default !== undefined) expect(() => readOptions(schema as never, schema.default, path)).not.toThrow();
    }
  });

  it('know every layer', () => {
    const known = Object.keys((LayersSchema as { items: Json }).items.properties!);
    expect(known).toEqual(Object.keys(layers));
  });
});

describe('readOptions', () => {
  it('fills in defaults and keeps what was given', () => {
    expect(readOptions(OptimizerSchema, { adam: { learning_rate: 0.1 } }, 'optimizer')).toEqual({
      adam: { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
    });
  });

  it.each([
    [{ adam: { learning_rate: '0.1' } }, /optimizer.adam.learning_rate[^]*a number, above 0[^]*"0.1"/],
    [{ adam: { learning_rate: NaN } }, /a number, above 0/],
    [{ adam: null }, /a map of options[^]*null/],
    [{}, /exactly one of: adam, adamw, sgd/],
    [[], /a map of options/],
  ])('refuses %j', (value, message) => {
    expect(() => readOptions(OptimizerSchema, value, 'optimizer')).toThrow(message);
  });

  it('takes a number or a list where either is allowed, and nothing else', () => {
    const read = (alpha: unknown): unknown => readOptions(LossSchema, { focal: { alpha } }, 'loss');
    expect(read(1)).toMatchObject({ focal: { alpha: 1 } });
    expect(read([1, 2])).toMatchObject({ focal: { alpha: [1, 2] } });
    expect(() => read('1')).toThrow(/loss.focal.alpha[^]*a number, above 0, or a list/);
  });
});
