/** What can be wrong with a pipeline file: each with its place, the line, what was expected, what to do. */
import { describe, expect, it } from 'vitest';
import { RequestError, Type } from '@prosodia/core';
import type { StageInfo } from '../catalogue/info.ts';
import { keyOf, keyParts } from '../run/keys.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Plan } from './plan.ts';
import { planPipeline } from './resolve.ts';
import { CATALOGUE, kind } from './toy-catalogue.ts';

const GOOD = `name: good
vars: { corpus: demo, limit: 3, on: false, seed: 7 }
stages:
  clips: { uses: read, with: { corpus: '\${corpus}', limit: '\${limit}' } }
  scaled:
    uses: scale
    from: { clips }
    with: { on: '\${on}', kind: robust }
  vote: { uses: vote, from: { members: [scaled.features, scaled.more] } }
publish:
  .: vote
  models/scaler: scaled.scaler
`;

const plan = (text: string, overrides: Record<string, string> = {}): Plan =>
  planPipeline('p.yaml', text, CATALOGUE, overrides);

/** The message of the error that a text gives. */
function messageFor(text: string, overrides: Record<string, string> = {}): string {
  try {
    plan(text, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return (error as RequestError).message;
  }
  throw new Error('accepted');
}

/** The message that one replacement in the good file gives. */
function messageAfter(from: string | RegExp, to: string): string {
  const text = GOOD.replace(from, to);
  expect(text).not.toBe(GOOD);
  return messageFor(text);
}

describe('a good pipeline', () => {
  it('becomes a plan with every default, wire and seed spelled out', () => {
    const { instances, publish, vars } = plan(GOOD);
    expect(instances.map(({ name, params, inputs, seed, needs }) => ({ name, params, inputs, seed, needs }))).toEqual([
      { name: 'clips', params: { corpus: 'demo', limit: 3 }, inputs: {}, seed: 7, needs: [] },
      {
        name: 'scaled',
        params: { kind: 'robust', options: { deep: 0.5 }, on: false },
        inputs: { clips: [{ instance: 'clips', output: 'clips' }] },
        seed: 7,
        needs: ['clips'],
      },
      {
        name: 'vote',
        params: {},
        inputs: {
          members: [
            { instance: 'scaled', output: 'features' },
            { instance: 'scaled', output: 'more' },
          ],
          clips: [],
        },
        seed: 7,
        needs: ['scaled'],
      },
    ]);
    expect(publish).toEqual({
      '.': { instance: 'vote', output: 'features' },
      'models/scaler': { instance: 'scaled', output: 'scaler' },
    });
    expect(vars).toEqual({ corpus: 'demo', limit: 3, on: false, seed: 7, device: 'auto' });
  });

  it('gives a stage whose numbers depend on its threads as many as its parameter says, or the pipeline', () => {
    const threads = Type.Integer({ default: 1 });
    const network: StageInfo = {
      ...CATALOGUE.get('vote')!,
      name: 'network',
      params: Type.Object({ threads }, { additionalProperties: false }),
      resources: { threads: 'param', memory_gb: 1 },
    };
    const catalogue = new Map([...CATALOGUE, ['network', network]]);
    const wantedBy = (settings: string) => {
      const text = GOOD.replace('uses: vote,', `uses: network, ${settings}`);
      return planPipeline('p.yaml', text, catalogue, {}).instances.at(-1)!.resources;
    };
    expect(wantedBy('')).toEqual({ threads: 1, memory_gb: 1 });
    expect(wantedBy('with: { threads: 4 },')).toEqual({ threads: 4, memory_gb: 1 });
    expect(wantedBy('with: { threads: 4 }, resources: { threads: 2 },')).toEqual({ threads: 2, memory_gb: 1 });
  });

  it('takes values from outside with the type the file gives the variable', () => {
    const given = plan(GOOD, { limit: '25', on: 'true', corpus: '007', seed: '-3' });
    expect(given.instances[0]!.params).toEqual({ corpus: '007', limit: 25 });
    expect(given.instances[1]!.params['on']).toBe(true);
    expect(given.instances[1]!.seed).toBe(-3);
  });

  it('fills variables into longer texts as text, at any depth', () => {
    const text = GOOD.replace("corpus: '${corpus}'", "corpus: 'a ${corpus} of ${ limit }'");
    expect(plan(text).instances[0]!.params['corpus']).toBe('a demo of 3');
  });

  it('may list stages in any order', () => {
    const text = `name: x\nstages:\n  vote: { uses: vote, from: { members: [b.more] } }\n  b: { uses: scale, from: { clips: a } }\n  a: { uses: read, with: { corpus: x } }\n`;
    expect(plan(text).instances.map(({ name }) => name)).toEqual(['a', 'b', 'vote']);
  });

  it('may be written with Windows line ends, tabs in comments and a byte order mark', () => {
    expect(plan(`\uFEFF${GOOD.replaceAll('\n', '\r\n')}#\tx`).instances).toEqual(plan(GOOD).instances);
  });
});

describe('the key of a stage', () => {
  const manifest = { outputs: { clips: { digest: 'd' } } } as unknown as Manifest;
  const keyFor = (text: string, code = 'c') => {
    const instance = plan(text).instances[1]!;
    return keyOf(keyParts(instance, { code, device: 'cpu', results: new Map([['clips', manifest]]) }));
  };

  it('does not depend on the order of parameters, the name of the instance, or whether defaults are written out', () => {
    const key = keyFor(GOOD);
    expect(keyFor(GOOD.replace("{ on: '${on}', kind: robust }", '{ kind: robust, on: false }'))).toBe(key);
    expect(keyFor(GOOD.replaceAll('scaled', 'other'))).toBe(key);
    expect(keyFor(GOOD.replace('kind: robust', 'kind: robust, options: { deep: 0.5 }'))).toBe(key);
    expect(keyFor(GOOD.replace('corpus: demo', 'corpus: other'))).toBe(key);
  });

  it('depends on parameters, seed and code', () => {
    const keys = [
      keyFor(GOOD),
      keyFor(GOOD.replace('kind: robust', 'kind: standard')),
      keyFor(GOOD.replace('kind: robust', 'kind: robust, options: { deep: 0.25 }')),
      keyFor(GOOD.replace('seed: 7', 'seed: 8')),
      keyFor(GOOD, 'other code'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('what is wrong with a pipeline is told with its place', () => {
  it('misspelt key', () => {
    expect(messageAfter('    uses: scale', '    use: scale')).toBe(
      [
        'p.yaml:6:5: unknown key use',
        '     6 |     use: scale',
        '       |     ^',
        '  expected: one of: uses, with, from, seed, matrix, foreach, search, collect, resources',
        '  got:      use',
        '  fix:      did you mean uses?',
      ].join('\n'),
    );
  });

  it('wrong type', () => {
    expect(messageAfter("limit: '${limit}'", 'limit: lots')).toBe(
      [
        'p.yaml:4:60: parameter limit of stage read is wrong',
        "     4 |   clips: { uses: read, with: { corpus: '${corpus}', limit: lots } }",
        '       |                                                            ^',
        '  expected: must be integer',
        '  got:      "lots"',
      ].join('\n'),
    );
  });

  const cases: [name: string, from: string | RegExp, to: string, lines: (string | RegExp)[]][] = [
    [
      'unknown stage',
      'uses: vote',
      'uses: vot',
      ['p.yaml:9:17: there is no stage vot', 'fix:      did you mean vote?'],
    ],
    [
      'unknown parameter',
      'kind: robust',
      'knd: robust',
      ['p.yaml:8:26: stage scale has no parameter knd', 'one of: kind, options, on', 'did you mean kind?'],
    ],
    [
      'unknown inner parameter',
      'kind: robust',
      'options: { depe: 1 }',
      ['p.yaml:8:37: stage scale has no parameter options.depe', 'did you mean deep?'],
    ],
    [
      'value that is not allowed',
      'kind: robust',
      'kind: robst',
      [
        'p.yaml:8:32: parameter kind of stage scale is wrong',
        'one of: standard, robust',
        'got:      "robst"',
        'did you mean robust?',
      ],
    ],
    ['value out of range', "limit: '${limit}'", 'limit: 0', ['p.yaml:4:60:', 'must be >= 1', 'got:      0']],
    [
      'missing parameter',
      "corpus: '${corpus}', ",
      '',
      ['p.yaml:4:30: stage read needs the parameter corpus', 'expected: corpus: Which corpus.'],
    ],
    [
      'missing input',
      '    from: { clips }\n',
      '',
      [
        'stage scale needs the input clips',
        'from: { clips: an output of kind clips }',
        'outputs of that kind here: clips.clips',
      ],
    ],
    [
      'unknown input',
      'from: { clips }',
      'from: { clip: clips }',
      ['p.yaml:7:13: stage scale has no input clip', 'did you mean clips?'],
    ],
    [
      'wrong kind',
      'from: { clips }',
      'from: { clips: vote.features }',
      [
        'p.yaml:7:20: input clips takes another kind',
        'expected: kind clips (some clips)',
        'got:      vote.features, which is of kind features',
      ],
    ],
    [
      'no output of the kind',
      'from: { clips }',
      'from: { clips: vote }',
      ['p.yaml:7:20: vote has no output of kind clips', 'got:      vote; it has vote.features (features)'],
    ],
    [
      'unknown instance',
      'scaled.more]',
      'scalde.more]',
      ['p.yaml:9:58: there is no stage instance scalde', 'did you mean scaled?'],
    ],
    [
      'unknown output',
      'scaled.more]',
      'scaled.mor]',
      ['p.yaml:9:58: scaled has no output mor', 'did you mean scaled.more?'],
    ],
    [
      'ambiguous output',
      '[scaled.features, scaled.more]',
      'scaled',
      [
        'p.yaml:9:40: scaled has several outputs that fit input members',
        'scaled.features (features), scaled.more (features)',
      ],
    ],
    [
      'too many parts',
      'scaled.more]',
      'scaled.more.x]',
      ['p.yaml:9:58: this does not name a stage output', 'got:      scaled.more.x'],
    ],
    [
      'several where one goes',
      'from: { clips }',
      'from: { clips: [clips, clips] }',
      ['input clips takes one output', 'got:      2 of them'],
    ],
    [
      'input that is no name',
      'from: { clips }',
      'from: { clips: 3 }',
      ['p.yaml:7:20: input clips does not name a stage output'],
    ],
    ['duplicate key', 'kind: robust', 'on: true', ['p.yaml:8:26: not valid YAML: Map keys must be unique']],
    ['bad YAML', '{ clips }', '{ clips', ['p.yaml:8:5: not valid YAML:', 'check indentation']],
    ['alias without anchor', 'uses: scale', 'uses: *nothing', ['p.yaml', 'not valid YAML: Unresolved alias']],
    [
      'unknown variable',
      "'${on}'",
      "'${of}'",
      ['p.yaml:8:17: there is no variable of', 'got:      ${of}', 'did you mean ${on}?'],
    ],
    [
      'variable from the prototype',
      "'${on}'",
      "'${toString}'",
      ['p.yaml:8:17: there is no variable toString', 'add it under vars'],
    ],
    [
      'variable of the wrong type',
      'corpus: demo',
      'corpus: [a]',
      ['p.yaml:4:40: parameter corpus of stage read is wrong', 'got:      ["a"]'],
    ],
    ['seed that is no number', 'seed: 7', 'seed: abc', ['p.yaml:2:50: a seed is a whole number', 'got:      "abc"']],
    [
      'stage seed that is no number',
      'uses: scale',
      'uses: scale\n    seed: 1.5',
      ['p.yaml:7:11: a seed is a whole number'],
    ],
    ['no name', 'name: good\n', '', ['a pipeline needs a plain name', 'got:      nothing']],
    ['name that leads elsewhere', 'name: good', 'name: ../good', ['p.yaml:1:7: a pipeline needs a plain name']],
    ['title that is no text', 'name: good', 'name: good\ntitle: [x]', ['p.yaml:2:8: title has the wrong form']],
    [
      'instance name',
      '  vote: {',
      '  "my vote": {',
      ['p.yaml:9:3: a stage instance needs a plain name', 'got:      my vote'],
    ],
    ['publish outside', 'models/scaler', '../scaler', ['p.yaml:12:3: published files stay inside the run']],
    ['publish at a root', 'models/scaler', '/scaler', ['p.yaml:12:3: published files stay inside the run']],
    ['publish over the record', 'models/scaler', 'stages', ['p.yaml:12:3: the run itself keeps its stages there']],
    [
      'publish inside an artifact',
      'models/scaler: scaled.scaler',
      'm: scaled.scaler\n  m/x: scaled.more',
      ['p.yaml:13:3: m/x would lie inside m'],
    ],
    [
      'publish of nothing',
      'scaled.scaler',
      'scaled.scalr',
      ['p.yaml:12:18: scaled has no output scalr', 'scaled.scaler?'],
    ],
    [
      'stages that are no map',
      /stages:[^]*publish/,
      'stages: []\npublish',
      ['p.yaml:3:9: stages has the wrong form', 'got:      []'],
    ],
    [
      'no stage at all',
      /stages:[^]*publish/,
      'stages: {}\npublish',
      ['p.yaml:3:9: a pipeline needs at least one stage'],
    ],
  ];
  it.each(cases)('%s', (_, from, to, parts) => {
    const message = messageAfter(from, to);
    for (const part of parts) expect(message).toContain(part);
    expect(message).toMatch(/^p\.yaml/);
  });

  it('a circle is spelled out', () => {
    const text = `name: x
stages:
  a: { uses: scale, from: { clips: c.clips } }
  b: { uses: vote, from: { members: a.features } }
  c: { uses: both, from: { members: b } }
  d: { uses: vote, from: { members: c.features } }
`;
    const [, vote] = [...CATALOGUE].find(([name]) => name === 'vote')!;
    const both = { ...vote, name: 'both', outputs: [...vote.outputs, { name: 'clips', kind: kind('clips') }] };
    expect(() => planPipeline('p.yaml', text, new Map([...CATALOGUE, ['both', both]]))).toThrow(
      /wait for each other in a circle[^]*got: {6}(a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)/,
    );
  });

  it('an empty file and one that is no map', () => {
    expect(messageFor('')).toMatch(/^p\.yaml:1:1: the file has the wrong form\n/);
    expect(messageFor('# nothing\n')).toContain('the file has the wrong form');
    expect(messageFor('- a\n')).toContain('got:      ["a"]');
  });

  it('tabs before the place keep the caret below it', () => {
    expect(messageFor('name: x\nstages: {\ta: {\tusse: read } }\n')).toContain('\n       |          \t    \t^');
  });

  it('values from outside: unknown name, wrong type', () => {
    expect(messageFor(GOOD, { copus: 'x' })).toMatch(/the pipeline has no variable copus[^]*did you mean corpus\?/);
    expect(messageFor(GOOD, { constructor: 'x' })).toContain('the pipeline has no variable constructor');
    expect(messageFor(GOOD, { limit: 'many' })).toMatch(/variable limit is a number[^]*got: {6}many/);
    expect(messageFor(GOOD, { limit: '' })).toContain('variable limit is a number');
    expect(messageFor(GOOD, { on: 'yes' })).toContain('variable on is true or false');
    expect(messageFor(GOOD, { seed: '1.5' })).toContain('a seed is a whole number');
  });
});
