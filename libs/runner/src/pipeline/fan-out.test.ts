/** How pipelines fan out: which stage has which axes, what its instances are called, what they take. */
import { describe, expect, it } from 'vitest';
import { LeakError, RequestError, Type } from '@prosodia/core';
import type { StageInfo } from '../catalogue/info.ts';
import { type Facts, type Plan, NO_FACTS } from './plan.ts';
import { planPipeline } from './resolve.ts';

const kind = (id: string) => ({ id, summary: `some ${id}`, columns: [] });

function stage(name: string, info: Partial<StageInfo>): [string, StageInfo] {
  const base = { summary: '', details: '', source: '', seeded: true, device: false, fits: false, resources: {} };
  return [name, { name, ...base, params: Type.Object({}), inputs: [], outputs: [], ...info }];
}

const number = (value: number) => Type.Optional(Type.Number({ default: value }));
const params = (fields: Parameters<typeof Type.Object>[0]) => Type.Object(fields, { additionalProperties: false });

const CATALOGUE = new Map<string, StageInfo>([
  stage('split', { outputs: [{ name: 'split', kind: kind('split') }] }),
  stage('features', {
    params: params({ n: number(1), kind: Type.Optional(Type.String()) }),
    outputs: [{ name: 'features', kind: kind('features') }],
  }),
  stage('train', {
    params: params({
      fold: number(0),
      lr: number(0.1),
      units: number(8),
      layers: Type.Optional(Type.Array(Type.String())),
      fit_on: Type.Optional(Type.Array(Type.String())),
    }),
    inputs: [
      { name: 'features', kind: kind('features'), arity: 'one' },
      { name: 'split', kind: kind('split'), arity: 'optional' },
    ],
    outputs: [{ name: 'predictions', kind: kind('predictions') }],
  }),
  stage('judge', {
    params: params({ role: Type.Optional(Type.String({ default: 'test' })), title: Type.Optional(Type.String()) }),
    inputs: [{ name: 'predictions', kind: kind('predictions'), arity: 'many' }],
    outputs: [{ name: 'report', kind: kind('report') }],
  }),
  stage('table', {
    inputs: [{ name: 'reports', kind: kind('report'), arity: 'many' }],
    outputs: [{ name: 'report', kind: kind('report') }],
  }),
]);

const plan = (text: string, overrides: Record<string, string> = {}): Plan =>
  planPipeline('p.yaml', `name: p\n${text}`, CATALOGUE, overrides);

const namesOf = ({ instances }: Plan, template?: string): string[] =>
  instances.filter((instance) => template === undefined || instance.template === template).map(({ name }) => name);

const find = ({ instances }: Plan, name: string) => instances.find((instance) => instance.name === name)!;

/** What an input of an instance takes. */
const taken = (whole: Plan, name: string, input: string): string[] =>
  find(whole, name).inputs[input]!.map(({ instance }) => instance);

function messageOf(text: string): string {
  try {
    plan(text);
  } catch (error) {
    expect(error instanceof RequestError || error instanceof LeakError).toBe(true);
    return (error as Error).message;
  }
  throw new Error('accepted');
}

const facts = (choices: Record<string, string>, counts: Record<string, number> = {}): Facts => ({
  choices: new Map(Object.entries(choices)),
  counts: new Map(Object.entries(counts)),
});

const COMPARISON = `
matrix:
  feature: { mfcc: { n: 1 }, mel: { n: 2 } }
  network: { cnn: [a, b], lstm: [c] }
  fold: [0, 1, 2]
stages:
  split: { uses: split }
  features: { uses: features, with: '\${feature}' }
  train:
    uses: train
    matrix: { seed: [1, 2] }
    from: { features, split }
    with: { fold: '\${fold}', layers: '\${network}' }
  judge:
    uses: judge
    collect: [fold]
    from: { predictions: train }
    with: { title: '\${network} on \${feature}' }
  table: { uses: table, from: { reports: judge } }
`;

