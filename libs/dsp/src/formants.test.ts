/** Formants of resonators whose frequencies are known, beside Praat's. */
import { readFileSync } from 'node:fs';
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { formants, type Matrix } from './index.ts';
import { lowered } from './lowering.ts';
import { predictorRoots } from './lpc.ts';
import { predictFrames } from './simd/burg.ts';
import { lcg, signals, SR } from './testing/signals.ts';

/** Noise through resonators, one after the other: a whispered vowel, whose formants no harmonics pull aside. */
function vowel(resonances: readonly (readonly [frequency: number, bandwidth: number])[]): Float32Array {
  let x: Float64Array = lcg(SR, 41);
  for (const [frequency, bandwidth] of resonances) {
    const radius = Math.exp((-Math.PI * bandwidth) / SR);
    const a = 2 * radius * Math.cos((2 * Math.PI * frequency) / SR);
    const out = new Float64Array(SR);
    for (let t = 0; t < SR; t++) out[t] = x[t]! + a * (out[t - 1] ?? 0) - radius ** 2 * (out[t - 2] ?? 0);
    x = out;
  }
  const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Float32Array.from(x, (value) => (0.5 * value) / largest);
}

const golden = JSON.parse(readFileSync(new URL('../golden/formants.json', import.meta.url), 'utf8')) as Record<
  string,
  { resonances: [frequency: number, bandwidth: number][]; medians: [frequency: number, bandwidth: number][] }
>;

function median(values: Float32Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

describe('formants', () => {
  for (const [name, { resonances, medians }] of Object.entries(golden)) {
    const { frequencies, bandwidths } = formants(vowel(resonances), { sr: SR });

    it(`of a whispered ${name} are those that Praat finds`, () => {
      medians.forEach(([frequency, bandwidth], k) => {
        const course = ({ data }: Matrix) => data.filter((_, i) => i % 3 === k);
        expect(Math.abs(median(course(frequencies)) / frequency - 1)).toBeLessThan(1e-3);
        expect(Math.abs(median(course(bandwidths)) / bandwidth - 1)).toBeLessThan(1e-2);
      });
    });

    it(`of a whispered ${name} are near its resonances`, () => {
      resonances.slice(0, 3).forEach(([frequency], k) => {
        const found = median(frequencies.data.filter((_, i) => i % 3 === k));
        // The window and the pre-emphasis pull a low first formant up, in Praat as here.
        expect(Math.abs(found - frequency)).toBeLessThan(0.05 * frequency + 50);
      });
    });
  }

  it('are none in silence, and no frame in a single sample', () => {
    expect(formants(signals.silence, { sr: SR }).frequencies.data.every(Number.isNaN)).toBe(true);
    expect(formants(signals.single, { sr: SR }).frequencies.rows).toBe(0);
    expect(() => formants(new Float32Array(0))).toThrow(DataError);
    expect(() => formants(signals.voice, { sr: SR, window_length: 0.0004 })).toThrow(RequestError);
  });
});

describe("Burg's method", () => {
  it('finds the predictor of a process it made', () => {
    const noise = lcg(20000, 5);
    const x = new Float64Array(20000);
    for (let t = 0; t < x.length; t++) x[t] = noise[t]! + 1.5 * (x[t - 1] ?? 0) - 0.8 * (x[t - 2] ?? 0);
    const [a] = predictors(3, 20_000, 2, () => x);
    expect(Math.abs(a![0]! - 1.5)).toBeLessThan(0.02);
    expect(Math.abs(a![1]! + 0.8)).toBeLessThan(0.02);
  });

  it('predicts each frame as it would alone, and a silent one by nothing', () => {
    const frames = [3, 4, 5].map((seed) => lcg(100, seed));
    const all = [frames[0]!, new Float64Array(100), frames[1]!, frames[2]!, frames[0]!];
    const found = predictors(5, 100, 8, (row) => all[row]!);
    expect(found[1]).toEqual(new Float64Array(8));
    all.forEach((frame, row) => expect(predictors(1, 100, 8, () => frame)).toEqual([found[row]]));
  });

  it('is that of the textbook, step by step', () => {
    const x = lcg(60, 9);
    const order = 6;
    let [f, b] = [[...x], [...x]];
    let a: number[] = [];
    for (let k = 0; k < order; k++) {
      const pairs = f.slice(1).map((value, t) => [value, b[t]!] as const);
      const product = pairs.reduce((sum, [p, q]) => sum + p * q, 0);
      const r = (2 * product) / pairs.reduce((sum, [p, q]) => sum + p * p + q * q, 0);
      a = [...a.map((value, i) => value - r * a[k - 1 - i]!), r];
      f = pairs.map(([p, q]) => p - r * q);
      b = pairs.map(([p, q]) => q - r * p);
    }
    predictors(1, 60, order, () => x)[0]!.forEach((value, k) => expect(value).toBeCloseTo(a[k]!, 12));
  });

  it('has roots at which the polynomial vanishes', () => {
    const { re, im } = predictorRoots(Float64Array.of(1.5, -0.8, 0.1, 0.2));
    for (let k = 0; k < 4; k++) {
      let [pr, pi] = [1, 0];
      for (const a of [1.5, -0.8, 0.1, 0.2]) [pr, pi] = [pr * re[k]! - pi * im[k]! - a, pr * im[k]! + pi * re[k]!];
      expect(Math.hypot(pr, pi)).toBeLessThan(1e-9);
    }
  });
});

function predictors(rows: number, length: number, order: number, frameOf: (row: number) => Float64Array) {
  const found: Float64Array[] = [];
  predictFrames({
    rows,
    length,
    order,
    fill: (row, frame) => frame.set(frameOf(row)),
    visit: (_row, predictor) => found.push(predictor.slice()),
  });
  return found;
}

describe('lowering the rate', () => {
  it.each([
    [16_000, 11_000],
    [22_050, 11_000],
    [16_000, 9999.7],
  ])('from %i to %i Hz keeps a tone below and removes one above', (sr, rate) => {
    const tone = (hz: number) =>
      Float32Array.from({ length: 3 * sr }, (_, t) => Math.sin((2 * Math.PI * hz * (t + 0.5)) / sr));
    const kept = lowered(tone(1000), sr, rate);
    const removed = lowered(tone(0.56 * rate), sr, rate);
    expect(kept.length).toBe(Math.round((3 * sr * rate) / sr));
    for (let i = 500; i < kept.length - 500; i += 37) {
      expect(kept[i]).toBeCloseTo(Math.sin((2 * Math.PI * 1000 * (i + 0.5)) / rate), 3);
      expect(Math.abs(removed[i]!)).toBeLessThan(2e-3);
    }
  });
});
