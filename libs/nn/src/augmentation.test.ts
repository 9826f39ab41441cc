import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { readAugmentation, type AugmentationSpec } from './augmentation.ts';

const changed = (spec: AugmentationSpec, shape: number[], seed = 1): Float32Array => {
  const row = new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(1);
  readAugmentation(spec, shape)!(row, new Rng(seed));
  return row;
};

describe('augmentation', () => {
  it('a time mask covers whole steps of time x frequency', () => {
    for (let seed = 0; seed < 20; seed++) {
      const row = changed({ time_mask: { max_width: 3 } }, [8, 4], seed);
      const masked = Array.from({ length: 8 }, (_, t) => row.slice(t * 4, t * 4 + 4).reduce((sum, x) => sum + x, 0));
      expect(masked.every((sum) => sum === 0 || sum === 4)).toBe(true);
      expect(masked.filter((sum) => sum === 0).length).toBeLessThanOrEqual(3);
    }
  });

  it('a frequency mask covers whole bands, in all channels of frequency x time x channels too', () => {
    const masked = Array.from({ length: 20 }, (_, seed) =>
      changed({ frequency_mask: { max_width: 2 }, mask_value: -1 }, [5, 3, 2], seed),
    );
    for (const row of masked) {
      for (let band = 0; band < 5; band++) expect(new Set(row.slice(band * 6, band * 6 + 6)).size).toBe(1);
    }
    expect(masked.some((row) => row.includes(-1))).toBe(true);
  });

  it('gain multiplies a row by one factor within its limits', () => {
    const row = changed({ gain: 0.2 }, [6]);
    expect(new Set(row).size).toBe(1);
    expect(Math.abs(row[0]! - 1)).toBeLessThanOrEqual(0.2);
  });

  it('noise differs from value to value', () => expect(new Set(changed({ noise: 0.1 }, [6])).size).toBe(6));

  it('leaves rows alone with probability 0, and is nothing without options', () => {
    expect([...changed({ noise: 1, probability: 0 }, [2])]).toEqual([1, 1]);
    expect(readAugmentation({}, [2])).toBeUndefined();
  });

  it('refuses to mask rows without axes', () => {
    expect(() => readAugmentation({ time_mask: { max_width: 2 } }, [180])).toThrow(/time x frequency[^]*got: +180/);
  });
});
