import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { GroupAggregator, aggregateRows, functionalNames } from './aggregate.ts';
import { matrixFrom } from './matrix.ts';
import { expectClose } from './testing/golden.ts';
import { randomBlocks, randomMatrix } from './testing/random.ts';

const all = ['mean', 'std', 'min', 'max'] as const;

describe('aggregateRows', () => {
  it('computes each functional over the rows of each group, in order of appearance', () => {
    const { groups, counts, matrix } = aggregateRows(
      ['b', 'a', 'b'],
      matrixFrom([
        [1, 10],
        [5, 50],
        [3, 30],
      ]),
      all,
    );
    expect(groups).toEqual(['b', 'a']);
    expect([...counts]).toEqual([2, 1]);
    expect([...matrix.data]).toEqual([2, 20, 1, 10, 1, 10, 3, 30, 5, 50, 0, 0, 5, 50, 5, 50]);
    expect(functionalNames(['x', 'y'], ['mean', 'max'])).toEqual(['x_mean', 'y_mean', 'x_max', 'y_max']);
  });

  it('agrees with two passes over each group, around a mean far from 0', () => {
    const rng = new Rng(1);
    const x = randomMatrix(rng, 300, 2);
    for (let i = 0; i < x.data.length; i++) x.data[i]! += 1e6;
    const groups = Array.from({ length: 300 }, () => `clip ${rng.int(7)}`);
    const result = aggregateRows(groups, x, ['mean', 'std']);
    result.groups.forEach((group, g) => {
      const rows = groups.flatMap((name, i) => (name === group ? [x.data[2 * i]!] : []));
      const mean = rows.reduce((a, b) => a + b, 0) / rows.length;
      const std = Math.sqrt(rows.reduce((a, b) => a + (b - mean) ** 2, 0) / rows.length);
      expectClose([result.matrix.data[4 * g]!, result.matrix.data[4 * g + 2]!], [mean, std]);
    });
  });

  it('gives the same bytes however the rows are cut into blocks', () => {
    const rng = new Rng(2);
    const x = randomMatrix(rng, 200, 3);
    const groups = Array.from({ length: 200 }, () => `clip ${rng.int(9)}`);
    const streamed = new GroupAggregator(3, all);
    let row = 0;
    for (const block of randomBlocks(x, rng)) streamed.add(groups.slice(row, (row += block.rows)), block);
    expect(streamed.finish()).toEqual(aggregateRows(groups, x, all));
  });

  it('gives nothing for nothing, and refuses what does not fit', () => {
    expect(aggregateRows([], { data: new Float64Array(0), rows: 0, cols: 2 }, ['mean']).groups).toEqual([]);
    const x = matrixFrom([[1], [NaN]]);
    expect(() => aggregateRows(['a'], matrixFrom([[1], [2]]), ['mean'])).toThrow(/2 groups/);
    expect(() => aggregateRows(['a', 'b'], x, ['mean'], { names: ['f0'] })).toThrow(/column 0 \(f0\)/);
    expect(() => aggregateRows(['a', 'b'], x, [])).toThrow(/one or more of mean/);
    expect(() => aggregateRows(['a', 'b'], x, ['min', 'min'])).toThrow(/each once/);
  });
});
