import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { matrixFrom } from './matrix.ts';
import { ScalerAccumulator, applyScaler, fitScaler, invertScaler, type ScalerOptions } from './scaler.ts';
import { expectClose, golden } from './testing/golden.ts';
import { randomBlocks, randomMatrix } from './testing/random.ts';

const peer = golden<{ x: number[][]; fits: { options: ScalerOptions; scaled: number[][]; one_row: number[][] }[] }>(
  'scaler',
);
const kinds = ['standard', 'minmax', 'robust'] as const;

describe('fitScaler and applyScaler', () => {
  for (const { options, scaled, one_row } of peer.fits) {
    it(`scale as scikit-learn does: ${JSON.stringify(options)}`, () => {
      const x = matrixFrom(peer.x);
      expectClose(applyScaler(fitScaler(x, options), x).data, scaled);
      const first = matrixFrom(peer.x.slice(0, 1));
      expectClose(applyScaler(fitScaler(first, options), first).data, one_row);
    });
  }

  it('list constant columns and scale them by 1, even where rounding leaves a variance', () => {
    const scaler = fitScaler(matrixFrom(peer.x), { kind: 'standard' });
    expect(scaler.constant).toEqual([4]);
    expect(scaler.scale[4]).toBe(1);
  });

  it.each(kinds)('%s gives the same bytes however the rows are cut into blocks', (kind) => {
    const rng = new Rng(1, kind);
    for (let trial = 0; trial < 10; trial++) {
      const x = randomMatrix(rng, 1 + rng.int(700), 1 + rng.int(5));
      const whole = JSON.stringify(fitScaler(x, { kind }));
      expect(JSON.stringify(fitScaler(randomBlocks(x, rng), { kind }))).toBe(whole);
    }
  });

  it('survive JSON, keep the precision of the matrix and leave it as it was', () => {
    const x = { data: Float32Array.of(1, 2, 3, 5), rows: 2, cols: 2 };
    const scaler = JSON.parse(JSON.stringify(fitScaler(x, { kind: 'standard' }))) as ReturnType<typeof fitScaler>;
    const scaled = applyScaler(scaler, x);
    expect(scaled.data).toEqual(Float32Array.of(-1, -1, 1, 1));
    expect([...x.data]).toEqual([1, 2, 3, 5]);
  });

  it.each(kinds)('%s is undone by invertScaler', (kind) => {
    const x = randomMatrix(new Rng(2), 40, 3);
    const scaler = fitScaler(x, { kind, feature_range: [-1, 1] });
    expectClose(invertScaler(scaler, applyScaler(scaler, x)).data, x.data, 1e-12);
  });

  it('keep the digits of a small deviation around a large mean', () => {
    const values = Array.from({ length: 1000 }, (_, i) => [1e9 + (i % 2)]);
    expect(fitScaler(matrixFrom(values), { kind: 'standard' }).scale[0]).toBeCloseTo(0.5, 12);
  });

  it.each(kinds)('%s refuses NaN and infinities and names row and column', (kind) => {
    for (const bad of [NaN, Infinity]) {
      const fit = new ScalerAccumulator({ kind, names: ['mfcc_00_mean', 'mfcc_01_mean'] });
      fit.add(matrixFrom([[1, 2]]));
      expect(() => fit.add(matrixFrom([[3, bad]]))).toThrow(
        expect.objectContaining({ name: 'DataError', message: expect.stringMatching(/1 \(mfcc_01_mean\)[^]*row 1/) }),
      );
    }
    const scaler = fitScaler(matrixFrom([[1], [2]]), { kind, names: ['energy'] });
    expect(() => applyScaler(scaler, matrixFrom([[NaN]]))).toThrow(/column 0 \(energy\)/);
  });

  it('refuse no rows, other columns than fitted, a wrong shape and an empty range', () => {
    const x = matrixFrom([[1, 2]]);
    expect(() => fitScaler([], { kind: 'standard' })).toThrow(/cannot be fitted on nothing/);
    expect(() => fitScaler({ data: new Float64Array(0), rows: 0, cols: 2 }, { kind: 'robust' })).toThrow(/0 rows/);
    expect(() => applyScaler(fitScaler(x, { kind: 'standard' }), matrixFrom([[1]]))).toThrow(/expected: 2 columns/);
    expect(() => fitScaler([x, matrixFrom([[1]])], { kind: 'minmax' })).toThrow(/expected: 2 columns/);
    expect(() => fitScaler({ ...x, rows: 2 }, { kind: 'standard' })).toThrow(/4 values/);
    expect(() => fitScaler(x, { kind: 'minmax', feature_range: [1, 1] })).toThrow(/feature_range/);
    expect(() => fitScaler(x, { kind: 'robust', quantile_range: [25, 175] })).toThrow(/quantile_range/);
  });
});

describe('the scaler kernels', () => {
  it('give the formula bit for bit, for any number of columns and rows, in both precisions', () => {
    const rng = new Rng(8);
    for (const [rows, cols] of [
      [1, 1],
      [3, 2],
      [64, 3],
      [65, 5],
      [130, 8],
    ] as const) {
      const doubles = randomMatrix(rng, rows, cols);
      for (const matrix of [doubles, { ...doubles, data: Float32Array.from(doubles.data) }]) {
        const scaler = fitScaler(matrix, { kind: 'minmax', feature_range: [-1, 3] });
        const expected = matrix.data.map(
          (x, k) => (x - scaler.center[k % cols]!) / scaler.scale[k % cols]! + scaler.offset,
        );
        expect(applyScaler(scaler, matrix).data).toEqual(expected);
        const { center } = fitScaler(matrix, { kind: 'standard' });
        for (let j = 0; j < cols; j++) {
          const mean = [...matrix.data].reduce((sum, x, k) => sum + (k % cols === j ? x : 0), 0) / rows;
          expect(Math.abs(center[j]! - mean)).toBeLessThan(1e-14);
        }
      }
    }
  });
});
