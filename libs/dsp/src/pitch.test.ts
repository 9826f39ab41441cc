/** YIN and pYIN against librosa, filter cepstra against their formulas, and what they refuse. */
import { readFileSync } from 'node:fs';
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { betaCdf } from './beta.ts';
import {
  erbToHz,
  gammatone,
  gammatoneCepstra,
  gaussian,
  gaussianCepstra,
  hzToErb,
  pyin,
  voicedShare,
  yin,
  type PyinOptions,
  type YinOptions,
} from './index.ts';
import { expectMatrix, type Packed } from './testing/golden.ts';
import { signals, SR, type SignalName } from './testing/signals.ts';

interface PitchSet {
  yin: YinOptions;
  pyin: Partial<PyinOptions>;
  signals: Record<SignalName, Record<'yin' | 'f0' | 'voiced_flag' | 'voiced_probs', Packed>>;
}

const golden = JSON.parse(readFileSync(new URL('../golden/pitch.json', import.meta.url), 'utf8')) as {
  pitch: Record<string, PitchSet>;
  gaussian: Record<SignalName, Packed>;
  gammatone: Record<SignalName, Packed>;
};
const names = Object.keys(signals) as SignalName[];
const sr = SR;

for (const [set, { yin: options, pyin: more, signals: expected }] of Object.entries(golden.pitch)) {
  describe(`pitch with the ${set} parameters agrees with librosa`, () => {
    for (const name of names) {
      it(`yin of ${name}`, () => expectMatrix(yin(signals[name], { sr, ...options }), expected[name].yin));
      it(`pyin of ${name}`, () => {
        const track = pyin(signals[name], { sr, ...options, ...more, fill_na: 0 });
        expectMatrix(track.voiced_flag, expected[name].voiced_flag);
        expectMatrix(track.voiced_probs, expected[name].voiced_probs, { absolute: 1e-12 });
        expectMatrix(track.f0, expected[name].f0);
      });
    }
  });
}

describe('cepstra of other filters are those of their formulas', () => {
  for (const name of names) {
    const y = signals[name];
    it(`gaussian of ${name}`, () => {
      const options = { n_filters: 26, fmin: 50, fmax: 7000, n_coefficients: 13 };
      expectMatrix(gaussianCepstra({ y, sr, ...options }), golden.gaussian[name]);
    });
    it(`gammatone of ${name}`, () => {
      const options = { n_filters: 32, fmin: 80, fmax: 7000, n_coefficients: 13 };
      expectMatrix(gammatoneCepstra({ y, sr, ...options }), golden.gammatone[name]);
    });
  }
});

describe('pitch', () => {
  const tone = (hz: number) =>
    Float32Array.from({ length: 8000 }, (_, t) => 0.4 * Math.sin((2 * Math.PI * hz * t) / SR));

  it('finds a tone to a thousandth away from the ends, and a silence unvoiced', () => {
    for (const hz of [82.4, 199.9, 440]) {
      const f0 = yin(tone(hz), { sr, fmin: 60, fmax: 600 }).data;
      for (const value of f0.subarray(4, -4)) expect(Math.abs(value / hz - 1)).toBeLessThan(1e-3);
      const track = pyin(tone(hz), { sr, fmin: 60, fmax: 600 });
      expect(voicedShare(track.voiced_flag)).toBeGreaterThan(0.8);
      for (const value of track.f0.data.subarray(4, -4)) expect(Math.abs(Math.log2(value / hz))).toBeLessThan(1 / 120);
    }
    expect(voicedShare(pyin(signals.silence, { sr, fmin: 60, fmax: 600 }).voiced_flag)).toBe(0);
  });

  it('marks unvoiced frames with fill_na, and leaves the best guess under null', () => {
    const options = { sr, fmin: 75, fmax: 500 };
    const { f0, voiced_flag } = pyin(signals.noise, options);
    expect(voiced_flag.data.some((flag) => flag === 0)).toBe(true);
    f0.data.forEach((value, frame) => expect(Number.isNaN(value)).toBe(voiced_flag.data[frame] === 0));
    const guess = pyin(signals.noise, { ...options, fill_na: null }).f0.data;
    expect(guess.every((value) => value >= 75 && value <= 500)).toBe(true);
  });

  it('gives the same for a signal and its double', () => {
    const a = pyin(signals.voice, { sr, fmin: 75, fmax: 500, fill_na: 0 });
    const b = pyin(
      signals.voice.map((x) => 2 * x),
      { sr, fmin: 75, fmax: 500, fill_na: 0 },
    );
    expect(b.f0.data).toEqual(a.f0.data);
  });

  it('refuses an empty or broken signal, an empty range and a frame without room', () => {
    const options = { sr, fmin: 75, fmax: 500 };
    for (const find of [yin, pyin]) {
      expect(() => find(new Float32Array(0), options)).toThrow(DataError);
      expect(() => find(Float32Array.of(0, NaN), options)).toThrow(DataError);
      expect(() => find(signals.voice, { ...options, fmin: 500 })).toThrow(RequestError);
      expect(() => find(signals.voice, { ...options, fmax: 9000 })).toThrow(RequestError);
      expect(() => find(signals.voice, { ...options, frame_length: 64 })).toThrow(/no room for a period/);
      expect(() => find(signals.short, { ...options, center: false })).toThrow(/shorter than one frame/);
    }
    expect(() => pyin(signals.voice, { ...options, switch_prob: 0 })).toThrow(RequestError);
  });
});

describe('the beta distribution', () => {
  it('is that of its closed forms', () => {
    for (const x of [0, 0.01, 0.2, 0.5, 0.9, 1]) {
      expect(betaCdf(x, 1, 1)).toBeCloseTo(x, 14);
      expect(betaCdf(x, 3, 1)).toBeCloseTo(x ** 3, 14);
      expect(betaCdf(x, 2, 18)).toBeCloseTo(1 - (1 - x) ** 19 - 19 * x * (1 - x) ** 18, 13);
      expect(betaCdf(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 13);
    }
  });
});

describe('filters', () => {
  it('undo the scale of bandwidths', () => {
    for (const hz of [0, 50, 1000, 8000]) expect(erbToHz(hzToErb(hz))).toBeCloseTo(hz, 6);
  });

  it('are 1 at most and highest near their centres', () => {
    for (const bank of [gaussian(sr, 2048), gammatone(sr, 2048)]) {
      expect(Math.max(...bank.data)).toBeLessThanOrEqual(1);
      let last = -1;
      for (let f = 0; f < bank.rows; f++) {
        const row = bank.data.subarray(f * bank.cols, (f + 1) * bank.cols);
        const peak = row.indexOf(Math.max(...row));
        expect(peak).toBeGreaterThan(last);
        last = peak;
      }
    }
  });

  it('are refused between two bins and past half the sample rate', () => {
    expect(() => gaussian(sr, 128, { n_filters: 128, alpha: 20 })).toThrow(/between two bins/);
    expect(() => gammatone(sr, 2048, { fmax: 9000 })).toThrow(RequestError);
  });

  it('take a cubic root instead of decibels', () => {
    const y = signals.voice;
    const quiet = gammatoneCepstra({ y, sr, compression: 'cubic_root' });
    const loud = gammatoneCepstra({ y: y.map((x) => 2 * x), sr, compression: 'cubic_root' });
    expect(loud.data[40]! / quiet.data[40]!).toBeCloseTo(4 ** (1 / 3), 4);
    expect(() => gammatoneCepstra({ y, sr, compression: 'none' as 'log' })).toThrow(RequestError);
  });
});
