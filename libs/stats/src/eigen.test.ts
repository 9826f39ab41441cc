import { Rng } from '@prosodia/core';
import { EigenvalueDecomposition, Matrix as PeerMatrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { symmetricEigen } from './eigen.ts';
import { type Float64Matrix, zeros } from './matrix.ts';
import { multiply, multiplyTransposed } from './products.ts';
import { expectClose } from './testing/golden.ts';
import { randomMatrix } from './testing/random.ts';

function symmetric(rng: Rng, n: number): Float64Matrix {
  const { data } = randomMatrix(rng, n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) data[j * n + i] = data[i * n + j]!;
  return { data, rows: n, cols: n };
}

function identity(n: number): Float64Matrix {
  const matrix = zeros(n, n);
  for (let i = 0; i < n; i++) matrix.data[i * n + i] = 1;
  return matrix;
}

/** A v = lambda v for every pair, orthonormal vectors, falling values. */
function expectEigen(a: Float64Matrix): Float64Array {
  const { values, vectors } = symmetricEigen(a);
  const n = a.rows;
  const scale = Math.max(1e-300, ...a.data.map(Math.abs)) * n;
  const images = multiplyTransposed(vectors, a).data;
  const residuals = images.map((image, k) => Math.abs(image - values[Math.floor(k / n)]! * vectors.data[k]!));
  expect(Math.max(...residuals)).toBeLessThan(1e-14 * scale + 1e-300);
  expectClose(multiplyTransposed(vectors, vectors).data, identity(n).data, 1e-13);
  expect(values).toEqual(values.toSorted((x, y) => y - x));
  return values;
}

describe('symmetricEigen', () => {
  it('finds values and orthonormal vectors for every size from 1 to 40, and for 150', () => {
    const rng = new Rng(1);
    for (let n = 1; n <= 40; n++) expectEigen(symmetric(rng, n));
    expectEigen(symmetric(rng, 150));
  });

  it('agrees with ml-matrix', () => {
    const a = symmetric(new Rng(2), 60);
    const rows = Array.from({ length: 60 }, (_, i) => [...a.data.subarray(i * 60, (i + 1) * 60)]);
    const peer = new EigenvalueDecomposition(new PeerMatrix(rows), { assumeSymmetric: true });
    expectClose(
      symmetricEigen(a).values,
      peer.realEigenvalues.sort((x, y) => y - x),
      1e-12,
    );
  });

  it('copes with repeated values, zero, diagonal and graded matrices', () => {
    expect([...expectEigen(zeros(5, 5))]).toEqual([0, 0, 0, 0, 0]);
    expect([...expectEigen(identity(6))]).toEqual([1, 1, 1, 1, 1, 1]);
    const low = randomMatrix(new Rng(3), 3, 20);
    const rankThree = multiply(transposed(low), low);
    expect(expectEigen(rankThree).filter((value) => Math.abs(value) > 1e-9).length).toBe(3);
    const graded = zeros(12, 12);
    for (let i = 0; i < 12; i++) for (let j = 0; j < 12; j++) graded.data[i * 12 + j] = 10 ** (-i - j);
    expectEigen(graded);
    const tiny = symmetric(new Rng(4), 9);
    expectEigen({ ...tiny, data: tiny.data.map((value) => value * 1e-200) });
  });

  it('reads the lower triangle only', () => {
    const a = symmetric(new Rng(5), 10);
    const halved = { ...a, data: a.data.map((value, k) => (k % 10 > Math.floor(k / 10) ? 99 : value)) };
    expect(symmetricEigen(halved).values).toEqual(symmetricEigen(a).values);
  });

  it('refuses a matrix that is not square or not finite', () => {
    expect(() => symmetricEigen(zeros(2, 3))).toThrow(/DataError|columns/);
    expect(() => symmetricEigen({ data: Float64Array.of(NaN), rows: 1, cols: 1 })).toThrow(/not a finite number/);
  });
});

function transposed({ data, rows, cols }: Float64Matrix): Float64Matrix {
  const result = zeros(cols, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) result.data[j * rows + i] = data[i * cols + j]!;
  return result;
}
