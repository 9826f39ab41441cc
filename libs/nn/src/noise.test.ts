import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { fillNoise } from './noise.ts';

const drawn = (length: number, rate: number, ...labels: number[]): Float32Array => {
  const values = new Float32Array(length);
  fillNoise(values, { kind: 'dropout', rate }, new Rng(1, ...labels));
  return values;
};

describe('dropout masks', () => {
  it('drop the share asked for and scale the rest, so that the mean stays', () => {
    const values = drawn(100_001, 0.3);
    const dropped = values.filter((x) => x === 0).length / values.length;
    expect(dropped).toBeCloseTo(0.3, 2);
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  });

  it('are the same for the same step, and unrelated for another', () => {
    expect(drawn(1000, 0.5, 4)).toEqual(drawn(1000, 0.5, 4));
    const [a, b] = [drawn(10_000, 0.5, 4), drawn(10_000, 0.5, 5)];
    expect(a.filter((x, i) => x === b[i]).length / 10_000).toBeCloseTo(0.5, 1);
  });

  it('are these, on every machine', () => {
    expect([...drawn(16, 0.5)].map((x) => Number(x > 0)).join('')).toBe('0111100110010010');
  });

  it('neighbours are unrelated', () => {
    const values = drawn(100_000, 0.5);
    const same = values.filter((x, i) => i > 0 && x === values[i - 1]).length / values.length;
    expect(same).toBeCloseTo(0.5, 2);
  });
});

it('normal noise has mean 0 and the deviation asked for', () => {
  const values = new Float32Array(50_000);
  fillNoise(values, { kind: 'normal', deviation: 0.2 }, new Rng(1));
  const mean = values.reduce((total, x) => total + x, 0) / values.length;
  expect(mean).toBeCloseTo(0, 2);
  expect(Math.sqrt(values.reduce((total, x) => total + x * x, 0) / values.length)).toBeCloseTo(0.2, 2);
});
