/** The stages that Nx's plugin sees in a pipeline file: at least those that the runner would use. */
import { describe, expect, it } from 'vitest';
import { usedStages } from '../libs/nx-plugin/uses.mjs';

const ALL = ['split', 'train-forest', 'train-network', 'scale', 'pca', 'evaluate'];
const TRAINING = ['train-forest', 'train-network'];

const usesOf = (text: string): string[] => usedStages(`name: x\n${text}`, ALL);

describe('the stages that a pipeline may use', () => {
  it('are those it names', () => {
    expect(usesOf('stages: { a: { uses: scale }, b: { uses: pca } }')).toEqual(['pca', 'scale']);
  });

  it.each([
    ['quoted', 'stages: { a: { uses: scale }, b: { "uses": "pca" } }'],
    ['escaped', 'stages: { a: { uses: scale }, b: { "u\\x73es": pca } }'],
    ['an explicit key', 'stages:\n  a: { uses: scale }\n  b:\n    ? uses\n    : pca'],
    ['an alias', 'vars: { &p p: &pca pca }\nstages: { a: { uses: scale }, b: { uses: *pca } }'],
    ['with a comment', 'stages:\n  a:\n    uses: scale # uses: nothing else\n  b: { uses: pca }'],
  ])('are found where one is written in another way: %s', (_, text) => {
    expect(usesOf(text)).toEqual(['pca', 'scale']);
  });

  it.each([
    ['an axis of the file', "matrix: { model: [train-forest, train-network] }\nstages: { a: { uses: '${model}' } }"],
    ['an axis of a stage', "stages: { a: { uses: '${m}', matrix: { m: [train-forest, train-network] } } }"],
    [
      'a field of an axis',
      "matrix: { m: { a: { stage: train-forest }, b: { stage: train-network } } }\nstages: { a: { uses: '${m.stage}' } }",
    ],
    [
      "an axis's names",
      "matrix: { m: { train-forest: { a: 1 }, train-network: { a: 2 } } }\nstages: { a: { uses: '${m.name}' } }",
    ],
    ['a part of a name', "matrix: { kind: [forest, network] }\nstages: { a: { uses: 'train-${kind}' } }"],
    [
      'a point that is included',
      "matrix: { m: [train-forest], include: [{ m: train-network }] }\nstages: { a: { uses: '${m}' } }",
    ],
    [
      'a list of values in a variable',
      "vars: { models: [train-forest, train-network] }\nmatrix: { m: '${models}' }\nstages: { a: { uses: '${m}' } }",
    ],
    ['a list of foreach', "foreach: { m: [train-forest, train-network] }\nstages: { a: { uses: '${m}' } }"],
    [
      'a search',
      "search: { space: { m: { choice: [train-forest, train-network] } }, metric: a.x }\nstages: { a: { uses: '${trial.m}' } }",
    ],
  ])('are all values of %s', (_, text) => {
    expect(usesOf(text)).toEqual(TRAINING);
  });

  it('are all stages where the file does not tell', () => {
    expect(usesOf("stages: { a: { uses: '${unknown}' } }")).toEqual([...ALL].sort());
  });

  it('are none in a file that cannot be read, which the command explains', () => {
    expect([usesOf('stages: ['), usesOf('stages: 3'), usesOf('stages: { a: null }')]).toEqual([[], [], []]);
  });
});
