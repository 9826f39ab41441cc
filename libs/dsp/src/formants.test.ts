/** Formants of resonators whose frequencies are known, beside Praat's. */
import { readFileSync } from 'node:fs';
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { formants, type Matrix } from './index.ts';
import { burg, predictorRoots } from './lpc.ts';
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
    const a = burg(x, 2);
    expect(Math.abs(a[0]! - 1.5)).toBeLessThan(0.02);
    expect(Math.abs(a[1]! + 0.8)).toBeLessThan(0.02);
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
