/** Voice measures on voices whose perturbation is known, against Praat, and speaking rate on trains of syllables. */
import { readFileSync } from 'node:fs';
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import {
  autocorrelationPitch,
  glottalPulses,
  harmonicity,
  intensity,
  perturbation,
  speakingRate,
  VOICE_QUALITY_NAMES,
  voiceQuality,
  type VoiceQuality,
} from './index.ts';
import { lcg, signals, SR } from './testing/signals.ts';
import { voiceOf, type VoiceShape } from './testing/voices.ts';

const sr = SR;
const golden = JSON.parse(readFileSync(new URL('../golden/praat.json', import.meta.url), 'utf8')) as Record<
  string,
  { shape: VoiceShape; measures: Record<keyof VoiceQuality, number> }
>;

/**
 * Shares and absolute amounts by which we may be off Praat. Both find a peak between samples by interpolation, so
 * what would be 0 but for the sampling (the jitter of a steady voice) is compared absolutely.
 */
const tolerances: Record<keyof VoiceQuality, [relative: number, absolute: number]> = {
  jitter_local: [0.01, 1e-4],
  jitter_rap: [0.01, 1e-4],
  jitter_ppq5: [0.01, 1e-4],
  shimmer_local: [0.01, 2e-4],
  shimmer_local_db: [0.01, 2e-3],
  shimmer_apq3: [0.01, 2e-4],
  shimmer_apq5: [0.01, 2e-4],
  hnr: [0, 0.15],
  f0_mean: [1e-4, 0],
  f0_std: [0.01, 0.01],
  voiced_share: [0.01, 0],
};

describe('voice quality agrees with Praat', () => {
  for (const [name, { shape, measures }] of Object.entries(golden)) {
    const ours = voiceQuality(voiceOf(shape), { sr });
    for (const measure of VOICE_QUALITY_NAMES) {
      it(`${measure} of a ${name} voice`, () => {
        const [relative, absolute] = tolerances[measure];
        const away = Math.abs(ours[measure] - measures[measure]);
        expect(away).toBeLessThanOrEqual(relative * Math.abs(measures[measure]) + absolute);
      });
    }
  }
});

/** Humps of a millisecond at the given times; a sample lies in the middle of its interval, as in Praat. */
function humps(times: readonly number[], heights: readonly number[], seconds: number): Float32Array {
  const y = new Float32Array(seconds * SR);
  times.forEach((time, k) => {
    for (let i = Math.floor((time - 0.003) * SR); i <= (time + 0.003) * SR; i++) {
      y[i]! += heights[k]! * Math.exp(-0.5 * (((i + 0.5) / SR - time) / 0.0005) ** 2);
    }
  });
  return y;
}

describe('perturbation', () => {
  it('of periods that alternate is the known one', () => {
    const period = 0.008;
    const share = 0.02;
    const times = [0.1];
    for (let k = 0; k < 100; k++) times.push(times[k]! + period * (1 + (k % 2 ? share : -share)));
    const heights = times.map((_, k) => 0.5 * (1 + (k % 2 ? 0.05 : -0.05)));
    const y = humps(times, heights, 1);
    const exact = perturbation(y, sr, Float64Array.from(times));
    expect(exact.jitter_local).toBeCloseTo(2 * share, 6);
    // A period and its neighbours average a third of the way back.
    expect(exact.jitter_rap).toBeCloseTo((4 / 3) * share, 3);
    expect(exact.shimmer_local).toBeCloseTo(0.1, 3);
    expect(exact.shimmer_local_db).toBeCloseTo(20 * Math.log10(1.05 / 0.95), 2);
    expect(exact.shimmer_apq3).toBeCloseTo((4 / 3) * 0.05, 3);
  });

  it('finds pulses that nobody told it', () => {
    const times = Array.from({ length: 100 }, (_, k) => 0.1 + 0.008 * k);
    const found = glottalPulses(
      humps(
        times,
        times.map(() => 0.5),
        1,
      ),
      { sr },
    ).times;
    const near = (time: number) => found.some((pulse) => Math.abs(pulse - time) < 2e-5);
    expect(times.slice(2, -2).every(near)).toBe(true);
  });

  it('has no value without periods, and takes what stands for it', () => {
    expect(perturbation(signals.noise, sr, Float64Array.of(0.1)).jitter_local).toBeNaN();
    const silent = voiceQuality(signals.silence, { sr, fill: 0 });
    expect(Object.values(silent)).toEqual(VOICE_QUALITY_NAMES.map(() => 0));
    expect(voiceQuality(signals.single, { sr }).hnr).toBeNaN();
    expect(voiceQuality(signals.single, { sr }).voiced_share).toBe(0);
  });
});

