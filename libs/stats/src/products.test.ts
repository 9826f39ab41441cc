import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { type Float64Matrix, zeros } from './matrix.ts';
import { GramSum, multiply, multiplyTransposed } from './products.ts';
import { expectClose } from './testing/golden.ts';
import { randomMatrix } from './testing/random.ts';

function transpose({ data, rows, cols }: Float64Matrix): Float64Matrix {
  const result = zeros(cols, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) result.data[j * rows + i] = data[i * cols + j]!;
  return result;
}

function byDefinition(a: Float64Matrix, b: Float64Matrix): Float64Matrix {
  const result = zeros(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.cols; j++) {
      for (let r = 0; r < a.cols; r++)
        result.data[i * b.cols + j]! += a.data[i * a.cols + r]! * b.data[r * b.cols + j]!;
    }
  }
  return result;
}

describe('matrix products', () => {
  it('are what their definition says, for shapes that do and do not fill a tile', () => {
    const rng = new Rng(1);
    for (let trial = 0; trial < 40; trial++) {
      const [m, r, n] = [1 + rng.int(13), 1 + rng.int(13), 1 + rng.int(13)];
      const a = randomMatrix(rng, m, r);
      const b = randomMatrix(rng, r, n);
      const expected = byDefinition(a, b);
      expectClose(multiply(a, b).data, expected.data, 1e-13);
      expectClose(multiplyTransposed(a, transpose(b)).data, expected.data, 1e-13);
    }
  });

  it('do not depend on what was multiplied before, nor on the height of what is packed at a time', () => {
    const rng = new Rng(3);
    const a = randomMatrix(rng, 150, 7);
    const b = randomMatrix(rng, 7, 9);
    const product = multiply(a, b);
    multiply(randomMatrix(rng, 30, 30), randomMatrix(rng, 30, 30));
    expect(multiply(a, b)).toEqual(product);
    const last = { data: a.data.subarray(149 * 7), rows: 1, cols: 7 };
    expect(multiply(last, b).data).toEqual(product.data.subarray(149 * 9));
  });

  it('of nothing are nothing', () => {
    expect(multiply(zeros(0, 3), zeros(3, 2))).toEqual(zeros(0, 2));
    expect(multiply(zeros(2, 0), zeros(0, 2))).toEqual(zeros(2, 2));
  });

  it('sum X X over blocks of differing height', () => {
    const rng = new Rng(2);
    for (const cols of [1, 3, 4, 9]) {
      const sum = new GramSum(cols, 6);
      const expected = zeros(cols, cols);
      for (const rows of [6, 1, 5]) {
        const block = randomMatrix(rng, rows, cols);
        sum.add(block);
        byDefinition(transpose(block), block).data.forEach((value, i) => (expected.data[i]! += value));
      }
      expectClose(sum.finish().data, expected.data, 1e-13);
    }
  });
});
