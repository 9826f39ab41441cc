import { describe, expect, it } from 'vitest';
import { Rng } from './random.ts';

describe('Rng', () => {
  it('gives the same numbers for the same seed and labels, and others for others', () => {
    const draws = (rng: Rng) => Array.from({ length: 5 }, () => rng.uint32());
    expect(draws(new Rng(7, 'a', 1))).toEqual(draws(new Rng(7, 'a', 1)));
    expect(draws(new Rng(7, 'a', 1))).not.toEqual(draws(new Rng(7, 'a', 2)));
    expect(draws(new Rng(7, 'a', 1))).not.toEqual(draws(new Rng(8, 'a', 1)));
  });

  it('forks by label only: drawing from the parent changes nothing for the child', () => {
    const parent = new Rng(3);
    const before = parent.fork('row', 12).next();
    parent.next();
    expect(parent.fork('row', 12).next()).toBe(before);
    expect(new Rng(3, 'row', 12).next()).toBe(before);
  });

  it('is uniform: chi-square over 64 cells, mean and variance of normals', () => {
    const rng = new Rng(1);
    const n = 64_000;
    const counts = new Float64Array(64);
    for (let i = 0; i < n; i++) counts[rng.int(64)]!++;
    const chi = counts.reduce((sum, count) => sum + (count - n / 64) ** 2 / (n / 64), 0);
    expect(chi).toBeLessThan(114); // 99.99th percentile of chi-square with 63 degrees of freedom
    const normals = Array.from({ length: n }, () => rng.normal());
    const mean = normals.reduce((a, b) => a + b, 0) / n;
    const variance = normals.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  });

  it('shuffles to a permutation and samples without replacement', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = new Rng(5).shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
    expect(new Set(new Rng(5).sample(items, 20)).size).toBe(20);
  });

  it('refuses an empty range', () => {
    expect(() => new Rng(1).int(0)).toThrow(RangeError);
  });
});
