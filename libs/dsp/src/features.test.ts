/** Invariants of the features, and what they refuse. Agreement with librosa is in parity.test.ts. */
import { DataError, RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import {
  amplitudeToDb,
  cepstrum,
  chromaStft,
  delta,
  emptyMelBands,
  estimateTuning,
  functionals,
  functionals13,
  hzToMel,
  mel,
  melspectrogram,
  melToHz,
  mfcc,
  normalize,
  piptrack,
  pitchTuning,
  powerSpectrogram,
  powerToDb,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  stackBands,
  stft,
  tonnetz,
  transpose,
  zeroCrossingRate,
  type FunctionalName,
  type Matrix,
} from './index.ts';
import { lcg, signals, SR, tone } from './testing/signals.ts';

const sr = SR;
const { voice, silence } = signals;

function matrix(rows: number[][]): Matrix {
  return { data: Float32Array.from(rows.flat()), rows: rows.length, cols: rows[0]!.length };
}

describe('mel', () => {
  it('undoes its own scale, for both formulas', () => {
    for (const htk of [false, true]) {
      for (const hz of [0, 20, 999, 1000, 1001, 8000]) expect(melToHz(hzToMel(hz, htk), htk)).toBeCloseTo(hz, 6);
    }
  });

  it('adds up to 1 between its first and last peak when the peaks are 1', () => {
    const bank = mel(sr, 2048, { n_mels: 20, norm: null });
    for (let bin = 20; bin < 800; bin++) {
      let sum = 0;
      for (let band = 0; band < 20; band++) sum += bank.data[band * bank.cols + bin]!;
      expect(sum).toBeCloseTo(1, 5);
    }
  });

  it('gives every band about the same area under norm slaney', () => {
    const bank = mel(sr, 8192, { n_mels: 20 });
    const areas = Array.from({ length: 20 }, (_, band) =>
      bank.data.subarray(band * bank.cols, (band + 1) * bank.cols).reduce((sum, weight) => sum + weight, 0),
    );
    for (const area of areas) expect((area * sr) / 8192).toBeCloseTo(1, 1);
  });

  it('names bands that hold no bin', () => {
    expect(emptyMelBands(sr, 2048, { n_mels: 40 })).toEqual([]);
    expect(emptyMelBands(sr, 256, { n_mels: 128 }).length).toBeGreaterThan(0);
  });

  it('scales with the power of the signal', () => {
    const quiet = melspectrogram({ y: voice, sr });
    const loud = melspectrogram({ y: voice.map((x) => 2 * x), sr });
    for (let i = 0; i < quiet.data.length; i += 53) expect(loud.data[i]! / quiet.data[i]!).toBeCloseTo(4, 4);
  });

  it('refuses a range past half the sample rate', () => {
    expect(() => mel(sr, 2048, { fmax: 9000 })).toThrow(RequestError);
    expect(() => mel(sr, 2048, { fmin: 500, fmax: 400 })).toThrow(RequestError);
  });
});

describe('decibels', () => {
  it('are 10 per factor ten of power and 20 of amplitude', () => {
    const S = matrix([[1, 10, 100]]);
    expect([...powerToDb(S).data]).toEqual([0, 10, 20]);
    expect([...amplitudeToDb(S).data]).toEqual([0, 20, 40]);
  });

  it('end top_db below the loudest, and at amin', () => {
    const S = matrix([[1, 1e-5, 0]]);
    expect([...powerToDb(S, { top_db: 30 }).data]).toEqual([0, -30, -30]);
    expect([...powerToDb(S, { top_db: null }).data]).toEqual([0, -50, -100]);
    expect([...powerToDb(S, { ref: 'max', top_db: null, amin: 1e-3 }).data]).toEqual([0, -30, -30]);
  });

  it('keep their digits near the reference, whatever that is, and take references beyond all values', () => {
    const S = matrix([[0.999e-6, 1e-6, 1e-7]]);
    const [below, same, tenth] = powerToDb(S, { ref: 'max', amin: 1e-12 }).data;
    expect(below! / (10 * Math.log10(Math.fround(0.999e-6) / Math.fround(1e-6)))).toBeCloseTo(1, 3);
    expect([same, tenth]).toEqual([0, -10]);
    expect(powerToDb(S, { ref: 1e35, amin: 1e-10, top_db: null }).data[1]).toBeCloseTo(-410, 3);
    expect(powerToDb(matrix([[1e30]]), { ref: 1e-20, amin: 1e-30 }).data[0]).toBeCloseTo(500, 3);
  });

  it('refuse NaN, an amin of 0 and a negative top_db', () => {
    expect(() => powerToDb(matrix([[1, NaN]]))).toThrow(DataError);
    expect(() => powerToDb(matrix([[1]]), { amin: 0 })).toThrow(RequestError);
    expect(() => powerToDb(matrix([[1]]), { top_db: -1 })).toThrow(RequestError);
  });
});

describe('mfcc', () => {
  it('is the same from samples and from a shared spectrogram, down to the precision of the transform', () => {
    const n_fft = 400;
    const same = powerToDb(melspectrogram({ S: powerSpectrogram(voice, { n_fft }), sr, n_fft, n_mels: 40 }));
    expect(mfcc({ S: same, n_mfcc: 13 })).toEqual(mfcc({ y: voice, sr, n_fft, n_mels: 40, n_mfcc: 13 }));
    const S = powerToDb(melspectrogram({ S: powerSpectrogram(voice), sr }));
    const shared = mfcc({ S, n_mfcc: 13 });
    const direct = mfcc({ y: voice, sr, n_mfcc: 13 });
    expect(direct.data.every((value, i) => Math.abs(value - shared.data[i]!) < 1e-3)).toBe(true);
  });

  it('only moves coefficient 0 when the level changes', () => {
    const a = mfcc({ y: voice, sr, n_mfcc: 13 });
    const b = mfcc({ y: voice.map((x) => x / 2), sr, n_mfcc: 13 });
    const drop = 20 * Math.log10(2) * Math.sqrt(128);
    for (let row = 0; row < a.rows; row++) {
      expect(a.data[row * 13]! - b.data[row * 13]!).toBeCloseTo(drop, 2);
      expect(b.data[row * 13 + 5]).toBeCloseTo(a.data[row * 13 + 5]!, 2);
    }
  });

  it('refuses more coefficients than bands and a negative lifter', () => {
    const S = matrix([[1, 2, 3]]);
    expect(() => cepstrum(S, { n_mfcc: 4 })).toThrow(/more coefficients than bands/);
    expect(() => cepstrum(S, { n_mfcc: 2, lifter: -1 })).toThrow(RequestError);
  });
});

describe('delta', () => {
  it('is the slope of a line and the second difference of a parabola, ends included', () => {
    const S = matrix(Array.from({ length: 12 }, (_, t) => [3 * t + 1, t * t]));
    for (const value of delta(S).data.filter((_, i) => i % 2 === 0)) expect(value).toBeCloseTo(3, 5);
    for (const value of delta(S, { order: 2 }).data.filter((_, i) => i % 2 === 1)) expect(value).toBeCloseTo(2, 4);
  });

  it('says that a signal is too short, and mode nearest takes it', () => {
    const S = matrix([[1], [2], [3]]);
    expect(() => delta(S)).toThrow(/at least width = 9 frames/);
    expect(() => delta(S)).toThrow(DataError);
    expect(delta(S, { mode: 'nearest' }).rows).toBe(3);
    expect(delta(matrix([[5]]), { mode: 'mirror' }).data[0]).toBeCloseTo(0, 12);
  });

  it('refuses an even width', () => {
    expect(() => delta(matrix([[1], [2], [3], [4]]), { width: 4 })).toThrow(RequestError);
  });
});

describe('chroma', () => {
  const strongest = (y: Float32Array) => {
    const { data, cols, rows } = chromaStft({ y, sr });
    const middle = data.subarray((rows >> 1) * cols, ((rows >> 1) + 1) * cols);
    return middle.indexOf(Math.max(...middle));
  };

  it('puts A in class 9 whatever its octave', () => {
    for (const hz of [220, 440, 880, 1760]) expect(strongest(tone(hz))).toBe(9);
  });

  it('rises by a class with a semitone', () => {
    for (let k = 0; k < 12; k++) expect(strongest(tone(440 * 2 ** (k / 12), 4000))).toBe((9 + k) % 12);
  });

  it('has a maximum of 1 in every frame that is not silent', () => {
    const { data, rows, cols } = chromaStft({ y: voice, sr });
    for (let row = 0; row < rows; row++) expect(Math.max(...data.subarray(row * cols, (row + 1) * cols))).toBe(1);
    expect(chromaStft({ y: silence, sr }).data.every((value) => value === 0)).toBe(true);
  });

  it('estimates the tuning of a detuned scale', () => {
    for (const cents of [-30, 20]) {
      const y = new Float32Array(16000);
      for (let k = 0; k < 8; k++) {
        const note = tone(440 * 2 ** (k / 12 + cents / 1200), 16000);
        for (let t = 0; t < y.length; t++) y[t]! += note[t]! / 8;
      }
      expect(
        Math.abs(estimateTuning({ S: powerSpectrogram(y, { n_fft: 4096 }), sr, n_fft: 4096 }) - cents / 100),
      ).toBeLessThan(0.03);
    }
  });

  it('has no tuning without a pitch', () => {
    expect(pitchTuning(new Float32Array(0))).toBe(0);
    expect(estimateTuning({ y: silence, sr })).toBe(0);
  });

  it('tracks the pitch of a tone to a fraction of a bin', () => {
    const { pitches, magnitudes } = piptrack({ y: tone(1003), sr });
    const row = pitches.rows >> 1;
    const frame = magnitudes.data.subarray(row * magnitudes.cols, (row + 1) * magnitudes.cols);
    const peak = frame.indexOf(Math.max(...frame));
    expect(Math.abs(pitches.data[row * pitches.cols + peak]! - 1003)).toBeLessThan(1);
  });

  it('becomes six tonal centroids no longer than their circles', () => {
    const ton = tonnetz(chromaStft({ y: voice, sr, tuning: 0 }));
    expect(ton.cols).toBe(6);
    expect(Math.max(...ton.data.map(Math.abs))).toBeLessThanOrEqual(1);
  });
});

describe('spectral shape', () => {
  const middle = ({ data }: Matrix) => data[data.length >> 1]!;

  it('finds the frequency of a tone', () => {
    expect(Math.abs(middle(spectralCentroid({ y: tone(1000), sr })) - 1000)).toBeLessThan(10);
    expect(Math.abs(middle(spectralRolloff({ y: tone(1000), sr })) - 1000)).toBeLessThan(20);
    expect(middle(spectralFlatness({ y: tone(1000) }))).toBeLessThan(1e-4);
  });

  it('does not depend on the level', () => {
    const loud = voice.map((x) => 3 * x);
    for (const feature of [spectralCentroid, spectralBandwidth, spectralRolloff, spectralContrast]) {
      const [a, b] = [feature({ y: voice, sr }), feature({ y: loud, sr })];
      a.data.forEach((value, i) => expect(Math.abs(b.data[i]! - value)).toBeLessThan(1e-3 * (1 + Math.abs(value))));
    }
  });

  it('is flat for a click and for silence', () => {
    expect(spectralFlatness({ y: signals.clicks }).data[2]).toBeCloseTo(1, 4);
    expect(spectralFlatness({ y: silence }).data[0]).toBeCloseTo(1, 6);
  });

  it('agrees with itself from samples and from a spectrogram', () => {
    const S = powerSpectrogram(voice);
    const root = { ...S, data: S.data.map(Math.sqrt) };
    const a = spectralBandwidth({ y: voice, sr });
    const b = spectralBandwidth({ S: root, sr, centroid: spectralCentroid({ S: root, sr }) });
    a.data.forEach((value, i) => expect(b.data[i]! / value).toBeCloseTo(1, 5));
  });

  it('refuses decibels, NaN, no input, and frequencies that do not fit', () => {
    const S = matrix([[1, 2, 3]]);
    for (const bad of [-1, NaN, Infinity]) {
      const broken = matrix([[1, bad, 3]]);
      expect(() => spectralCentroid({ S: broken })).toThrow(DataError);
      expect(() => spectralBandwidth({ S: broken })).toThrow(DataError);
      expect(() => spectralRolloff({ S: broken })).toThrow(DataError);
      expect(() => spectralFlatness({ S: broken })).toThrow(DataError);
    }
    expect(() => spectralCentroid({})).toThrow(/expected: y or S/);
    expect(() => spectralCentroid({ S, freq: Float64Array.of(1, 2) })).toThrow(RequestError);
    expect(() => spectralRolloff({ S, roll_percent: 1 })).toThrow(RequestError);
    expect(() => spectralBandwidth({ S, centroid: matrix([[1], [2]]) })).toThrow(RequestError);
    expect(() => spectralFlatness({ S, amin: 0 })).toThrow(RequestError);
    expect(() => spectralCentroid({ S: { data: new Float32Array(5), rows: 2, cols: 3 } })).toThrow(DataError);
  });

  it('refuses contrast bands above half the sample rate or without a bin', () => {
    expect(() => spectralContrast({ y: voice, sr, n_bands: 8 })).toThrow(/above half the sample rate/);
    expect(() => spectralContrast({ y: voice, sr, n_fft: 64 })).toThrow(/a band holds no bin/);
    expect(() => spectralContrast({ y: voice, sr, quantile: 1 })).toThrow(RequestError);
  });
});

describe('energy', () => {
  it('is the amplitude of a tone over the root of 2, from samples and nearly so from its spectrum', () => {
    const y = tone(1000);
    expect(rms({ y }).data[6]).toBeCloseTo(0.5 / Math.SQRT2, 4);
    const S = stft(y, { hop_length: 512, window: 'boxcar' });
    const flat = { ...S, data: S.re.map((re, i) => Math.hypot(re, S.im[i]!)) };
    expect(rms({ S: flat }).data[6]).toBeCloseTo(0.5 / Math.SQRT2, 4);
  });

  it('crosses zero twice per period', () => {
    expect(zeroCrossingRate(tone(1000)).data[6]! * sr).toBeCloseTo(2000, -1.4);
    expect(zeroCrossingRate(silence).data.every((value) => value === 0)).toBe(true);
    expect(zeroCrossingRate(signals.dc.map((x) => x + 1)).data.every((value) => value === 0)).toBe(true);
  });

  it('refuses nothing, an empty signal, and a spectrogram of another length', () => {
    expect(() => rms({})).toThrow(RequestError);
    expect(() => rms({ y: new Float32Array(0) })).toThrow(DataError);
    expect(() => rms({ S: matrix([[1, 2]]) })).toThrow(RequestError);
    expect(() => zeroCrossingRate(Float32Array.of(1, NaN))).toThrow(DataError);
    expect(() => rms({ y: signals.short, center: false })).toThrow(RequestError);
  });
});

describe('functionals', () => {
  it('has thirteen distinct names in its preset', () => {
    expect(new Set(functionals13).size).toBe(13);
  });

  it('gives bands x names, finite for one frame and for a constant', () => {
    for (const S of [
      matrix([[1, 2, 3]]),
      matrix([
        [4, 4],
        [4, 4],
        [4, 4],
      ]),
    ]) {
      const out = functionals(S);
      expect([out.rows, out.cols]).toEqual([S.cols, 13]);
      expect(out.data.every(Number.isFinite)).toBe(true);
    }
  });

  it('moves as its definition says when a band is scaled and shifted', () => {
    const x = [...lcg(50, 11)];
    const a = functionals(matrix(x.map((v) => [v]))).data;
    const b = functionals(matrix(x.map((v) => [3 * v + 2]))).data;
    functionals13.forEach((name, k) => {
      const spread = ['std', 'range', 'iqr'].includes(name);
      const shape = ['skewness', 'kurtosis'].includes(name);
      expect(b[k]).toBeCloseTo(shape ? a[k]! : 3 * a[k]! + (spread ? 0 : 2), 4);
    });
  });

  it('names the functional it does not know', () => {
    const S = matrix([[1]]);
    expect(() => functionals(S, ['meen' as FunctionalName])).toThrow(/did you mean mean/);
    expect(() => functionals(S, ['p101'])).toThrow(RequestError);
    expect(() => functionals(matrix([[NaN]]))).toThrow(DataError);
    expect(() => functionals({ data: new Float32Array(0), rows: 0, cols: 0 })).toThrow(DataError);
  });
});

describe('matrices', () => {
  it('stack their bands side by side and transpose', () => {
    const both = stackBands([
      matrix([
        [1, 2],
        [3, 4],
      ]),
      matrix([[5], [6]]),
    ]);
    expect([...both.data]).toEqual([1, 2, 5, 3, 4, 6]);
    expect([...transpose(both).data]).toEqual([1, 3, 2, 4, 5, 6]);
    expect(() => stackBands([matrix([[1]]), matrix([[1], [2]])])).toThrow(RequestError);
  });

  it('normalize frames of any norm, and leave silent ones', () => {
    const S = matrix([
      [3, 4],
      [0, 0],
    ]);
    expect([...normalize(S, 2).data]).toEqual([...Float32Array.of(0.6, 0.8, 0, 0)]);
    expect([...normalize(S).data]).toEqual([0.75, 1, 0, 0]);
    expect(normalize(S, null)).toBe(S);
    expect(() => normalize(S, 0)).toThrow(RequestError);
    expect(() => normalize(matrix([[NaN]]))).toThrow(DataError);
  });
});
