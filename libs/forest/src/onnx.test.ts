import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { fitForest } from './fit.ts';
import type { Forest } from './forest.ts';
import { forestFromOnnx } from './from-onnx.ts';
import { predict, predictProba } from './predict.ts';
import { sample } from './testing.ts';
import { forestToOnnx } from './to-onnx.ts';

async function runOnnx(bytes: Uint8Array, x: Float32Array, rows: number, cols: number) {
  const session = await InferenceSession.create(bytes);
  const outputs = await session.run({ features: new Tensor('float32', x, [rows, cols]) });
  await session.release();
  return { label: outputs['label']!, probabilities: outputs['probabilities']!.data as Float32Array };
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

/** The parts of a forest that a model file holds. */
function core({ classes, cols, roots, feature, threshold, child, distribution }: Forest): Forest {
  return { classes, cols, roots, feature, threshold, child, distribution };
}

describe('forestToOnnx', () => {
  it.each([
    [5, 'grown to purity', {}],
    [5, 'with mixed leaves', { max_depth: 5, criterion: 'entropy' }],
    [5, 'of extra trees', { extra_trees: true, min_samples_leaf: 2 }],
    [2, 'grown to purity', { n_estimators: 7 }],
  ] as const)('gives ONNX Runtime the same probabilities: %i classes, a forest %s', async (classes, _, params) => {
    const train = sample(400, 12, classes);
    const forest = await fitForest({ ...train, n_estimators: 100, ...params });
    const test = sample(300, 12, classes, 1);
    const expected = predict(forest, test.x, 300, 12);
    const ours = predictProba(forest, test.x, 300, 12);
    const { label, probabilities } = await runOnnx(forestToOnnx(forest), test.x, 300, 12);
    expect(greatestDifference(ours, probabilities)).toBeLessThan(1e-6);
    const labels = Array.from(label.data as BigInt64Array, Number);
    const same = labels.filter((value, row) => value === expected[row]).length;
    expect(same).toBeGreaterThanOrEqual(297); // Float32 sums may settle a tie the other way.
  });

  it('splits as we do on values that are exactly at a threshold', async () => {
    const train = sample(200, 3, 3);
    const forest = await fitForest({ ...train, n_estimators: 1, bootstrap: false, max_features: null });
    const splits = [...forest.feature.keys()].filter((node) => forest.feature[node]! >= 0);
    const x = new Float32Array(splits.length * 3);
    for (const [row, node] of splits.entries()) {
      for (let col = 0; col < 3; col++) x[row * 3 + col] = train.x[(row % 200) * 3 + col]!;
      x[row * 3 + forest.feature[node]!] = forest.threshold[node]!;
    }
    const { probabilities } = await runOnnx(forestToOnnx(forest), x, splits.length, 3);
    expect(greatestDifference(predictProba(forest, x, splits.length, 3), probabilities)).toBe(0);
  });

  it.each([2, 3])('names %i classes even if some class is in no leaf', async (classes) => {
    const train = sample(40, 2, 2);
    const weights = Float64Array.from(train.y, (label) => (label === 0 ? 0 : 1));
    const forest = await fitForest({ ...train, classes, sample_weight: weights, n_estimators: 3 });
    const { probabilities } = await runOnnx(forestToOnnx(forest), train.x, 40, 2);
    expect(greatestDifference(predictProba(forest, train.x, 40, 2), probabilities)).toBe(0);
    expect(probabilities[1]).toBe(1);
  });

  it('gives text labels if there are any, and refuses a wrong number of them', async () => {
    const train = sample(100, 4, 2);
    const forest = await fitForest({ ...train, n_estimators: 9 });
    const bytes = forestToOnnx(forest, { labels: ['angry', 'glücklich'] });
    const { label } = await runOnnx(bytes, train.x, 100, 4);
    const expected = Array.from(predict(forest, train.x, 100, 4), (k) => ['angry', 'glücklich'][k]);
    expect(label.data).toEqual(expected);
    expect(new Set(expected).size).toBe(2);
    expect(() => forestToOnnx(forest, { labels: ['angry'] })).toThrow(/2 labels, one per class/);
  });
});

describe('forestFromOnnx', () => {
  it('reads back the same forest, bit for bit, with labels and metadata', async () => {
    const train = sample(300, 8, 3);
    const forest = await fitForest({ ...train, n_estimators: 6, min_samples_leaf: 3 });
    const labels = ['a', 'b', 'c'];
    const read = forestFromOnnx(forestToOnnx(forest, { labels, metadata: { rate: '16000' } }));
    expect(read).toEqual({ forest: core(forest), labels, metadata: { rate: '16000' } });
    const plain = forestFromOnnx(forestToOnnx(forest));
    expect(plain).toEqual({ forest: core(forest), metadata: {} });
    expect(forestToOnnx(plain.forest)).toEqual(forestToOnnx(forest));
  });

  it('refuses bytes that are no model, cut off, or another model', async () => {
    const forest = await fitForest({ ...sample(50, 3, 2), n_estimators: 2 });
    const bytes = forestToOnnx(forest);
    expect(() => forestFromOnnx(bytes.subarray(0, bytes.length - 40))).toThrow(/no protobuf message/);
    expect(() => forestFromOnnx(new TextEncoder().encode('not a model'))).toThrow(/no protobuf message/);
    expect(() => forestFromOnnx(new Uint8Array(0))).toThrow(/not a forest of this library/);
  });

  it('refuses a link that leads back, which would never end', async () => {
    const forest = await fitForest({ ...sample(50, 3, 2), n_estimators: 1 });
    const child = forest.child.slice();
    child[0] = 0;
    expect(() => forestFromOnnx(forestToOnnx({ ...forest, child }))).toThrow(/wrong link in node 0/);
  });
});
