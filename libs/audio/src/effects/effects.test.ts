import { RequestError, Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { Fft } from '../fft.ts';
import { golden } from '../testing.ts';
import { bandLimit } from './band-limit.ts';
import { addNoise, pinkNoise, whiteNoise } from './noise.ts';
import { quantize } from './quantize.ts';
import { convolved, reverb, roomResponse } from './reverb.ts';
import { shift } from './shift.ts';

const SR = 16000;
const tone = (hz: number, length = SR, amplitude = 0.5) =>
  Float32Array.from({ length }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / SR));
const power = (x: ArrayLike<number>) => Array.from(x).reduce((sum, value) => sum + value * value, 0) / x.length;
const decibels = (ratio: number) => 10 * Math.log10(ratio);

/** Power per band of an octave from 125 Hz on. */
function octaves(noise: Float64Array): number[] {
  const fft = new Fft(noise.length);
  const spectrum = new Float64Array(2 * noise.length);
  noise.forEach((x, i) => (spectrum[2 * i] = x));
  fft.transform(spectrum);
  return [125, 250, 500, 1000, 2000, 4000].map((low) => {
    let sum = 0;
    const bin = (hz: number) => Math.round((hz * noise.length) / SR);
    for (let k = bin(low); k < bin(2 * low); k++) sum += spectrum[2 * k]! ** 2 + spectrum[2 * k + 1]! ** 2;
    return decibels(sum);
  });
}

describe('noise', () => {
  it.each(['white', 'pink'] as const)('%s: has the ratio to the signal that is asked for', (color) => {
    const signal = tone(440);
    for (const snr_db of [-5, 10, 30]) {
      const noisy = addNoise(signal, color, { snr_db }, new Rng(1));
      const noise = noisy.map((x, i) => x - signal[i]!);
      expect(decibels(power(signal) / power(noise))).toBeCloseTo(snr_db, 0);
    }
  });

  it('has a deviation that is the given share of the peak', () => {
    const signal = tone(440);
    const noise = addNoise(signal, 'white', { amplitude: 0.1 }, new Rng(2)).map((x, i) => x - signal[i]!);
    expect(Math.sqrt(power(noise))).toBeCloseTo(0.05, 3);
  });

  it('white rises by 3 dB an octave, as octaves widen; pink stays level', () => {
    const steps = (levels: number[]) => levels.slice(1).map((level, i) => level - levels[i]!);
    for (const step of steps(octaves(whiteNoise(2 ** 16, new Rng(3))))) expect(Math.abs(step - 3.01)).toBeLessThan(0.8);
    for (const step of steps(octaves(pinkNoise(2 ** 16, new Rng(3))))) expect(Math.abs(step)).toBeLessThan(0.8);
  });

  it('leaves silence silent and takes no samples at all', () => {
    expect(addNoise(new Float32Array(50), 'pink', { snr_db: 10 }, new Rng(1))).toEqual(new Float32Array(50));
    expect(addNoise(new Float32Array(0), 'pink', { amplitude: 1 }, new Rng(1))).toHaveLength(0);
    expect(() => addNoise(Float32Array.of(1, NaN), 'white', { snr_db: 1 }, new Rng(1))).toThrow(/not finite/);
  });
});

