import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { fitVoteWeights, hardVote, softVote } from './ensemble.ts';
import { matrixFrom } from './matrix.ts';
import { argmaxRows, logLoss } from './metrics/probabilities.ts';
import { expectClose } from './testing/golden.ts';
import { randomProbabilities } from './testing/random.ts';

const first = matrixFrom([
  [0.9, 0.1],
  [0.4, 0.6],
]);
const second = matrixFrom([
  [0.3, 0.7],
  [0.2, 0.8],
]);

describe('softVote', () => {
  it('is the mean, weighted on demand', () => {
    expectClose(softVote([first, second]).data, [0.6, 0.4, 0.3, 0.7]);
    expectClose(softVote([first, second], [3, 1]).data, [0.75, 0.25, 0.35, 0.65]);
    expectClose(softVote([first, second], [0, 2]).data, second.data);
  });

  it('refuses members that differ, no member, and weights that are none', () => {
    expect(() => softVote([])).toThrow(/nobody votes/);
    expect(() => softVote([first, matrixFrom([[1, 0]])])).toThrow(/1 x 2 from member 1/);
    expect(() => softVote([matrixFrom([[0.5, 0.6]])])).toThrow(/not a distribution/);
    for (const weights of [[1], [0, 0], [-1, 2], [NaN, 1]]) {
      expect(() => softVote([first, second], weights)).toThrow(/vote weights/);
    }
  });
});

describe('hardVote', () => {
  it('counts one vote a member and gives a tie to the lowest class', () => {
    const votes = hardVote([first, second]);
    expect([...votes.data]).toEqual([0.5, 0.5, 0, 1]);
    expect([...argmaxRows(votes)]).toEqual([0, 1]);
    expect([...argmaxRows(hardVote([first, second], [1, 2]))]).toEqual([1, 1]);
  });
});

describe('fitVoteWeights', () => {
  const rng = new Rng(1);
  const truth = Array.from({ length: 300 }, () => rng.int(4));
  /** Probabilities that lean towards the truth. */
  const member = (skill: number) => {
    const noise = randomProbabilities(rng, 300, 4);
    const lean = noise.data.map((p, k) => (1 - skill) * p + (truth[Math.floor(k / 4)] === k % 4 ? skill : 0));
    return { ...noise, data: lean };
  };

  it('is no worse than any weights of a grid, and proves how near the optimum it is', () => {
    const members = [member(0.1), member(0.3), member(0.05)];
    const { weights, before, after, gap } = fitVoteWeights(truth, members);
    expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(after).toBeLessThan(before);
    expect(gap).toBeLessThan(1e-6);
    for (let a = 0; a <= 10; a++) {
      for (let b = 0; a + b <= 10; b++) {
        const other = logLoss(truth, softVote(members, [a, b, 10 - a - b]));
        expect(other).toBeGreaterThan(after - 1e-6);
      }
    }
  });

  it('gives all weight to a member that is right where the other only guesses', () => {
    const right = { ...member(1) };
    expect(fitVoteWeights(truth, [right, member(0)]).weights[0]).toBeGreaterThan(0.999);
  });

  it('leaves equal members equal, and one member alone', () => {
    const only = member(0.2);
    expectClose(fitVoteWeights(truth, [only, only]).weights, [0.5, 0.5]);
    expect(fitVoteWeights(truth, [only]).weights).toEqual([1]);
  });

  it('stays finite where no member gives the truth any probability', () => {
    const wrong = matrixFrom([[1, 0]]);
    expect(fitVoteWeights([1], [wrong, wrong]).weights).toEqual([0.5, 0.5]);
  });
});
