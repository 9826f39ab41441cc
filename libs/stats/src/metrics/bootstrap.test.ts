import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { bootstrapInterval } from './bootstrap.ts';

const rng = new Rng(1);
const values = Array.from({ length: 200 }, () => rng.normal(3, 2));
const mean = (rows: Int32Array) => rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;

describe('bootstrapInterval', () => {
  it('gives the same interval for the same seed, another for another', () => {
    expect(bootstrapInterval(200, mean, { seed: 1 })).toEqual(bootstrapInterval(200, mean, { seed: 1 }));
    expect(bootstrapInterval(200, mean, { seed: 2 }).low).not.toBe(bootstrapInterval(200, mean, { seed: 1 }).low);
  });

  it('has the width that the normal approximation predicts for a mean', () => {
    const { estimate, low, high, standardError } = bootstrapInterval(200, mean, { seed: 3, replicates: 4000 });
    const spread = Math.sqrt(values.reduce((sum, x) => sum + (x - estimate) ** 2, 0) / 200 / 200);
    expect(standardError / spread).toBeGreaterThan(0.95);
    expect(standardError / spread).toBeLessThan(1.05);
    expect((high - low) / (2 * 1.96 * spread)).toBeGreaterThan(0.93);
    expect((high - low) / (2 * 1.96 * spread)).toBeLessThan(1.07);
    expect(low).toBeLessThan(estimate);
    expect(high).toBeGreaterThan(estimate);
  });

  it('covers the true mean about as often as it says', () => {
    let covered = 0;
    for (let trial = 0; trial < 150; trial++) {
      const sample = Array.from({ length: 30 }, () => rng.normal());
      const ofSample = (rows: Int32Array) => rows.reduce((sum, row) => sum + sample[row]!, 0) / rows.length;
      const { low, high } = bootstrapInterval(30, ofSample, { seed: trial, replicates: 200, level: 0.9 });
      if (low <= 0 && high >= 0) covered++;
    }
    expect(covered).toBeGreaterThan(118);
    expect(covered).toBeLessThan(147);
  });

  it('draws whole groups, and is wider where rows of a group agree', () => {
    const groups = values.map((_, i) => `speaker ${i % 10}`);
    const shift = groups.map((group) => Number(group.slice(8)));
    const shifted = (rows: Int32Array) => rows.reduce((sum, row) => sum + shift[row]!, 0) / rows.length;
    const byRow = bootstrapInterval(200, shifted, { seed: 1 });
    const byGroup = bootstrapInterval(200, shifted, { seed: 1, groups });
    expect(byGroup.standardError).toBeGreaterThan(3 * byRow.standardError);
    bootstrapInterval(
      200,
      (rows) => {
        const counts = new Map<string, number>();
        for (const row of rows) counts.set(groups[row]!, (counts.get(groups[row]!) ?? 0) + 1);
        for (const count of counts.values()) expect(count % 20).toBe(0);
        return 0;
      },
      { seed: 1, groups, replicates: 5 },
    );
  });

  it('leaves out draws without a value and counts them', () => {
    const sometimes = (rows: Int32Array) => (rows.includes(0) ? mean(rows) : NaN);
    const { undefinedReplicates, low } = bootstrapInterval(200, sometimes, { seed: 1 });
    expect(undefinedReplicates).toBeGreaterThan(300); // a row is missed by 1/e of the draws
    expect(low).not.toBeNaN();
    expect(() => bootstrapInterval(5, () => NaN, { seed: 1 })).toThrow(/undefined on nearly every draw/);
  });

  it('refuses nothing to draw from and options out of range', () => {
    expect(() => bootstrapInterval(0, mean, { seed: 1 })).toThrow(/at least one row/);
    expect(() => bootstrapInterval(3, mean, { seed: 1, groups: ['a', 'b'] })).toThrow(/one group for each of 3 rows/);
    expect(() => bootstrapInterval(2, mean, { seed: 1, groups: ['a', 'a'] })).toThrow(/two groups or more/);
    expect(() => bootstrapInterval(3, mean, { seed: 1, replicates: 0 })).toThrow(/replicates/);
    expect(() => bootstrapInterval(3, mean, { seed: 1, level: 1 })).toThrow(/level/);
  });
});
