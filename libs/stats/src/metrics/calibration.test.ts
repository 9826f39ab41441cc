import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { matrixFrom } from '../matrix.ts';
import { expectClose } from '../testing/golden.ts';
import { randomMatrix, randomProbabilities } from '../testing/random.ts';
import { applyTemperature, expectedCalibrationError, fitTemperature, logitsOf } from './calibration.ts';
import { logLoss } from './probabilities.ts';

/** A label for each row, drawn from its probabilities. */
function drawTruth({ data, rows, cols }: ReturnType<typeof randomProbabilities>, rng: Rng): number[] {
  return Array.from({ length: rows }, (_, i) => {
    let left = rng.next();
    for (let j = 0; j < cols - 1; j++) if ((left -= data[i * cols + j]!) < 0) return j;
    return cols - 1;
  });
}

describe('expectedCalibrationError', () => {
  it('is the weighted distance between confidence and accuracy', () => {
    const p = matrixFrom([
      [0.9, 0.1],
      [0.9, 0.1],
      [0.6, 0.4],
      [0.3, 0.7],
    ]);
    const { value, maximum, bins } = expectedCalibrationError([0, 1, 0, 1], p, { bins: 10 });
    // Bin (0.8, 0.9]: confidence 0.9, accuracy 0.5; (0.5, 0.6]: 0.6 and 1; (0.6, 0.7]: 0.7 and 1.
    expectClose([value, maximum], [0.5 * 0.4 + 0.25 * 0.4 + 0.25 * 0.3, 0.4]);
    expect(bins.map(({ rows }) => rows)).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 2, 0]);
    expect(bins[0]!.accuracy).toBeNaN();
  });

  it('is near 0 where labels are drawn from the probabilities, and large where they are not', () => {
    const rng = new Rng(1);
    const p = randomProbabilities(rng, 5000, 3);
    expect(expectedCalibrationError(drawTruth(p, rng), p).value).toBeLessThan(0.03);
    const guessed = Array.from({ length: 5000 }, () => rng.int(3));
    expect(expectedCalibrationError(guessed, p).value).toBeGreaterThan(0.2);
  });

  it('puts certainty in the last bin, and refuses bins that are no count', () => {
    const { value, bins } = expectedCalibrationError([0], matrixFrom([[1, 0]]), { bins: 3 });
    expect([value, bins[2]!.rows]).toEqual([0, 1]);
    expect(() => expectedCalibrationError([0], matrixFrom([[1, 0]]), { bins: 0 })).toThrow(/bins/);
  });
});

describe('fitTemperature', () => {
  it('recovers the temperature that labels were drawn with', () => {
    const rng = new Rng(2);
    const logits = randomMatrix(rng, 4000, 4);
    for (let i = 0; i < logits.data.length; i++) logits.data[i]! *= 3;
    const truth = drawTruth(applyTemperature(logits, 2.5), rng);
    const fit = fitTemperature(truth, logits);
    expect(fit.temperature).toBeGreaterThan(2.2);
    expect(fit.temperature).toBeLessThan(2.8);
    expect(fit.atBound).toBe(false);
  });

  it('finds the least log-loss: no temperature nearby does better', () => {
    const rng = new Rng(3);
    for (let trial = 0; trial < 10; trial++) {
      const logits = randomMatrix(rng, 50, 3);
      const truth = Array.from({ length: 50 }, (_, i) => (i % 2 ? rng.int(3) : argmax(logits.data, 3 * i)));
      const { temperature, before, after } = fitTemperature(truth, logits);
      const lossAt = (t: number) => logLoss(truth, applyTemperature(logits, t));
      expectClose([after, before], [lossAt(temperature), lossAt(1)], 1e-12);
      for (const factor of [0.5, 0.99, 1.01, 2]) expect(lossAt(temperature * factor)).toBeGreaterThan(after);
    }
  });

  it('stops at a bound where the logits separate the classes or carry nothing, and says so', () => {
    const logits = matrixFrom([
      [1, 0],
      [0, 1],
    ]);
    expect(fitTemperature([0, 1], logits)).toMatchObject({ atBound: true, temperature: 0.01 });
    expect(fitTemperature([1, 0], logits)).toMatchObject({ atBound: true, temperature: 100 });
  });

  it('works on logarithms of probabilities', () => {
    const p = randomProbabilities(new Rng(4), 20, 3);
    expectClose(applyTemperature(logitsOf(p), 1).data, p.data, 1e-12);
    expect(logitsOf(matrixFrom([[1, 0]])).data[1]).toBeCloseTo(Math.log(Number.EPSILON), 12);
  });

  it('survives large logits and refuses what is none', () => {
    expectClose(applyTemperature(matrixFrom([[1000, 0, -1000]]), 1).data, [1, 0, 0]);
    expect(() => applyTemperature(matrixFrom([[1]]), 0)).toThrow(/temperature/);
    expect(() => fitTemperature([0], matrixFrom([[Infinity, 0]]))).toThrow(/finite/);
    expect(() => fitTemperature([2], matrixFrom([[1, 0]]))).toThrow(/class index/);
  });
});

function argmax(data: Float64Array, at: number): number {
  return [0, 1, 2].reduce((best, j) => (data[at + j]! > data[at + best]! ? j : best));
}
