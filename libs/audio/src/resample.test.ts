import { DataError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { resample } from './resample.ts';
import { PASS_BAND_END, resamplingFilter } from './resample-filter.ts';
import { floats, golden, largestDifference } from './testing.ts';

/** As in golden/make.py. */
const chirp = (frames: number): Float32Array =>
  Float32Array.from({ length: frames }, (_, i) => {
    const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (frames - 1));
    return (0.4 * Math.sin(0.11 * i) + 0.3 * Math.sin(0.5 * i + 1) + 0.2 * Math.sin(0.0004 * i * i)) * hann;
  });

const tone = (hz: number, rate: number, frames: number): Float32Array =>
  Float32Array.from({ length: frames }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));

/** The samples that the ends of the signal do not reach. */
const middle = (samples: Float32Array): Float32Array =>
  samples.subarray(Math.floor(samples.length / 4), Math.floor((3 * samples.length) / 4));

const peak = (samples: Float32Array): number => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Pairs for both ways of running: in one step for commensurable rates, in two for others. */
const PAIRS = [
  [48000, 16000],
  [16000, 48000],
  [44100, 16000],
  [16000, 22050],
  [16000, 15013],
  [16000, 16008],
  [16000, 16000 / 1.122],
  [16000 / 1.122, 16000],
  [44100, 44101],
] as const;

describe('resample agrees with librosa (soxr_hq)', () => {
  const cases = golden<{ orig_sr: number; target_sr: number; samples: string }[]>('resample');
  it.each(cases)('from $orig_sr to $target_sr Hz', ({ orig_sr, target_sr, samples }) => {
    // The two filters differ in how they fall from pass to stop band, nowhere else.
    expect(largestDifference(resample(chirp(900), orig_sr, target_sr), floats(samples))).toBeLessThan(1e-5);
  });
});

describe.each(PAIRS)('from %d to %d Hz', (orig_sr, target_sr) => {
  const lower = Math.min(orig_sr, target_sr) / 2;
  const frames = 4000;

  it('tones in the pass band keep amplitude and phase within 0.0001 dB', () => {
    for (const share of [0.01, 0.3, 0.7, PASS_BAND_END]) {
      const output = resample(tone(share * lower, orig_sr, frames), orig_sr, target_sr);
      const ideal = tone(share * lower, target_sr, output.length);
      expect(largestDifference(middle(output), middle(ideal)), `at ${share}`).toBeLessThan(1e-5);
    }
  });

  it.runIf(target_sr < orig_sr * 0.95)('tones above the new Nyquist frequency vanish: 115 dB down', () => {
    for (const hz of [lower, (lower + orig_sr / 2) / 2, 0.49 * orig_sr]) {
      const output = resample(tone(hz, orig_sr, frames), orig_sr, target_sr);
      expect(peak(middle(output)), `${hz} Hz`).toBeLessThan(10 ** (-115 / 20));
    }
  });

  it.runIf(target_sr > orig_sr)('leaves no image above the old Nyquist frequency', () => {
    const output = resample(tone(0.9 * lower, orig_sr, frames), orig_sr, target_sr);
    const ideal = tone(0.9 * lower, target_sr, output.length);
    expect(largestDifference(middle(output), middle(ideal))).toBeLessThan(10 ** (-100 / 20));
  });

  it('a constant stays that constant', () => {
    const output = middle(resample(new Float32Array(frames).fill(0.5), orig_sr, target_sr));
    expect(largestDifference(output, output.slice().fill(0.5))).toBeLessThan(5e-7);
  });

  it('the length is ceil(n * ratio), as librosa computes it', () => {
    for (const n of [0, 1, 2, 7, 1000]) {
      expect(resample(new Float32Array(n), orig_sr, target_sr).length).toBe(Math.ceil(n * (target_sr / orig_sr)));
    }
  });

  it('is linear', () => {
    const a = chirp(500);
    const b = tone(1234, orig_sr, 500);
    const sum = resample(
      a.map((value, i) => value + b[i]!),
      orig_sr,
      target_sr,
    );
    const ofB = resample(b, orig_sr, target_sr);
    const parts = resample(a, orig_sr, target_sr).map((value, i) => value + ofB[i]!);
    expect(largestDifference(sum, parts)).toBeLessThan(1e-6);
  });
});

