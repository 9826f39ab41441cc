/** Agreement with librosa, scipy and numpy on the parts: windows, banks, cosine transforms, deltas, effects. */
import { describe, expect, it } from 'vitest';
import {
  cepstrum,
  chroma,
  delta,
  functionals,
  getWindow,
  istft,
  mel,
  mfcc,
  pitchShift,
  stft,
  timeStretch,
  type FunctionalName,
  type Resampler,
} from './index.ts';
import { column, expectMatrix, golden } from './testing/golden.ts';
import { lcg, signals, SR } from './testing/signals.ts';

const show = (options: object) => JSON.stringify(options);
const { voice } = signals;

describe('windows agree with scipy', () => {
  for (const { name, length, fftbins, values } of golden.windows) {
    it(`${name} of ${length}, ${fftbins ? 'periodic' : 'symmetric'}`, () => {
      const ours = getWindow(name, length, fftbins);
      expect(ours).toHaveLength(length);
      values.forEach((value, t) => expect(ours[t]).toBeCloseTo(value, 6));
    });
  }
});

describe('filter banks agree with librosa', () => {
  for (const { options, result } of golden.banks.mel) {
    it(`mel ${show(options)}`, () => expectMatrix(mel(SR, 1024, options), result));
  }
  for (const { options, result } of golden.banks.chroma) {
    it(`chroma ${show(options)}`, () => expectMatrix(chroma(SR, 1024, options), result));
  }
});

describe('cosine transforms agree with scipy', () => {
  const S = { data: Float32Array.from(lcg(16, 5)), rows: 1, cols: 16 };
  for (const { type, norm, result } of golden.dct) {
    it(`type ${type}, norm ${norm}`, () => expectMatrix(cepstrum(S, { n_mfcc: 16, dct_type: type, norm }), result));
  }
});

describe('deltas agree with scipy', () => {
  const S = mfcc({ y: voice, sr: SR, n_mfcc: 13 });
  for (const { result, ...options } of golden.delta) {
    // Derivatives are small differences of coefficients around 100, stored in float32.
    it(show(options), () => expectMatrix(delta(S, options), result, { ofMean: 1e-4 }));
  }
});

describe('functionals agree with numpy and scipy', () => {
  const noise = lcg(31, 7);
  const skewed = lcg(31, 8);
  const rows = Array.from({ length: 31 }, (_, t) => [noise[t]!, skewed[t]! ** 3 + 4, t ** 1.5, 2.5]);
  const S = { data: Float32Array.from(rows.flat()), rows: 31, cols: 4 };
  const names = Object.keys(golden.functionals) as FunctionalName[];
  const ours = functionals(S, names);
  for (const [k, name] of names.entries()) {
    it(name, () => {
      golden.functionals[name]!.forEach((value, band) => {
        expect(Math.abs(ours.data[band * names.length + k]! - value)).toBeLessThanOrEqual(
          1e-6 + 1e-5 * Math.abs(value),
        );
      });
    });
  }
});

describe('the inverse of a modified transform agrees with librosa', () => {
  for (const { options, length, result } of golden.istft) {
    it(show({ ...options, length }), () => {
      const D = stft(voice, options);
      for (let row = 0; row < D.rows; row++) {
        for (let bin = 0; bin < D.cols; bin++) {
          if (row % 3 !== 0 && bin < D.cols >> 1) continue;
          D.re[row * D.cols + bin] = D.im[row * D.cols + bin] = 0;
        }
      }
      expectMatrix(column(istft(D, length === undefined ? options : { ...options, length })), result);
    });
  }
});

describe('effects agree with librosa', () => {
  for (const { options, result } of golden.time_stretch) {
    it(`timeStretch ${show(options)}`, () => {
      expectMatrix(column(timeStretch(voice, options)), result, { ofMean: 1e-3 });
    });
  }

  const linear: Resampler = (y, from, to) =>
    Float32Array.from({ length: Math.ceil((y.length * to) / from) }, (_, i) => {
      const t = Math.min((i * from) / to, y.length - 1);
      const low = Math.floor(t);
      const next = y[Math.min(low + 1, y.length - 1)]!;
      return y[low]! + (t - low) * (next - y[low]!);
    });
  for (const { result, ...options } of golden.pitch_shift) {
    it(`pitchShift ${show(options)}`, () => {
      expectMatrix(column(pitchShift(voice, { ...options, sr: SR, resample: linear })), result, { ofMean: 1e-3 });
    });
  }
});
