/** What is done to features and probabilities in a graph is what the functions do. */
import { type ComposedPredictions, Rng } from '@prosodia/core';
import { composedPredictions, graphInput, mul, slice } from '@prosodia/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { hardVote, softVote } from '../ensemble.ts';
import { applyTemperature, logitsOf } from '../metrics/calibration.ts';
import { fitStack, stack } from '../stacking.ts';
import { stacked, tempered, vote } from './predictions.ts';

const ROWS = 40;
const rng = new Rng(5);

/** Probabilities of two members, side by side, and each of them. */
function members(classes: number) {
  const own = [0, 1].map(() => {
    const data = new Float32Array(ROWS * classes);
    for (let r = 0; r < ROWS; r++) {
      const raw = Array.from({ length: classes }, (_, c) => (r === 0 && c === 0 ? 0 : rng.uniform(0, 1)));
      const sum = raw.reduce((a, b) => a + b, 0);
      raw.forEach((value, c) => (data[r * classes + c] = value / sum));
    }
    return { data, rows: ROWS, cols: classes };
  });
  const both = new Float32Array(2 * ROWS * classes);
  own.forEach(({ data }, m) => {
    for (let r = 0; r < ROWS; r++) both.set(data.subarray(r * classes, (r + 1) * classes), (2 * r + m) * classes);
  });
  const x = graphInput('waveform', 'float32', ['batch', 2 * classes]);
  const parts = [0, 1].map((m) => composedPredictions(slice(x, m * classes, (m + 1) * classes, 1), classes, undefined));
  return { own, parts, both };
}

async function run(predictions: ComposedPredictions, both: Float32Array): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(predictions.model([], { metadata: {} }));
  const waveform = new ort.Tensor('float32', both, [ROWS, both.length / ROWS]);
  return (await session.run({ waveform }))['probabilities']!.data as Float32Array;
}

function expectClose(found: Float32Array, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(1e-6);
}

describe.each([2, 4])('with %i classes', (classes) => {
  const { own, parts, both } = members(classes);

  it('a vote is the vote of the members', async () => {
    expectClose(await run(vote(parts, [1, 3], 'soft'), both), softVote(own, [1, 3]).data);
    expectClose(await run(vote(parts, [1, 3], 'hard'), both), hardVote(own, [1, 3]).data);
  });

  it('a stack is the stack', async () => {
    const truth = Int32Array.from({ length: ROWS }, (_, r) => r % classes);
    const fitted = fitStack(truth, own);
    expectClose(await run(stacked(fitted, parts), both), stack(fitted, own).data);
  });

  it('a temperature softens as it does outside, probabilities of zero included', async () => {
    expectClose(await run(tempered(parts[0]!, 1.7), both), applyTemperature(logitsOf(own[0]!), 1.7).data);
  });

  it('members of other items are refused', () => {
    const other = composedPredictions(mul(parts[1]!.probabilities, 1), classes, parts[0]!.probabilities);
    expect(() => vote([parts[0]!, other], [1, 1], 'soft')).toThrow(/different items/);
  });
});
