/** Invariants of time stretch and pitch shift, and what they refuse. Agreement with librosa is in parity.test.ts. */
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { phaseVocoder, pitchShift, spectralCentroid, stft, timeStretch } from './index.ts';
import { signals, SR, tone } from './testing/signals.ts';

const sr = SR;
const { voice } = signals;

describe('effects', () => {
  it('stretch to round(length / rate) samples at the same pitch', () => {
    const y = tone(500);
    for (const rate of [0.7, 1, 1.3]) {
      const slow = timeStretch(y, { rate });
      expect(slow).toHaveLength(Math.round(y.length / rate));
      expect(Math.abs(spectralCentroid({ y: slow, sr }).data[5]! - 500)).toBeLessThan(10);
    }
  });

  it('leave the signal alone at rate 1', () => {
    const same = timeStretch(voice, { rate: 1 });
    const worst = same.reduce((most, value, t) => Math.max(most, Math.abs(value - voice[t]!)), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  it('ask the resampler for sr / rate to sr, and keep the length', () => {
    const asked: number[] = [];
    const out = pitchShift(voice, {
      sr,
      n_steps: 12,
      resample: (y, from, to) => {
        asked.push(y.length, from, to);
        return y.subarray(0, 100);
      },
    });
    expect(asked).toEqual([2 * voice.length, 2 * sr, sr]);
    expect(out).toHaveLength(voice.length);
    expect(out[100]).toBe(0);
  });

  it('refuse a rate of 0 and steps that are no number', () => {
    const resample = (y: Float32Array) => y;
    expect(() => timeStretch(voice, { rate: 0 })).toThrow(RequestError);
    expect(() => phaseVocoder(stft(voice), { rate: -1 })).toThrow(RequestError);
    expect(() => pitchShift(voice, { sr, n_steps: NaN, resample })).toThrow(RequestError);
    expect(() => timeStretch(new Float32Array(0), { rate: 2 })).toThrow(DataError);
  });

  it('take a signal shorter than a frame', () => {
    expect(timeStretch(signals.short, { rate: 1.5 })).toHaveLength(200);
    expect(timeStretch(signals.single, { rate: 0.5 })).toHaveLength(2);
  });
});