describe('a matrix', () => {
  it('fans out what mentions an axis or takes from what has it; the rest runs once, and lists collect', () => {
    const whole = plan(COMPARISON);
    expect(namesOf(whole, 'split')).toEqual(['split']);
    expect(namesOf(whole, 'features')).toEqual(['features[feature=mfcc]', 'features[feature=mel]']);
    expect(namesOf(whole, 'train')).toHaveLength(2 * 2 * 3 * 2);
    expect(namesOf(whole, 'judge')).toHaveLength(2 * 2 * 2);
    expect(namesOf(whole, 'table')).toEqual(['table']);
    const one = find(whole, 'train[feature=mel,network=cnn,fold=2,seed=1]');
    expect(one.params).toEqual({ fold: 2, lr: 0.1, units: 8, layers: ['a', 'b'] });
    expect(one.seed).toBe(1);
    expect(one.needs).toEqual(['features[feature=mel]', 'split']);
    const judged = find(whole, 'judge[feature=mel,network=cnn,seed=2]');
    expect(judged.params['title']).toBe('cnn on mel');
    expect(judged.inputs['predictions']).toEqual(
      ['0', '1', '2'].map((fold) => ({
        instance: `train[feature=mel,network=cnn,fold=${fold},seed=2]`,
        output: 'predictions',
        from: `train[fold=${fold}]`,
      })),
    );
    expect(taken(whole, 'table', 'reports')).toEqual(namesOf(whole, 'judge'));
  });

  it('leaves out what is excluded, and adds what is included, for every stage that has those axes', () => {
    const whole = plan(
      COMPARISON.replace(
        '  fold: [0, 1, 2]',
        '  fold: [0, 1, 2]\n  exclude: [{ feature: mel, network: [lstm] }]\n  include: [{ feature: { gauss: { n: 3 } }, network: cnn }]',
      ),
    );
    expect(namesOf(whole, 'features')).toEqual([
      'features[feature=mfcc]',
      'features[feature=mel]',
      'features[feature=gauss]',
    ]);
    const pairs = new Set(namesOf(whole, 'judge').map((name) => name.replace(/,seed.*/, '')));
    expect([...pairs]).toEqual([
      'judge[feature=mfcc,network=cnn',
      'judge[feature=mfcc,network=lstm',
      'judge[feature=mel,network=cnn',
      'judge[feature=gauss,network=cnn',
    ]);
  });

  it('takes its values from a variable, also one set from outside', () => {
    const text = `vars: { seeds: [1, 2] }\nstages:\n  f: { uses: features, matrix: { seed: '\${seeds}' } }\n`;
    expect(plan(text).instances.map(({ seed }) => seed)).toEqual([1, 2]);
    expect(plan(text, { seeds: '7,8,9' }).instances.map(({ seed }) => seed)).toEqual([7, 8, 9]);
  });

  it('may choose the stage that is used, and where an input comes from', () => {
    const whole = plan(`
stages:
  a: { uses: features, with: { n: 1 } }
  b: { uses: features, with: { n: 2 } }
  train: { uses: train, matrix: { feature: [a, b] }, from: { features: '\${feature}' } }
`);
    expect(taken(whole, 'train[feature=b]', 'features')).toEqual(['b']);
  });

  it('can be addressed value by value, or as a whole', () => {
    const whole = plan(`
stages:
  features: { uses: features, matrix: { n: [1, 2, 3] }, with: { n: '\${n}' } }
  train: { uses: train, from: { features: 'features[n=2]' } }
  again: { uses: train, matrix: [n], from: { features: 'features[n=3]' } }
  judge: { uses: judge, from: { predictions: ['again[n=1]', 'again[n=3]'] } }
  each: { uses: judge, matrix: [n], from: { predictions: again } }
  all: { uses: judge, matrix: [n], from: { predictions: 'again[n=*]' } }
`);
    expect(taken(whole, 'train', 'features')).toEqual(['features[n=2]']);
    expect(find(whole, 'judge').inputs['predictions']!.map(({ from }) => from)).toEqual(['again[n=1]', 'again[n=3]']);
    expect(taken(whole, 'each[n=2]', 'predictions')).toEqual(['again[n=2]']);
    expect(taken(whole, 'all[n=2]', 'predictions')).toEqual(['again[n=1]', 'again[n=2]', 'again[n=3]']);
  });

  it('publishes each instance below the place', () => {
    const whole = plan(`${COMPARISON}publish:\n  .: table\n  models: train\n`);
    expect(whole.publish['.']).toEqual({ instance: 'table', output: 'report' });
    expect(whole.publish['models/feature=mel,network=lstm,fold=0,seed=2']).toEqual({
      instance: 'train[feature=mel,network=lstm,fold=0,seed=2]',
      output: 'predictions',
    });
  });

  it('plans ten thousand instances', () => {
    const many = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
    const whole = plan(`
stages:
  f: { uses: features, matrix: { n: ${many(100)} }, with: { n: '\${n}' } }
  t: { uses: train, matrix: { lr: ${many(99)} }, from: { features: f }, with: { lr: '\${lr}' } }
`);
    expect(whole.instances).toHaveLength(10_000);
  });
});

