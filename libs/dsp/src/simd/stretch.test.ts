/** The phase vocoder in single precision against the one in double precision. */
import { describe, expect, it } from 'vitest';
import { type StretchOptions, timeStretch } from '../index.ts';
import { lcg } from '../testing/signals.ts';

/** A gliding tone over noise. */
function glide(length: number): Float32Array {
  return Float32Array.from(lcg(length, 5), (x, t) => 0.5 * Math.sin(0.05 * t + 3 * Math.sin(4e-4 * t)) + 0.02 * x);
}

function furthest(y: Float32Array, options: StretchOptions): number {
  const quick = timeStretch(y, options);
  const exact = timeStretch(y, { ...options, precision: 'double' });
  expect(quick).toHaveLength(exact.length);
  const peak = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return quick.reduce((most, value, t) => Math.max(most, Math.abs(value - exact[t]!)), 0) / peak;
}

describe('time stretch in single precision', () => {
  it.each([
    { rate: 1.1 },
    { rate: 0.8, n_fft: 512 },
    { rate: 1.3, n_fft: 4096, win_length: 3000 },
    { rate: 2 ** (1 / 6), n_fft: 1024, hop_length: 300 },
    { rate: 0.9, pad_mode: 'reflect', window: 'hamming' },
  ] as StretchOptions[])('stays within 1e-5 of the peak: %o', (options) => {
    expect(furthest(glide(20_000), options)).toBeLessThan(1e-5);
  });

  it('skips and repeats frames at rates that pass over whole fours of them', () => {
    for (const rate of [9.3, 23, 0.11]) expect(furthest(glide(30_000), { rate })).toBeLessThan(1e-5);
  });

  it('takes any number of frames, whole fours or not', () => {
    for (const length of [1, 511, 512, 1024, 1536, 2048, 2560]) {
      expect(furthest(glide(length), { rate: 1.05 })).toBeLessThan(1e-4);
    }
  });

  it('does not drift over a long signal', () => {
    const y = glide(400_000);
    const ends = (options: Partial<StretchOptions>) =>
      timeStretch(y, { rate: 0.9, n_fft: 512, ...options }).slice(-20_000);
    const exact = ends({ precision: 'double' });
    const worst = ends({}).reduce((most, value, t) => Math.max(most, Math.abs(value - exact[t]!)), 0);
    expect(worst).toBeLessThan(1e-4);
  });

  it('is left to double precision where windows hardly overlap, which would magnify its rounding', () => {
    const options = { rate: 1, n_fft: 1024, hop_length: 1000, center: false };
    expect(timeStretch(glide(20_000), options)).toEqual(
      timeStretch(glide(20_000), { ...options, precision: 'double' }),
    );
  });

  it('keeps silence silent', () => {
    expect(timeStretch(new Float32Array(5000), { rate: 1.2 }).every((value) => value === 0)).toBe(true);
  });
});
