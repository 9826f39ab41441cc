/** The eGeMAPS names and what some of the functionals must be on voices that are known. */
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { egemaps } from './index.ts';
import { lcg, signals, SR } from './testing/signals.ts';
import { voiceOf } from './testing/voices.ts';

const shape = { f0: 120, jitter: 0.005, shimmer: 0.02, noise: 0.001 };
/** A second of pulses at 120 Hz through resonators, one after the other. */
function vowel(resonances: readonly number[]): Float32Array {
  let x = Float64Array.from({ length: SR }, (_, t) => (t % Math.round(SR / 120) === 0 ? 1 : 0));
  for (const hz of resonances) {
    const radius = Math.exp((-Math.PI * 100) / SR);
    const a = 2 * radius * Math.cos((2 * Math.PI * hz) / SR);
    const out = new Float64Array(SR);
    for (let t = 0; t < SR; t++) out[t] = x[t]! + a * (out[t - 1] ?? 0) - radius ** 2 * (out[t - 2] ?? 0);
    x = out;
  }
  const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Float32Array.from(x, (value) => (0.3 * value) / largest);
}

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

  it.each([[[700, 1220, 2600]], [[300, 2200, 2900]], [[500, 1500, 2500]]])(
    'finds the formants of a vowel where its resonators are: %s Hz',
    (resonances) => {
      const found = egemaps(vowel([...resonances, 3500, 4500]), { sr: SR });
      resonances.forEach((hz, k) => {
        // The harmonics, 120 Hz apart, pull a formant that lies between two of them.
        expect(Math.abs(found[`F${k + 1}frequency_sma3nz_amean`]! - hz)).toBeLessThan(0.05 * hz + 30);
      });
    },
  );

  it('takes formants from where the voice is heard, not from the noise around it', () => {
    const noise = lcg(SR, 5).map((value) => 0.02 * value);
    const resonances = [500, 1500, 2500, 3500, 4500];
    const [alone, framed] = [vowel(resonances), Float32Array.of(...noise, ...vowel(resonances), ...noise)].map((y) =>
      egemaps(y, { sr: SR }),
    );
    const name = 'F1frequency_sma3nz_amean';
    expect(Math.abs(framed![name]! / alone![name]! - 1)).toBeLessThan(0.03);
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