describe('foreach', () => {
  const text = `
foreach: { fold: split.folds }
stages:
  split: { uses: split }
  features: { uses: features }
  train: { uses: train, from: { features, split }, with: { fold: '\${fold}' } }
  judge: { uses: judge, from: { predictions: train } }
`;

  it('waits for the count, then has as many instances; what is known stays as it was', () => {
    const first = plan(text);
    expect(namesOf(first)).toEqual(['split', 'features']);
    expect(first.pending.map(({ name, waitsFor }) => [name, waitsFor])).toEqual([
      ['train', 'the folds of split'],
      ['judge', 'the folds of split'],
    ]);
    const next = first.extend(facts({}, { 'split.folds': 3 }));
    expect(namesOf(next)).toEqual(['split', 'features', 'train[fold=0]', 'train[fold=1]', 'train[fold=2]', 'judge']);
    expect(next.pending).toEqual([]);
    expect(next.instances[0]).toEqual(first.instances[0]);
  });

  it('is checked before the count is known', () => {
    expect(messageOf(text.replace("{ fold: '${fold}' }", "{ flod: '${fold}' }"))).toMatch(/no parameter flod/);
  });
});

describe('a search', () => {
  const text = `
stages:
  split: { uses: split }
  features: { uses: features }
  train:
    uses: train
    search:
      trials: 4
      space: { lr: { loguniform: [0.0001, 0.1] }, units: [8, 16, 32] }
      metric: val_accuracy
    from: { features, split }
    with: { lr: '\${trial.lr}', units: '\${trial.units}' }
  final:
    uses: train
    matrix: { seed: [1, 2, 3] }
    from: { features, split }
    with: { lr: '\${trial.lr}', units: '\${trial.units}' }
  judge: { uses: judge, from: { predictions: final } }
  best: { uses: judge, from: { predictions: train } }
  all: { uses: judge, from: { predictions: 'train[trial=*]' } }
`;

  it('draws the same points for the same seed, and more trials leave the first as they were', () => {
    const points = (whole: Plan) => whole.choices[0]!.candidates.map(({ value }) => value);
    const four = points(plan(text));
    expect(points(plan(text))).toEqual(four);
    expect(points(plan(text.replace('trials: 4', 'trials: 9'))).slice(0, 4)).toEqual(four);
    expect(points(plan(`vars: { seed: 1 }${text}`))).not.toEqual(four);
    const fewer = points(plan(text.replace(', units: [8, 16, 32]', '').replaceAll(", units: '${trial.units}'", '')));
    expect(fewer).toEqual(four.map((point) => ({ lr: (point as { lr: number }).lr })));
  });

  it('gives the trials to the judged stage, and the winner to everything else', () => {
    const first = plan(text);
    expect(namesOf(first, 'train')).toEqual([0, 1, 2, 3].map((trial) => `train[trial=${trial}]`));
    expect(taken(first, 'all', 'predictions')).toHaveLength(4);
    expect(first.pending.map(({ name }) => name)).toEqual([
      'final[seed=1]',
      'final[seed=2]',
      'final[seed=3]',
      'judge',
      'best',
    ]);
    expect(first.choices.map(({ id, metric, mode }) => [id, metric, mode])).toEqual([['trial', 'val_accuracy', 'max']]);
    const next = first.extend(facts({ trial: '2' }));
    const winner = first.choices[0]!.candidates[2]!.value as { lr: number; units: number };
    expect(find(next, 'final[seed=3]').params).toMatchObject(winner);
    expect(taken(next, 'judge', 'predictions')).toEqual(['final[seed=1]', 'final[seed=2]', 'final[seed=3]']);
    expect(find(next, 'best').inputs['predictions']).toEqual([
      { instance: 'train[trial=2]', output: 'predictions', from: 'train' },
    ]);
    expect(next.pending).toEqual([]);
  });

  it('chooses once per combination of the other axes, unless it averages over them', () => {
    const folds = text
      .replace('    search:', '    matrix: { fold: [0, 1], seed: [1, 2] }\n    search:\n      mean_over: [seed]')
      .replace("with: { lr: '${trial.lr}',", "with: { fold: '${fold}', lr: '${trial.lr}',")
      .replace(/ {2}final:[^]*best:/, '  best:');
    const first = plan(folds);
    expect(first.choices.map(({ id }) => id)).toEqual(['trial[fold=0]', 'trial[fold=1]']);
    expect(first.choices[1]!.candidates[3]!.instances).toEqual([
      'train[fold=1,seed=1,trial=3]',
      'train[fold=1,seed=2,trial=3]',
    ]);
    const next = first.extend(facts({ 'trial[fold=0]': '3', 'trial[fold=1]': '0' }));
    expect(taken(next, 'best', 'predictions')).toEqual([
      'train[fold=0,seed=1,trial=3]',
      'train[fold=0,seed=2,trial=3]',
      'train[fold=1,seed=1,trial=0]',
      'train[fold=1,seed=2,trial=0]',
    ]);
  });

  it('tries every point of a grid, and first those that are given', () => {
    const grid = text
      .replace('trials: 4', 'strategy: grid\n      points: [{ lr: 0.5, units: 64 }]')
      .replace('{ loguniform: [0.0001, 0.1] }', '{ uniform: [0.1, 0.3], step: 0.1 }');
    const values = plan(grid).choices[0]!.candidates.map(({ value }) => value);
    expect(values).toHaveLength(10);
    expect(values.slice(0, 2)).toEqual([
      { lr: 0.5, units: 64 },
      { lr: 0.1, units: 8 },
    ]);
    expect(values.at(-1)).toEqual({ lr: 0.3, units: 32 });
  });

  it('is refused where it would choose on test rows', () => {
    expect(messageOf(text.replace('metric: val_accuracy', 'metric: accuracy'))).toMatch(
      /^p\.yaml:\d+:\d+: a search must not choose by this metric[^]*got: {6}train\.accuracy/,
    );
    expect(messageOf(text.replace('metric: val_accuracy', 'metric: val_accuracy\n      on: test'))).toMatch(
      /a search chooses on validation rows/,
    );
    const judged = text
      .replace('metric: val_accuracy', 'metric: best.accuracy')
      .replace('best: { uses: judge,', "best: { uses: judge, with: { role: '${role}' },");
    expect(messageOf(`vars: { role: test }${judged}`)).toMatch(/got: {6}best\.accuracy of test rows/);
    expect(plan(`vars: { role: validation }${judged}`).choices).toHaveLength(1);
    const fitted = text.replace(
      'from: { features, split }\n    with: { lr',
      'from: { features, split }\n    with: { fit_on: [train, validation], lr',
    );
    expect(messageOf(fitted)).toMatch(/the validation rows that would choose are fitted on/);
    const folds = text
      .replace('    search:', '    matrix: { fold: [0, 1] }\n    search:\n      mean_over: [fold]')
      .replace("with: { lr: '${trial.lr}',", "with: { fold: '${fold}', lr: '${trial.lr}',");
    expect(messageOf(folds)).toMatch(/one choice for several folds would see test rows/);
  });

  it('gives its winner to no other fold than the one it was chosen on', () => {
    const other = text.replace('seed: [1, 2, 3] }', 'seed: [1, 2, 3], fold: [0, 1] }');
    const used = other.replace(/(final:[^]*?with: \{)/, "$1 fold: '${fold}',");
    expect(used).toContain("fold: '${fold}'");
    expect(messageOf(used)).toMatch(
      /the winner of trial was chosen on rows that this fold tests[^]*got: {6}fold 1 in final/,
    );
  });

  it('checks what takes the winner for every trial, before any has run', () => {
    expect(
      messageOf(
        text.replace(
          "seed: [1, 2, 3] }\n    from: { features, split }\n    with: { lr: '${trial.lr}'",
          "seed: [1, 2, 3] }\n    from: { features, split }\n    with: { lr: '${trial.rate}'",
        ),
      ),
    ).toMatch(/\$\{trial\} has no field rate/);
  });
});

describe('nothing known', () => {
  it('is where every plan begins', () => {
    expect(plan('stages:\n  s: { uses: split }\n').facts).toBe(NO_FACTS);
  });
});
