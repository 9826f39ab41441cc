import { Rng } from './random.ts';
import { describe, expect, it } from 'vitest';
import { selectRanks } from './select.ts';

describe('selectRanks', () => {
  it('puts every rank asked for where sorting would, whatever the order and however many values are equal', () => {
    const rng = new Rng(1);
    for (let trial = 0; trial < 300; trial++) {
      const n = 1 + rng.int(40);
      const distinct = 1 + rng.int(50);
      const values = Float64Array.from({ length: n }, () => rng.int(distinct) - 20);
      if (trial % 3 === 1) values.sort();
      if (trial % 3 === 2) values.sort().reverse();
      const ranks = [...values.keys()].filter(() => rng.next() < 0.3);
      const sorted = values.toSorted();
      selectRanks(values, ranks);
      for (const rank of ranks) expect(values[rank]).toBe(sorted[rank]);
      expect(values.toSorted()).toEqual(sorted);
    }
  });
});