describe('reverb', () => {
  it('decays by 60 dB in the time asked for', () => {
    const response = roomResponse(SR, { rt60: 0.5, drr_db: 0 }, new Rng(1));
    const level = (from: number) => decibels(power(response.subarray(from * SR, (from + 0.05) * SR)));
    // 60 dB in half a second are 42 dB in 0.35 s.
    expect(level(0.05) - level(0.4)).toBeCloseTo(42, -0.5);
    expect(response).toHaveLength(8000);
  });

  it('keeps the ratio of direct sound to reverberation', () => {
    const response = roomResponse(SR, { rt60: 0.3, drr_db: 6 }, new Rng(2));
    expect(response[0]).toBe(1);
    expect(decibels(1 / response.subarray(1).reduce((sum, x) => sum + x * x, 0))).toBeCloseTo(6, 9);
  });

  it('is the convolution with the response, cut to the length of the signal', () => {
    const signal = tone(300, 700).map((x, i) => x + (i % 7) / 20);
    const response = Float64Array.from({ length: 90 }, (_, i) => Math.cos(i) / (1 + i));
    const direct = signal.map((_, n) => {
      let sum = 0;
      for (let k = 0; k < response.length && k <= n; k++) sum += response[k]! * signal[n - k]!;
      return sum;
    });
    convolved(signal, response).forEach((x, i) => expect(Math.abs(x - direct[i]!)).toBeLessThan(1e-6));
    expect(reverb(new Float32Array(0), SR, { rt60: 0.2, drr_db: 3 }, new Rng(1))).toHaveLength(0);
  });

  it('refuses a room without time', () => {
    expect(() => roomResponse(SR, { rt60: 0, drr_db: 0 }, new Rng(1))).toThrow(RequestError);
  });
});

describe('bandLimit', () => {
  it('is a Butterworth filter of order 4 on either side, as scipy designs it', () => {
    const { input, low_pass, high_pass } = golden<Record<string, number[]>>('effects');
    const close = (got: Float32Array, wanted: number[]) =>
      wanted.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 6));
    close(bandLimit(Float32Array.from(input!), SR, { low: 0, high: 3400 }), low_pass!);
    close(bandLimit(Float32Array.from(input!), SR, { low: 300, high: 8000 }), high_pass!);
  });

  it('lets a telephone band through and stops what lies outside', () => {
    const gain = (hz: number) => {
      const out = bandLimit(tone(hz), SR, { low: 300, high: 3400 });
      return decibels(power(out.subarray(SR / 2)) / power(tone(hz).subarray(SR / 2)));
    };
    expect(Math.abs(gain(1000))).toBeLessThan(0.1);
    expect(gain(300)).toBeCloseTo(-3.01, 1);
    expect(gain(75)).toBeLessThan(-45);
    expect(gain(7000)).toBeLessThan(-45);
  });

  it('refuses what is no band', () => {
    for (const band of [
      { low: 400, high: 300 },
      { low: -1, high: 300 },
      { low: 9000, high: 9500 },
    ]) {
      expect(() => bandLimit(tone(440), SR, band)).toThrow(RequestError);
    }
  });
});

describe('quantize', () => {
  it('rounds to steps of one size, clips, and keeps silence', () => {
    const input = Float32Array.of(0, 0.1, -0.1, 0.9, -1, 2, -2);
    expect([...quantize(input, { bits: 3, law: 'linear' })]).toEqual([0, 0, -0, 0.75, -1, 0.75, -1]);
  });

  it('on the mu-law keeps soft sounds better than even steps do', () => {
    const soft = tone(440, 2000, 0.01);
    const error = (law: 'mu' | 'linear') => power(quantize(soft, { bits: 8, law }).map((x, i) => x - soft[i]!));
    expect(decibels(power(soft) / error('mu'))).toBeGreaterThan(20);
    expect(error('mu')).toBeLessThan(error('linear') / 10);
    expect([...quantize(Float32Array.of(0, 0), { bits: 8, law: 'mu' })]).toEqual([0, 0]);
  });
});

describe('shift', () => {
  it('moves later and earlier, with silence or around', () => {
    const input = Float32Array.of(1, 2, 3, 4);
    expect([...shift(input, 1, 'silence')]).toEqual([0, 1, 2, 3]);
    expect([...shift(input, -1, 'silence')]).toEqual([2, 3, 4, 0]);
    expect([...shift(input, 9, 'silence')]).toEqual([0, 0, 0, 0]);
    expect([...shift(input, 1, 'roll')]).toEqual([4, 1, 2, 3]);
    expect([...shift(input, -5, 'roll')]).toEqual([2, 3, 4, 1]);
    expect(shift(new Float32Array(0), 3, 'roll')).toHaveLength(0);
  });
});
