import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { initialize, type Initializer } from './initializers.ts';

const fans = { fanIn: 200, fanOut: 100 };
const draw = (name: Initializer, shape = [200, 100]): Float32Array => initialize(name, shape, fans, new Rng(1, name));
const deviation = (values: Float32Array): number =>
  Math.sqrt(values.reduce((total, x) => total + x * x, 0) / values.length);
const largest = (values: Float32Array): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe('initializers spread as Keras defines', () => {
  it.each([
    ['glorot_uniform', Math.sqrt(6 / 300)],
    ['he_uniform', Math.sqrt(6 / 200)],
    ['lecun_uniform', Math.sqrt(3 / 200)],
    ['random_uniform', 0.05],
  ] as const)('%s: uniform up to its limit', (name, limit) => {
    const values = draw(name);
    expect(largest(values)).toBeLessThanOrEqual(Math.fround(limit));
    expect((deviation(values) * Math.sqrt(3)) / limit).toBeCloseTo(1, 1);
  });

  it.each([
    ['glorot_normal', Math.sqrt(2 / 300)],
    ['he_normal', Math.sqrt(2 / 200)],
    ['lecun_normal', Math.sqrt(1 / 200)],
  ] as const)('%s: normal, cut off at two deviations, of the deviation asked for', (name, expected) => {
    const values = draw(name);
    expect(deviation(values) / expected).toBeCloseTo(1, 1);
    expect(largest(values)).toBeLessThanOrEqual((2 * expected) / 0.8796);
  });

  it('random_normal has deviation 0.05', () => expect(deviation(draw('random_normal'))).toBeCloseTo(0.05, 3));
  it('zeros and ones are that', () => {
    expect(largest(draw('zeros'))).toBe(0);
    expect(Math.min(...draw('ones'))).toBe(1);
  });

  it.each([
    [4, 12],
    [12, 4],
  ])('orthogonal %i x %i: the fewer vectors are orthonormal', (rows, columns) => {
    const values = draw('orthogonal', [rows, columns]);
    const vector = (k: number): number[] =>
      rows < columns
        ? Array.from({ length: columns }, (_, j) => values[k * columns + j]!)
        : Array.from({ length: rows }, (_, j) => values[j * columns + k]!);
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        const product = vector(a).reduce((total, x, j) => total + x * vector(b)[j]!, 0);
        expect(product).toBeCloseTo(Number(a === b), 5);
      }
    }
  });
});
