/** The suite itself: a good stage passes, and each way of breaking a promise is found. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type StageDefinition, Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { FeatureTable, SplitTable, Transform } from '@prosodia/tables';
import { type StageCases, checkStage, featuresOf, splitOf } from './index.ts';

const inputs = { features: FeatureTable, split: SplitTable };
const outputs = { features: FeatureTable, centre: Transform };
const params = Type.Object({
  factor: Type.Number({ default: 1, description: 'What the means are multiplied by.' }),
  fit_on: Type.Array(Type.Union([Type.Literal('train'), Type.Literal('validation')]), {
    default: ['train'],
    description: 'Roles of the rows it is fitted on.',
  }),
});

type Stage = StageDefinition<typeof params, typeof inputs, typeof outputs, number[]>;
type RunContext = Parameters<Stage['run']>[0];

/** Subtracts the mean of the training rows. */
const good: Stage = defineStage({
  name: 'centre',
  summary: 'Subtracts the mean of the training rows.',
  params,
  inputs,
  outputs,
  async fit({ training }): Promise<number[]> {
    return meanOf(await training.features.all());
  },
  async run({ inputs, outputs, params, state, signal }) {
    const { features } = inputs;
    outputs.features.begin(features.layout, features.metadata);
    const { items, values, width } = await features.all();
    for (const [r, item] of items.entries()) {
      throwIfCancelled(signal);
      const row = values.subarray(r * width, (r + 1) * width);
      await outputs.features.append(
        item,
        row.map((value, j) => value - params.factor * state[j]!),
      );
    }
    await outputs.centre.json('centre.json', state);
  },
});

function meanOf({ values, width, items }: { values: Float32Array; width: number; items: readonly unknown[] }) {
  return Array.from({ length: width }, (_, j) => {
    let sum = 0;
    for (let r = 0; r < items.length; r++) sum += values[r * width + j]!;
    return items.length === 0 ? 0 : sum / items.length;
  });
}

const cases: StageCases<typeof inputs, typeof outputs> = {
  fixture: (clips) => ({ inputs: { features: featuresOf(clips), split: splitOf(clips) } }),
  empty: 'works',
  one_row: 'works',
  no_training: 'works',
};

/** The good stage, with something done before it runs. */
const doing = (before: (context: RunContext) => Promise<RunContext | void>): Stage => ({
  ...good,
  run: async (context) => good.run((await before(context)) ?? context),
});

/** A context with other members, as the host makes it. */
const withMembers = (context: RunContext, members: Partial<RunContext>) =>
  Object.assign(Object.create(context) as RunContext, members);

let calls = 0;

const bad: [string, Stage, RegExp][] = [
  [
    'fits on all rows in run',
    doing(async (context) => withMembers(context, { state: meanOf(await context.inputs.features.all()) })),
    /fits the same whatever the test rows hold: centre\/centre\.json depends on test rows/,
  ],
  [
    'learns nothing',
    doing((context) => Promise.resolve(withMembers(context, { state: [0, 0, 0, 0] }))),
    /train rows with other data and labels change nothing/,
  ],
  [
    'gives other numbers each time',
    doing((context) => Promise.resolve(withMembers(context, { state: context.state.map((x) => x + calls++) }))),
    /gives the same bytes twice: .* differs/,
  ],
  [
    'lets the number of threads change its numbers',
    doing((context) =>
      Promise.resolve(withMembers(context, { state: context.state.map((x) => x + 1e-3 * context.threads) })),
    ),
    /gives the same bytes on two threads: .* differs/,
  ],
  [
    'writes into the working folder',
    // Not where the suite only runs it again: that is the folder the tests were started in.
    doing(async () => (/working-folder$/.test(process.cwd()) ? writeFile('stray.txt', 'x') : undefined)),
    /writes nothing but its outputs: working-folder\/stray\.txt was written/,
  ],
  [
    'draws random numbers without saying so',
    doing((context) => Promise.resolve(void context.rng.next())),
    /draws random numbers but does not say so/,
  ],
  [
    'gives other numbers if an earlier run left something',
    doing(async (context) => {
      const [found] = (await context.scratch.read('count')) ?? [0];
      await context.scratch.write('count', Uint8Array.of(found! + 1));
      return withMembers(context, { state: context.state.map((x) => x + found!) });
    }),
    /has left something to go on from: .* differs/,
  ],
  ['says it is seeded and is not', { ...good, seeded: true }, /another seed changes nothing/],
  [
    'crashes on a table without rows',
    doing(async ({ inputs }) => void (await inputs.features.all()).items[0]!.item_id),
    /takes inputs without rows: it crashed: TypeError/,
  ],
  [
    'writes an item twice',
    doing(async ({ inputs, outputs }) => {
      const append = outputs.features.append.bind(outputs.features);
      const { items } = await inputs.features.all();
      outputs.features.append = (item, values) => append({ ...item, item_id: items[0]!.item_id }, values);
    }),
    /output features holds item toy\/000 twice/,
  ],
  [
    'has a parameter without a description',
    { ...good, params: Type.Object({ ...params.properties, factor: Type.Number({ default: 1 }) }) },
    /parameter factor has no description/,
  ],
  [
    'has a default that it refuses itself',
    {
      ...good,
      params: Type.Object({
        ...params.properties,
        factor: Type.Number({ default: 1, maximum: 0, description: 'What the means are multiplied by.' }),
      }),
    },
    /parameter factor refuses its default 1/,
  ],
  [
    'ends with an error of its own when cancelled',
    {
      ...good,
      run: (context) =>
        good.run(context).catch(() => {
          throw new Error('stopped');
        }),
    },
    /while it writes, and finishes nothing: ended with Error: stopped, not with CancelledError/,
  ],
];

describe('checkStage', () => {
  it('finds nothing wrong with a good stage', async () => {
    expect(await checkStage(good, cases)).toEqual([]);
  });

  it.each(bad)('finds a stage that %s', async (_, stage, problem) => {
    expect((await checkStage(stage, cases)).join('\n')).toMatch(problem);
  });

  it('passes a stage that does not look at its signal: the host does', async () => {
    const deaf = doing((context) => Promise.resolve(withMembers(context, { signal: new AbortController().signal })));
    expect(await checkStage(deaf, cases)).toEqual([]);
  });

  it('finds an outcome other than the one declared', async () => {
    const found = await checkStage(good, { ...cases, empty: 'refused' });
    expect(found).toEqual(['centre refuses inputs without rows: it was not refused']);
  });
});