describe('resample', () => {
  it('answers an impulse symmetrically: no delay, linear phase', () => {
    const impulse = new Float32Array(3001);
    impulse[1500] = 1;
    for (const [orig_sr, target_sr] of [
      [48000, 16000],
      [16000, 48000],
    ]) {
      const output = resample(impulse, orig_sr!, target_sr!);
      const centre = (1500 * target_sr!) / orig_sr!;
      for (let i = 0; i < 400; i++) expect(output[centre - i]).toBeCloseTo(output[centre + i]!, 6);
      expect(output.indexOf(peak(output))).toBe(centre);
    }
  });

  it('lets no part of a sweep fold back', () => {
    // From 8.1 to 23.9 kHz, all above the Nyquist frequency of the result, faded at its ends.
    const n = 48000;
    const sweep = Float32Array.from({ length: n }, (_, i) => {
      const t = i / 48000;
      return Math.sin(2 * Math.PI * (8100 * t + 7900 * t * t)) * Math.sin((Math.PI * i) / n) ** 2;
    });
    expect(peak(resample(sweep, 48000, 16000))).toBeLessThan(10 ** (-100 / 20));
  });

  it('is the identity for equal rates, as a copy', () => {
    const input = chirp(100);
    const output = resample(input, 22050, 22050);
    expect(output).toEqual(input);
    expect(output).not.toBe(input);
  });

  it('takes one sample, and blocks end where they may', () => {
    expect(resample(Float32Array.of(1), 48000, 16000).length).toBe(1);
    for (const n of [2531, 2532, 2533, 5064, 5065]) {
      const long = resample(chirp(6000), 48000, 16000);
      const short = resample(chirp(6000).subarray(0, n), 48000, 16000);
      const agree = Math.floor((n - 300) / 3);
      expect(largestDifference(short.subarray(0, agree), long.subarray(0, agree))).toBeLessThan(1e-6);
    }
  });

  it('does not depend on what was resampled before', () => {
    const before = resample(chirp(5000), 48000, 16000);
    resample(tone(3000, 48000, 9000), 48000, 16000);
    expect(resample(chirp(5000), 48000, 16000)).toEqual(before);
  });

  it.each([
    [0, 16000],
    [16000, -1],
    [NaN, 16000],
    [16000, Infinity],
    [1, 96000],
  ])('refuses rates %d and %d', (orig_sr, target_sr) => {
    expect(() => resample(chirp(10), orig_sr, target_sr)).toThrow(DataError);
  });
});

describe("the filter's gain", () => {
  it.each([1 / 3, 2 / 2 ** (2 / 12), 0.01])('is the transform of its impulse response, at ratio %d', (ratio) => {
    const filter = resamplingFilter(ratio);
    const nyquist = 0.5 * Math.min(1, ratio);
    const step = 0.05 / nyquist;
    for (let f = 0; f < 1.6 * nyquist; f += 0.0173 * nyquist) {
      let sum = step * filter.at(0);
      for (let t = step; t < filter.halfWidth; t += step) {
        sum += 2 * step * filter.at(t) * Math.cos(2 * Math.PI * f * t);
      }
      expect(Math.abs(filter.gain(f) - sum), `at ${f}`).toBeLessThan(1e-7);
    }
  });
});

describe('both ways of running the filter agree with its definition', () => {
  it.each(PAIRS)('from %d to %d Hz', (orig_sr, target_sr) => {
    const input = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i * i * 0.77) * 0.5);
    const output = resample(input, orig_sr, target_sr);
    const filter = resamplingFilter(target_sr / orig_sr);
    let worst = 0;
    // Every place in a block, and both ends.
    for (let i = 0; i < output.length; i = i < 20 || i > output.length - 20 ? i + 1 : i + 37) {
      const time = (i * orig_sr) / target_sr;
      let sum = 0;
      const last = Math.min(input.length - 1, Math.floor(time + filter.halfWidth));
      for (let k = Math.max(0, Math.ceil(time - filter.halfWidth)); k <= last; k++) {
        sum += input[k]! * filter.at(time - k);
      }
      worst = Math.max(worst, Math.abs(sum - output[i]!));
    }
    expect(worst).toBeLessThan(2e-6);
  });
});
