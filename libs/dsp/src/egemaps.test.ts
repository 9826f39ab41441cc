/** The eGeMAPS names and what some of the functionals must be on voices that are known. */
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { egemaps } from './index.ts';
import { signals, SR } from './testing/signals.ts';
import { voiceOf } from './testing/voices.ts';

const shape = { f0: 120, jitter: 0.005, shimmer: 0.02, noise: 0.001 };
const plain = egemaps(voiceOf(shape), { sr: SR });

describe('egemaps', () => {
  it('has 88 functionals, all finite for a voice but those of unvoiced frames, which it lacks', () => {
    expect(Object.keys(plain)).toHaveLength(88);
    const bad = Object.entries(plain).filter(([name, value]) => !name.includes('UV') && !Number.isFinite(value));
    expect(bad).toEqual([]);
  });

  it('gives pitch in semitones above 27.5 Hz', () => {
    const high = egemaps(voiceOf({ ...shape, f0: 240 }), { sr: SR });
    const name = 'F0semitoneFrom27.5Hz_sma3nz_amean';
    expect(plain[name]).toBeCloseTo(12 * Math.log2(120 / 27.5), 1);
    expect(high[name]! - plain[name]!).toBeCloseTo(12, 1);
  });

  it('hears jitter, shimmer and noise', () => {
    const rough = egemaps(voiceOf({ f0: 120, jitter: 0.03, shimmer: 0.15, noise: 0.02 }), { sr: SR });
    for (const name of ['jitterLocal_sma3nz_amean', 'shimmerLocaldB_sma3nz_amean']) {
      expect(rough[name]!).toBeGreaterThan(2 * plain[name]!);
    }
    expect(rough['HNRdBACF_sma3nz_amean']!).toBeLessThan(plain['HNRdBACF_sma3nz_amean']!);
  });

  it('moves level and loudness with the samples, and leaves the spectral balance', () => {
    const loud = egemaps(
      voiceOf(shape).map((x) => 2 * x),
      { sr: SR },
    );
    const gain = loud['equivalentSoundLevel_dBp']! - plain['equivalentSoundLevel_dBp']!;
    expect(gain).toBeCloseTo(20 * Math.log10(2), 4);
    expect(loud['loudness_sma3_amean']! / plain['loudness_sma3_amean']!).toBeCloseTo(4 ** 0.33, 3);
    expect(loud['alphaRatioV_sma3nz_amean']).toBeCloseTo(plain['alphaRatioV_sma3nz_amean']!, 3);
  });

  it('puts what stands for missing voices into silence', () => {
    const silent = egemaps(signals.silence, { sr: SR, fill: 0 });
    expect(Object.values(silent).every(Number.isFinite)).toBe(true);
    expect(silent['VoicedSegmentsPerSec']).toBe(0);
    expect(egemaps(signals.silence, { sr: SR })['F1frequency_sma3nz_amean']).toBeNaN();
    expect(Object.keys(egemaps(signals.single, { sr: SR, fill: 0 }))).toHaveLength(88);
  });

  it('refuses an empty signal and a rate below its bands', () => {
    expect(() => egemaps(new Float32Array(0), { sr: SR })).toThrow(DataError);
    expect(() => egemaps(signals.voice, { sr: 8000 })).toThrow(RequestError);
  });
});
