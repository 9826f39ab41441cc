import { Rng } from '@prosodia/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeLabels } from './labels.ts';
import type { Matrix } from './matrix.ts';
import { fitPca, transformPca } from './pca.ts';
import { applyScaler, fitScaler } from './scaler.ts';
import { labelEncoderToOnnx, transformsToOnnx } from './to-onnx.ts';

async function runTransforms(bytes: Uint8Array, { data, rows, cols }: Matrix): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes);
  const { transformed } = await session.run({ features: new Tensor('float32', data as Float32Array, [rows, cols]) });
  await session.release();
  expect(transformed!.dims[0]).toBe(rows);
  return transformed!.data as Float32Array;
}

/** Columns of very different size: column 0 at 1e6 with deviation 1, column 1 constant, the rest correlated. */
function features(rows: number, cols: number, seed = 1): Matrix {
  const rng = new Rng(seed);
  const data = Float32Array.from({ length: rows * cols }, () => rng.normal());
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    for (let j = 2; j < cols; j++) row[j]! += row[j - 1]!;
    row[0]! += 1e6;
    if (cols > 1) row[1] = 7;
  }
  return { data, rows, cols };
}

function expectNear(got: Float32Array, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  const worst = got.reduce((most, value, i) => {
    return Math.max(most, Math.abs(value - expected[i]!) / Math.max(1, Math.abs(expected[i]!)));
  }, 0);
  expect(worst).toBeLessThan(1e-6);
}

describe('transformsToOnnx', () => {
  const shapes = [
    ['more rows than columns', 40, 6],
    ['more columns than rows', 5, 12],
    ['one column', 9, 1],
  ] as const;

  for (const [shape, rows, cols] of shapes) {
    it.each(['standard', 'minmax', 'robust'] as const)(`gives what a %s scaler gives, ${shape}`, async (kind) => {
      const train = features(rows, cols);
      const scaler = fitScaler(train, { kind, feature_range: [-1, 1] });
      const test = features(7, cols, 2);
      expectNear(await runTransforms(transformsToOnnx([scaler]), test), applyScaler(scaler, test).data);
    });

    it.each([false, true])(`gives what PCA gives, ${shape}, whitened: %s`, async (whiten) => {
      const train = features(rows, cols);
      const n_components = Math.max(1, Math.min(rows, cols) - 2);
      const pca = fitPca(train, { n_components, whiten });
      expectNear(await runTransforms(transformsToOnnx([pca]), train), transformPca(pca, train).data);
    });
  }

  it('gives what a scaler fitted on one row gives, and works on one row', async () => {
    const one = features(1, 4);
    const scaler = fitScaler(one, { kind: 'standard' });
    expect(await runTransforms(transformsToOnnx([scaler]), one)).toEqual(new Float32Array(4));
  });

  it('composes transforms into one model', async () => {
    const train = features(60, 8);
    const scaler = fitScaler(train, { kind: 'standard' });
    const pca = fitPca(applyScaler(scaler, train), { n_components: 0.9 });
    const model = transformsToOnnx([scaler, pca], { metadata: { labels: 'none' } });
    expectNear(await runTransforms(model, train), transformPca(pca, applyScaler(scaler, train)).data);
    expect(transformsToOnnx([scaler, pca], { metadata: { labels: 'none' } })).toEqual(model);
  });

  it('refuses no transforms, and transforms that do not fit', () => {
    const scaler = fitScaler(features(9, 3), { kind: 'standard' });
    const pca = fitPca(features(9, 4), { n_components: 2 });
    expect(() => transformsToOnnx([])).toThrow(/no transform/);
    expect(() => transformsToOnnx([scaler, pca])).toThrow(/4 columns, as transform 1[^]*3 columns/);
  });
});

describe('labelEncoderToOnnx', () => {
  it('numbers labels as encodeLabels does, and gives -1 for one that is no class', async () => {
    const labels = ['sad', 'angry', 'glücklich', 'sad', 'neutral'];
    const { classes, indices } = encodeLabels(labels);
    const session = await InferenceSession.create(labelEncoderToOnnx(classes));
    const result = await session.run({ label: new Tensor('string', [...labels, 'bored'], [6]) });
    await session.release();
    expect(Array.from(result['class']!.data as BigInt64Array, Number)).toEqual([...indices, -1]);
  });

  it('refuses classes that are listed twice', () => {
    expect(() => labelEncoderToOnnx(['a', 'b', 'a'])).toThrow(/no classes/);
  });
});
