/** A spectrogram in the kernels' memory is a matrix like any other to whoever has it. */
import { describe, expect, it } from 'vitest';
import {
  chromaStft,
  dismiss,
  estimateTuning,
  magnitude,
  melspectrogram,
  piptrack,
  powerSpectrogram,
  realFft,
  spectralContrast,
  spectralFlatness,
  type Matrix,
} from '../index.ts';
import { lcg, SR } from '../testing/signals.ts';

const signal = (length: number, seed = 1) =>
  Float32Array.from(lcg(length, seed), (x, i) => 0.3 * Math.sin(0.2 * i) + 0.2 * x);

const copy = ({ data, rows, cols }: Matrix): Matrix => ({ data: data.slice(), rows, cols });

const features: Record<string, (S: Matrix) => Float32Array> = {
  mel: (S) => melspectrogram({ S, sr: SR }).data,
  chroma: (S) => chromaStft({ S, sr: SR, tuning: 0.1 }).data,
  contrast: (S) => spectralContrast({ S, power: 2, sr: SR }).data,
  flatness: (S) => spectralFlatness({ S }).data,
  magnitude: (S) => magnitude(S).data,
  tuning: (S) => Float32Array.of(estimateTuning({ S, sr: SR })),
  peaks: (S) => piptrack({ S, sr: SR }).pitches.data,
};

describe('a spectrogram that stays in the memory of the kernels', () => {
  it.each(Object.keys(features))('gives the %s that a copy of it gives, to the bit', (name) => {
    for (const length of [1, 600, 1100, 1800, 40_000]) {
      const S = powerSpectrogram(signal(length), { hop_length: 512 });
      const inPlace = features[name]!(S);
      expect(features[name]!(copy(S))).toEqual(inPlace);
      expect(features[name]!(S)).toEqual(inPlace);
    }
  });

  it('is what whoever writes to its data made of it', () => {
    const S = powerSpectrogram(signal(5000));
    const before = melspectrogram({ S, sr: SR }).data;
    for (let i = 0; i < S.data.length; i++) S.data[i]! *= 4;
    expect(melspectrogram({ S, sr: SR }).data).toEqual(before.map((value) => 4 * value));
  });

  it('survives the next one', () => {
    const S = powerSpectrogram(signal(5000));
    const mel = melspectrogram({ S, sr: SR }).data;
    powerSpectrogram(signal(9000, 2));
    expect(melspectrogram({ S, sr: SR }).data).toEqual(mel);
  });

  it('is refused once it is dismissed, unless its data were asked for before', () => {
    const S = powerSpectrogram(signal(5000));
    dismiss(S);
    expect(() => melspectrogram({ S, sr: SR })).toThrow(/dismissed/);
    const other = powerSpectrogram(signal(5000));
    const { data } = other;
    dismiss(other);
    expect(other.data).toBe(data);
    expect(melspectrogram({ S: other, sr: SR }).rows).toBe(other.rows);
  });

  it('has the same frames as one that is too large to stay', () => {
    const options = { n_fft: 512, hop_length: 16, center: false } as const;
    const y = signal(16 * 20_000);
    const large = powerSpectrogram(y, options);
    expect(large.data.byteLength).toBeGreaterThan(1 << 24);
    for (const row of [0, 63, 64, 1001, large.rows - 1]) {
      const alone = powerSpectrogram(y.slice(row * 16, row * 16 + 512), options);
      expect(large.data.slice(row * large.cols, (row + 1) * large.cols)).toEqual(alone.data);
    }
  });

  it.each([512, 1024, 2048, 4096])('holds the powers of the plain transform, for frames of %i', (n_fft) => {
    const y = signal(n_fft * 7, n_fft);
    const S = powerSpectrogram(y, { n_fft, hop_length: n_fft, window: 'boxcar', center: false });
    const fft = realFft(n_fft);
    const [re, im] = [new Float64Array(fft.bins), new Float64Array(fft.bins)];
    expect(S.rows).toBe(7);
    for (let row = 0; row < S.rows; row++) {
      fft.forward(Float64Array.from(y.subarray(row * n_fft, (row + 1) * n_fft)), re, im);
      for (let k = 0; k < S.cols; k++) {
        const exact = re[k]! ** 2 + im[k]! ** 2;
        expect(Math.abs(S.data[row * S.cols + k]! - exact)).toBeLessThan(1e-7 * exact + 1e-16 * n_fft ** 2);
      }
    }
  });
});
