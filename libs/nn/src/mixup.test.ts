import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { mix, type Batch } from './mixup.ts';

const batch = (): Batch => ({
  input: Float32Array.from({ length: 12 }, (_, i) => i),
  targets: Float32Array.of(1, 0, 1, 0, 0, 1, 0, 1),
  weights: Float32Array.of(1, 2, 3, 4),
});

describe('mixup', () => {
  it('keeps sums: means of rows, targets that sum to 1, and the weights of the batch', () => {
    const mixed = batch();
    mix(mixed, 0.4, new Rng(1));
    expect(mixed.input.reduce((total, x) => total + x, 0)).toBeCloseTo(66, 3);
    expect(mixed.weights.reduce((total, x) => total + x, 0)).toBeCloseTo(10, 4);
    for (let row = 0; row < 4; row++) expect(mixed.targets[row * 2]! + mixed.targets[row * 2 + 1]!).toBeCloseTo(1, 5);
  });

  it('weighs targets as the two losses would be: weight times target is the mean of both', () => {
    const [before, mixed] = [batch(), batch()];
    mix(mixed, 1, new Rng(2));
    const weighted = ({ targets, weights }: Batch): number =>
      targets.reduce((total, t, i) => total + (i % 2 === 0 ? t * weights[Math.floor(i / 2)]! : 0), 0);
    expect(weighted(mixed)).toBeCloseTo(weighted(before), 4);
  });

  it('gives each row at least one half of itself', () => {
    for (let seed = 0; seed < 50; seed++) {
      const mixed = {
        input: Float32Array.of(1, 0),
        targets: Float32Array.of(1, 0, 0, 1),
        weights: Float32Array.of(1, 1),
      };
      mix(mixed, 1, new Rng(seed));
      expect(mixed.targets[0]).toBeGreaterThanOrEqual(0.5);
      expect(mixed.input[0]).toBe(mixed.targets[0]);
    }
  });

  it('mixes more evenly with a larger alpha', () => {
    const unevenness = (alpha: number): number => {
      let total = 0;
      for (let seed = 0; seed < 300; seed++) {
        const mixed = {
          input: Float32Array.of(0, 0),
          targets: Float32Array.of(1, 0, 0, 1),
          weights: Float32Array.of(1, 1),
        };
        mix(mixed, alpha, new Rng(seed));
        total += mixed.targets[0]!;
      }
      return total;
    };
    expect(unevenness(0.1)).toBeGreaterThan(unevenness(10));
  });
});