describe('harmonicity', () => {
  it('is the ratio of a tone to the noise in it', () => {
    const noise = lcg(SR, 21);
    for (const decibels of [5, 20, 30]) {
      // Uniform noise in [-1, 1) has a power of 1/3, a sine of 1 has 1/2.
      const gain = Math.sqrt(1.5 * 10 ** (-decibels / 10));
      const y = Float32Array.from(noise, (x, t) => 0.2 * (Math.sin((2 * Math.PI * 200 * t) / SR) + gain * x));
      const { data } = harmonicity(y, { sr });
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      expect(Math.abs(mean - decibels)).toBeLessThan(1.5);
    }
  });

  it('of silence is what stands for it', () => {
    expect([...new Set(harmonicity(signals.silence, { sr }).data)]).toEqual([-200]);
  });
});

describe('pitch by autocorrelation', () => {
  it('finds a tone exactly, and none in noise or silence', () => {
    const y = Float32Array.from({ length: SR }, (_, t) => 0.3 * Math.sin((2 * Math.PI * 233.1 * t) / SR));
    for (const f0 of autocorrelationPitch(y, { sr }).f0) expect(Math.abs(f0 / 233.1 - 1)).toBeLessThan(1e-4);
    expect(autocorrelationPitch(signals.silence, { sr }).f0.every((f0) => f0 === 0)).toBe(true);
    const hiss = Float32Array.from(lcg(SR, 4), (x) => 0.3 * x);
    const voiced = autocorrelationPitch(hiss, { sr }).f0.filter((f0) => f0 > 0).length;
    expect(voiced).toBeLessThan(10);
  });

  it('refuses what it cannot search', () => {
    expect(() => autocorrelationPitch(new Float32Array(0), { sr })).toThrow(DataError);
    expect(() => autocorrelationPitch(signals.voice, { sr, pitch_ceiling: 9000 })).toThrow(RequestError);
    expect(() => autocorrelationPitch(signals.voice, { sr, pitch_floor: 700 })).toThrow(RequestError);
  });
});

describe('intensity', () => {
  it('of a tone is its mean square over 20 micropascals', () => {
    const y = Float32Array.from({ length: SR }, (_, t) => 0.1 + 0.2 * Math.sin((2 * Math.PI * 300 * t) / SR));
    for (const level of intensity(y, { sr }).db) expect(level).toBeCloseTo(10 * Math.log10(0.02 / 4e-10), 2);
  });
});

/** Syllables of 0.2 s, 0.25 s apart, voiced at 150 Hz, in groups with a silence between them. */
function syllables(groups: readonly number[], pause: number): Float32Array {
  const starts: number[] = [];
  let at = 0.5;
  for (const count of groups) {
    for (let k = 0; k < count; k++, at += 0.25) starts.push(at);
    at += pause;
  }
  const y = new Float32Array(Math.ceil((at + 0.5) * SR));
  const noise = lcg(y.length, 31);
  for (let i = 0; i < y.length; i++) y[i] = 1e-4 * noise[i]!;
  for (const start of starts) {
    for (let i = 0; i < 0.2 * SR; i++) {
      const t = i / SR;
      const voice = [1, 2, 3, 4].reduce((sum, k) => sum + Math.sin(2 * Math.PI * 150 * k * t) / k, 0);
      y[Math.round(start * SR) + i]! += 0.2 * Math.sin((Math.PI * t) / 0.2) ** 2 * voice;
    }
  }
  return y;
}

describe('speaking rate', () => {
  it('counts syllables and the pauses between groups of them', () => {
    for (const groups of [[4], [3, 5], [2, 4, 3]]) {
      const found = speakingRate(syllables(groups, 0.6), { sr });
      const count = groups.reduce((sum, n) => sum + n, 0);
      expect(found.n_syllables).toBe(count);
      expect(found.n_pauses).toBe(groups.length - 1);
      if (groups.length > 1) expect(Math.abs(found.mean_pause - 0.65)).toBeLessThan(0.15);
      expect(Math.abs(found.articulation_rate - 4)).toBeLessThan(0.5);
      expect(found.phonation_time).toBeCloseTo(count * found.mean_syllable, 9);
      expect(found.pause_share).toBeGreaterThanOrEqual(0);
      expect(found.speech_rate).toBeLessThanOrEqual(found.articulation_rate);
    }
  });

  it('does not depend on the level', () => {
    const y = syllables([3, 2], 0.5);
    expect(
      speakingRate(
        y.map((x) => x / 4),
        { sr },
      ),
    ).toEqual(speakingRate(y, { sr }));
  });

  it('of silence and of next to nothing is zero throughout', () => {
    for (const y of [new Float32Array(SR), signals.single, signals.short]) {
      expect(Object.values(speakingRate(y, { sr })).every((value) => value === 0)).toBe(true);
    }
  });

  it('hears no syllable in noise', () => {
    const y = syllables([3], 0).map((_, i) => 0.1 * Math.sin(i * i) * Math.sin((Math.PI * i) / 4000) ** 2);
    expect(speakingRate(y, { sr }).n_syllables).toBeLessThan(2);
  });
});
