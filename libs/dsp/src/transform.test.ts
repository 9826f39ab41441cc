/** What must hold of the transforms whatever the numbers: definitions, inverses, energy, linearity. */
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import {
  complexFft,
  istft,
  magnitude,
  magphase,
  powerSpectrogram,
  realFft,
  spectrogram,
  stft,
  type StftOptions,
  type WindowName,
} from './index.ts';
import { lcg, signals } from './testing/signals.ts';

/** Every radix, products of them, primes and prime powers that need Bluestein's algorithm, usual frame lengths. */
const lengths = [
  ...Array.from({ length: 40 }, (_, k) => k + 1),
  49,
  60,
  91,
  97,
  121,
  128,
  143,
  169,
  200,
  289,
  400,
  441,
  551,
];

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0);
}

function naive(x: Float64Array, y: Float64Array): { re: Float64Array; im: Float64Array } {
  const n = x.length;
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    for (let t = 0; t < n; t++) {
      const angle = (2 * Math.PI * ((k * t) % n)) / n;
      re[k]! += x[t]! * Math.cos(angle) + y[t]! * Math.sin(angle);
      im[k]! += y[t]! * Math.cos(angle) - x[t]! * Math.sin(angle);
    }
  }
  return { re, im };
}

describe('complexFft', () => {
  it.each(lengths)('of length %i is the sum that defines it, and its own inverse with the arrays exchanged', (n) => {
    const x = lcg(n, n);
    const y = lcg(n, n + 1000);
    const expected = naive(x, y);
    const re = Float64Array.from(x);
    const im = Float64Array.from(y);
    const fft = complexFft(n);
    fft.transform(re, im);
    expect(largestDifference(re, expected.re)).toBeLessThan(1e-12 * n);
    expect(largestDifference(im, expected.im)).toBeLessThan(1e-12 * n);
    fft.transform(im, re);
    expect(
      largestDifference(
        re,
        x.map((value) => value * n),
      ),
    ).toBeLessThan(1e-12 * n);
    expect(
      largestDifference(
        im,
        y.map((value) => value * n),
      ),
    ).toBeLessThan(1e-12 * n);
  });

  it('keeps its accuracy at long lengths of every kind', () => {
    for (const n of [4096, 6561, 8191, 10_000]) {
      const re = new Float64Array(n);
      const im = new Float64Array(n);
      re[1] = 1;
      complexFft(n).transform(re, im);
      for (const k of [0, 1, n >> 1, n - 1]) {
        expect(re[k]).toBeCloseTo(Math.cos((2 * Math.PI * k) / n), 12);
        expect(im[k]).toBeCloseTo(-Math.sin((2 * Math.PI * k) / n), 12);
      }
    }
  });

  it('refuses a length that is no positive integer', () => {
    expect(() => complexFft(0)).toThrow(RequestError);
    expect(() => complexFft(2.5)).toThrow(RequestError);
  });
});

describe('realFft', () => {
  it.each(lengths)('of length %i agrees with the complex transform, inverts, and keeps the energy', (n) => {
    const x = lcg(n, 2 * n + 1);
    const { re, im } = naive(x, new Float64Array(n));
    const fft = realFft(n);
    const ourRe = new Float64Array(fft.bins);
    const ourIm = new Float64Array(fft.bins);
    fft.forward(x, ourRe, ourIm);
    expect(largestDifference(ourRe, re.subarray(0, fft.bins))).toBeLessThan(1e-12 * n);
    expect(largestDifference(ourIm, im.subarray(0, fft.bins))).toBeLessThan(1e-12 * n);

    const energy = x.reduce((sum, value) => sum + value * value, 0);
    const mirrored = (k: number) => (k === 0 || 2 * k === n ? 1 : 2);
    const spectral = ourRe.reduce((sum, value, k) => sum + mirrored(k) * (value ** 2 + ourIm[k]! ** 2), 0) / n;
    expect(spectral).toBeCloseTo(energy, 10);

    const back = new Float64Array(n);
    fft.inverse(ourRe, ourIm, back);
    expect(largestDifference(back, x)).toBeLessThan(1e-13 * n);
  });
});

