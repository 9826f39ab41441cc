import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { matrixFrom } from './matrix.ts';
import { PcaAccumulator, fitPca, inverseTransformPca, transformPca, type PcaOptions } from './pca.ts';
import { multiplyTransposed } from './products.ts';
import { expectClose, golden } from './testing/golden.ts';
import { randomBlocks, randomMatrix } from './testing/random.ts';

const peer = golden<{
  cases: {
    name: string;
    x: number[][];
    options: PcaOptions;
    components: number[][];
    mean: number[];
    explained_variance: number[];
    explained_variance_ratio: number[];
    singular_values: number[];
    noise_variance: number;
    projected: number[][];
    restored: number[][];
  }[];
  shares: { x: number[][]; counts: [number, number][] };
}>('pca');

describe('fitPca', () => {
  for (const expected of peer.cases) {
    it(`agrees with scikit-learn, signs included: ${expected.name}`, () => {
      const x = matrixFrom(expected.x);
      const pca = fitPca(x, expected.options);
      expectClose(pca.components.data, expected.components);
      expectClose(pca.mean, expected.mean);
      expectClose(pca.explained_variance, expected.explained_variance);
      expectClose(pca.explained_variance_ratio, expected.explained_variance_ratio);
      expectClose(pca.singular_values, expected.singular_values);
      expectClose([pca.noise_variance], [expected.noise_variance]);
      const projected = transformPca(pca, x);
      expectClose(projected.data, expected.projected, 1e-8);
      expectClose(inverseTransformPca(pca, projected).data, expected.restored);
    });
  }

  it('keeps as many components for a share of variance as scikit-learn', () => {
    const x = matrixFrom(peer.shares.x);
    for (const [share, count] of peer.shares.counts) {
      expect([share, fitPca(x, { n_components: share }).components.rows]).toEqual([share, count]);
    }
  });

  it('gives the same bytes however the rows are cut into blocks, with more rows than columns and with fewer', () => {
    const rng = new Rng(1);
    for (const [rows, cols] of [
      [300, 5],
      [20, 20],
      [21, 20],
      [8, 40],
      [140, 150],
    ] as const) {
      const x = randomMatrix(rng, rows, cols);
      expect(fitPca(randomBlocks(x, rng))).toEqual(fitPca(x));
    }
  });

  it('finds the same components from either side of rows = columns', () => {
    const rng = new Rng(2);
    const x = randomMatrix(rng, 30, 30);
    for (let i = 0; i < x.data.length; i++) x.data[i]! *= 0.8 ** (i % 30);
    const few = fitPca(x, { n_components: 10 });
    // The same scatter matrix from twice the rows, by way of the covariance.
    const twice = { data: Float64Array.of(...x.data, ...x.data), rows: 60, cols: 30 };
    expectClose(fitPca(twice, { n_components: 10 }).components.data, few.components.data, 1e-9);
  });

  it('returns orthonormal components even where there is no variance left', () => {
    const rng = new Rng(3);
    for (const [rows, cols] of [
      [6, 20],
      [40, 20],
      [20, 20],
    ] as const) {
      const x = randomMatrix(rng, rows, cols);
      x.data.set(x.data.subarray(0, cols), cols); // two equal rows
      for (let i = 0; i < rows; i++) x.data[i * cols + 1] = 2 * x.data[i * cols]!; // two parallel columns
      const { components } = fitPca(x);
      const gram = multiplyTransposed(components, components);
      const identity = gram.data.map((_, k) => (k % (components.rows + 1) === 0 ? 1 : 0));
      expectClose(gram.data, identity, 1e-9);
      expectClose(inverseTransformPca(fitPca(x), transformPca(fitPca(x), x)).data, x.data, 1e-9);
    }
  });

  it('whitens training rows to unit variance, and back', () => {
    const x = randomMatrix(new Rng(4), 200, 6);
    const pca = fitPca(x, { whiten: true });
    const white = transformPca(pca, x);
    for (let j = 0; j < 6; j++) {
      let squares = 0;
      for (let i = 0; i < 200; i++) squares += white.data[i * 6 + j]! ** 2;
      expect(squares / 199).toBeCloseTo(1, 10);
    }
    expectClose(inverseTransformPca(pca, white).data, x.data, 1e-10);
  });

  it('keeps its digits where the mean is far from 0', () => {
    const x = randomMatrix(new Rng(5), 500, 4);
    const shifted = { ...x, data: x.data.map((value) => value + 1e6) };
    expectClose(fitPca(shifted).explained_variance, fitPca(x).explained_variance, 1e-9);
  });

  it('takes single precision and leaves its input as it was', () => {
    const data = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * i));
    const copy = data.slice();
    const pca = fitPca({ data, rows: 20, cols: 3 }, { n_components: 2 });
    expect(transformPca(pca, { data, rows: 20, cols: 3 }).data.length).toBe(40);
    expect(data).toEqual(copy);
  });

  it('refuses what has no answer, and says why', () => {
    const x = randomMatrix(new Rng(6), 10, 3);
    for (const n_components of [0, -1, 1.5, NaN]) expect(() => fitPca(x, { n_components })).toThrow(/n_components/);
    expect(() => fitPca(x, { n_components: 4 })).toThrow(/at most 3 components/);
    expect(() => fitPca(matrixFrom([[1, 2]]))).toThrow(/two rows or more/);
    expect(() => new PcaAccumulator().finish()).toThrow(/two rows or more/);
    expect(() =>
      fitPca(
        matrixFrom([
          [1, 2],
          [1, 2],
        ]),
      ),
    ).toThrow(/all rows are equal/);
    expect(() => fitPca(matrixFrom([[1, NaN]]), { names: ['a', 'b'] })).toThrow(/column 1 \(b\)/);
    const pca = fitPca(x);
    expect(() => transformPca(pca, randomMatrix(new Rng(7), 2, 4))).toThrow(/expected: 3 columns/);
    expect(() => inverseTransformPca(pca, randomMatrix(new Rng(7), 2, 4))).toThrow(/expected: 3 columns/);
  });

  it('projects no rows to no rows', () => {
    const pca = fitPca(randomMatrix(new Rng(8), 10, 3));
    expect(transformPca(pca, { data: new Float64Array(0), rows: 0, cols: 3 })).toEqual({
      data: new Float64Array(0),
      rows: 0,
      cols: 3,
    });
  });
});