describe('stft', () => {
  const cases: [string, StftOptions][] = [
    ['defaults', {}],
    ['a hop of half the frame', { n_fft: 512, hop_length: 256 }],
    ['a short window', { n_fft: 512, win_length: 400, hop_length: 100 }],
    ['a frame that is no power of two', { n_fft: 400, hop_length: 160 }],
    ['an odd frame', { n_fft: 551, hop_length: 137 }],
    ['edge padding', { n_fft: 512, hop_length: 128, pad_mode: 'edge' }],
    ...(['hamming', 'blackman', 'bartlett', 'boxcar', 'blackmanharris'] as WindowName[]).map(
      (window): [string, StftOptions] => [`the ${window} window`, { n_fft: 256, hop_length: 64, window }],
    ),
  ];

  it.each(cases)('is undone by istft with %s', (_, options) => {
    const y = signals.voice;
    const { n_fft = 2048 } = options;
    const back = istft(stft(y, options), { ...options, n_fft, length: y.length });
    expect(back).toHaveLength(y.length);
    const worst = back.reduce((most, value, t) => Math.max(most, Math.abs(value - y[t]!)), 0);
    expect(worst).toBeLessThan(1e-6);
  });

  it('leaves silence between frames that do not meet', () => {
    const y = signals.voice;
    const options = { n_fft: 64, hop_length: 100, center: false, window: 'boxcar' } as const;
    const back = istft(stft(y, options), options);
    for (let t = 0; t < back.length; t++) expect(Math.abs(back[t]! - (t % 100 < 64 ? y[t]! : 0)) < 1e-6).toBe(true);
  });

  it('is linear', () => {
    const { voice, noise } = signals;
    const mixed = voice.map((value, t) => 0.5 * value - 2 * noise[t]!);
    const [a, b, c] = [stft(voice), stft(noise), stft(mixed)];
    for (let i = 0; i < c.re.length; i += 97) {
      expect(c.re[i]).toBeCloseTo(0.5 * a.re[i]! - 2 * b.re[i]!, 4);
      expect(c.im[i]).toBeCloseTo(0.5 * a.im[i]! - 2 * b.im[i]!, 4);
    }
  });

  it('delays by a frame when the signal is delayed by a hop', () => {
    const y = signals.chord;
    const later = new Float32Array(y.length + 512);
    later.set(y, 512);
    const [a, b] = [powerSpectrogram(y), powerSpectrogram(later)];
    const { cols } = a;
    expect(b.data.subarray(5 * cols, 6 * cols)).toEqual(a.data.subarray(4 * cols, 5 * cols));
  });

  it('gives 1 + floor(length / hop_length) centred frames', () => {
    for (const length of [1, 511, 512, 513, 4000]) {
      expect(stft(new Float32Array(length), { hop_length: 512 }).rows).toBe(1 + Math.floor(length / 512));
    }
  });

  it('finds the power of a spectrogram in its magnitude, and both in the transform', () => {
    const { magnitude: mag, phase } = magphase(stft(signals.sweep, { hop_length: 512 }));
    const power = powerSpectrogram(signals.sweep);
    const root = magnitude(power);
    const plain = spectrogram(signals.sweep);
    const cubed = spectrogram(signals.sweep, { power: 3 });
    for (let i = 0; i < mag.data.length; i += 101) {
      expect(root.data[i]! / mag.data[i]!).toBeCloseTo(1, 5);
      expect(plain.data[i]! / mag.data[i]!).toBeCloseTo(1, 5);
      expect(cubed.data[i]! / mag.data[i]! ** 3).toBeCloseTo(1, 4);
      expect(Math.hypot(phase.re[i]!, phase.im[i]!)).toBeCloseTo(1, 6);
    }
  });

  it('gives silence the phase 1 + 0i', () => {
    const { magnitude: mag, phase } = magphase(stft(signals.silence));
    expect(mag.data.every((value) => value === 0)).toBe(true);
    expect(phase.re.every((value) => value === 1)).toBe(true);
    expect(phase.im.every((value) => value === 0)).toBe(true);
  });

  it('gives the same bytes every time', () => {
    const bytes = () => Buffer.from(stft(signals.noise).re.buffer);
    expect(bytes().equals(bytes())).toBe(true);
  });

  it('refuses an empty signal, and says where a sample is not finite', () => {
    expect(() => stft(new Float32Array(0))).toThrow(DataError);
    const broken = Float32Array.from(signals.voice);
    broken[1234] = NaN;
    expect(() => stft(broken)).toThrow(/NaN at sample 1234/);
    broken[1234] = -Infinity;
    expect(() => stft(broken)).toThrow(DataError);
  });

  it('refuses parameters out of range', () => {
    const y = signals.voice;
    expect(() => stft(y, { n_fft: 0 })).toThrow(RequestError);
    expect(() => stft(y, { hop_length: 1.5 })).toThrow(RequestError);
    expect(() => stft(y, { n_fft: 256, win_length: 512 })).toThrow(RequestError);
    expect(() => stft(signals.short, { center: false })).toThrow(/at least n_fft = 2048/);
    expect(() => stft(y, { window: 'han' as WindowName })).toThrow(/did you mean hann/);
    expect(() => stft(y, { window: new Float32Array(3) })).toThrow(RequestError);
    expect(() => stft(y, { pad_mode: 'mean' as 'edge' })).toThrow(RequestError);
    expect(() => spectrogram(y, { power: 0 })).toThrow(RequestError);
    expect(() => istft(stft(y), { n_fft: 512 })).toThrow(RequestError);
  });
});
