/** The assembler's code against plain arithmetic, and kernels at the seams: odd sizes, chunks, large memories. */
import { describe, expect, it } from 'vitest';
import {
  chromaStft,
  magnitude,
  melspectrogram,
  powerSpectrogram,
  powerToDb,
  realFft,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  stft,
  zeroCrossingRate,
  type Matrix,
} from '../index.ts';
import { lcg, SR } from '../testing/signals.ts';
import { extremeSums } from './extremes.ts';
import { decibelsOf, filterBank, momentRows, projectRows, squareRoots } from './rows.ts';
import { scratch } from './runtime.ts';
import { survey } from './survey.ts';

/** Positive noise, frames x bins. */
function noise(rows: number, cols: number, seed = 1): Matrix {
  return { data: Float32Array.from(lcg(rows * cols, seed), (x) => (x + 1) * 5), rows, cols };
}

function rowsOf(S: Matrix, from: number, to: number): Matrix {
  return { data: S.data.slice(from * S.cols, to * S.cols), rows: to - from, cols: S.cols };
}

/** Whether two arrays hold the same bytes; quicker than an element-wise comparison of large ones. */
function same(a: Float32Array, b: Float32Array): boolean {
  const bytes = (x: Float32Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}

/** Widths around multiples of a vector, and enough rows for several chunks of the widest. */
const shapes: [number, number][] = [
  [1, 1],
  [3, 2],
  [5, 3],
  [2, 4],
  [7, 5],
  [4, 16],
  [3, 17],
  [130, 1025],
];

describe('row kernels', () => {
  it.each(shapes)('take square roots of %i x %i', (rows, cols) => {
    const S = noise(rows, cols);
    expect(squareRoots(S).data.every((value, i) => value === Math.fround(Math.sqrt(S.data[i]!)))).toBe(true);
  });

  it.each(shapes)('project %i x %i on any number of filters', (rows, cols) => {
    const S = noise(rows, cols);
    for (const filters of [1, 3, 4, 6]) {
      const weight = (f: number, bin: number) => Math.cos(f + bin);
      const out = projectRows(S, filterBank(filters, cols, weight));
      expect([out.rows, out.cols]).toEqual([rows, filters]);
      for (let row = 0; row < rows; row += 43) {
        for (let f = 0; f < filters; f++) {
          let sum = 0;
          for (let bin = 0; bin < cols; bin++) sum += S.data[row * cols + bin]! * weight(f, bin);
          expect(Math.abs(out.data[row * filters + f]! - sum)).toBeLessThan(1e-5 * cols);
        }
      }
    }
  });

  it.each(shapes)('sum %i x %i with frequencies, around 0 and around a centre', (rows, cols) => {
    const S = noise(rows, cols);
    const freq = Float64Array.from({ length: cols }, (_, k) => 3 * k + 1);
    const centres = Float64Array.from({ length: rows }, (_, row) => row / 2);
    const plain = momentRows(S, freq);
    const around = momentRows(S, freq, centres);
    for (let row = 0; row < rows; row += 7) {
      const values = rowsOf(S, row, row + 1).data;
      const total = values.reduce((sum, x) => sum + x, 0);
      const mean = values.reduce((sum, x, k) => sum + x * freq[k]!, 0);
      const spread = values.reduce((sum, x, k) => sum + x * (freq[k]! - centres[row]!) ** 2, 0);
      expect(plain[3 * row + 1]! / total).toBeCloseTo(1, 10);
      expect(plain[3 * row + 2]! / mean).toBeCloseTo(1, 10);
      expect(around[3 * row + 1]! / total).toBeCloseTo(1, 10);
      expect(around[3 * row + 2]! / spread).toBeCloseTo(1, 10);
    }
  });

  it('take logarithms of everything from the smallest normal float32 to the largest', () => {
    const exponents = Array.from({ length: 254 }, (_, k) => k - 126);
    const data = Float32Array.from(
      exponents.flatMap((e) => [2 ** e, 1.37 * 2 ** e, 1.4142135 * 2 ** e, 1.99 * 2 ** e]),
    );
    const { data: logs } = decibelsOf(
      { data, rows: 4, cols: data.length / 4 },
      { gain: 1, amin: 2 ** -126, scale: 1, floor: -Infinity, zero: 0 },
    );
    data.forEach((value, i) => {
      const exact = Math.log(value);
      expect(Math.abs(logs[i]! - exact)).toBeLessThanOrEqual(2.5e-7 * Math.max(0.5, Math.abs(exact)));
    });
  });

  it('give each frame what it would get alone, over any number of chunks', () => {
    const S = noise(280, 1025, 9);
    const one = (row: number) => rowsOf(S, row, row + 1);
    const features: ((S: Matrix) => Matrix)[] = [
      (M) => melspectrogram({ S: M, sr: SR }),
      (M) => chromaStft({ S: M, sr: SR, tuning: 0 }),
      (M) => spectralContrast({ S: M, sr: SR, linear: true }),
      (M) => spectralCentroid({ S: M, sr: SR }),
      (M) => spectralBandwidth({ S: M, sr: SR }),
      (M) => spectralRolloff({ S: M, sr: SR }),
      (M) => spectralFlatness({ S: M }),
      (M) => magnitude(M),
      (M) => powerToDb(M, { top_db: null }),
    ];
    for (const feature of features) {
      const all = feature(S);
      for (const row of [0, 126, 127, 128, 255, 279])
        expect(same(rowsOf(all, row, row + 1).data, feature(one(row)).data)).toBe(true);
    }
  });

  it.each([
    [1, 5],
    [3, 8],
    [4, 9],
    [7, 17],
    [130, 40],
  ])('sum up the extremes of runs of %i x %i, however many are wanted', (rows, cols) => {
    const S = noise(rows, cols, 3);
    const runs = [
      { from: 0, to: cols, count: cols },
      { from: 1, to: cols, count: Math.ceil(cols / 3) },
      { from: cols - 3, to: cols - 1, count: 1 },
    ];
    const seen: number[][] = [];
    const { smallest, largest } = extremeSums(S, runs, (least, sum) => seen.push([least, sum]));
    expect(seen).toHaveLength(rows * runs.length);
    const total = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);
    for (let row = 0; row < rows; row++) {
      runs.forEach(({ from, to, count }, k) => {
        const sorted = S.data.slice(row * cols + from, row * cols + to).sort();
        expect(smallest[row * runs.length + k]! / total(sorted.slice(0, count))).toBeCloseTo(1, 6);
        expect(largest[row * runs.length + k]! / total(sorted.slice(-count))).toBeCloseTo(1, 6);
      });
    }
    expect(Math.min(...seen.map(([least]) => least!))).toBe(Math.min(...S.data));
  });

  it('give the contrast of powers that of their roots, to the bit', () => {
    const power = noise(9, 1025, 4);
    for (const linear of [true, false]) {
      const [own, roots] = [
        spectralContrast({ S: power, power: 2, sr: SR, linear }),
        spectralContrast({ S: magnitude(power), sr: SR, linear }),
      ];
      expect(same(own.data, roots.data)).toBe(true);
    }
  });

  it('show a NaN among the values whose extremes are looked for', () => {
    const S = noise(5, 12);
    S.data[2 * 12 + 11] = NaN;
    const sums: number[] = [];
    extremeSums(S, [{ from: 0, to: 12, count: 2 }], (_, sum) => sums.push(sum));
    expect(sums.filter(Number.isNaN)).toHaveLength(1);
  });

  it('survive energies whose products leave the range of float64', () => {
    const S: Matrix = { data: Float32Array.from({ length: 33 }, (_, k) => (k % 2 ? 1e30 : 1e25)), rows: 1, cols: 33 };
    const [share] = spectralFlatness({ S }).data;
    const mean = (17 * 1e50 + 16 * 1e60) / 33;
    expect(share! / (10 ** ((17 * 50 + 16 * 60) / 33) / mean)).toBeCloseTo(1, 4);
    const tiny: Matrix = { data: new Float32Array(33), rows: 1, cols: 33 };
    expect(spectralFlatness({ S: tiny, amin: 1e-60 }).data[0]).toBeCloseTo(1, 5);
  });
});

describe('frame kernels', () => {
  /** Every radix first, last and in between; and lengths that the kernels leave to the plain transform. */
  const lengths = [
    2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 30, 42, 50, 60, 64, 70, 98, 120, 210, 240, 320, 512, 22, 26, 33,
  ];

  it.each(lengths)('agree with the plain transform at n_fft %i, for odd and even numbers of frames', (n_fft) => {
    const y = Float32Array.from(lcg(n_fft * 3, n_fft));
    const fft = realFft(n_fft);
    const re = new Float64Array(fft.bins);
    const im = new Float64Array(fft.bins);
    for (const frames of [1, 2, 3]) {
      const D = stft(y.subarray(0, n_fft * frames), { n_fft, hop_length: n_fft, window: 'boxcar', center: false });
      const power = powerSpectrogram(y.subarray(0, n_fft * frames), {
        n_fft,
        hop_length: n_fft,
        window: 'boxcar',
        center: false,
      });
      expect([D.rows, D.cols]).toEqual([frames, fft.bins]);
      for (let row = 0; row < frames; row++) {
        fft.forward(Float64Array.from(y.subarray(row * n_fft, (row + 1) * n_fft)), re, im);
        for (let k = 0; k < fft.bins; k++) {
          expect(D.re[row * fft.bins + k]).toBeCloseTo(re[k]!, 5);
          expect(D.im[row * fft.bins + k]).toBeCloseTo(im[k]!, 5);
          expect(power.data[row * fft.bins + k]).toBeCloseTo(re[k]! ** 2 + im[k]! ** 2, 3);
        }
      }
    }
  });

  it('give the frames of a long signal what they get in a short one', () => {
    const y = Float32Array.from(lcg(40_000, 4));
    const options = { n_fft: 256, hop_length: 100, center: false } as const;
    const long = powerSpectrogram(y, options);
    expect(long.rows).toBeGreaterThan(300);
    for (const row of [0, 63, 64, 65, 128, long.rows - 1]) {
      const alone = powerSpectrogram(y.slice(row * 100, row * 100 + 256), options);
      expect(same(rowsOf(long, row, row + 1).data, alone.data)).toBe(true);
    }
  });

  it('pad a long signal only at its ends', () => {
    const y = Float32Array.from(lcg(20_000, 6));
    for (const pad_mode of ['constant', 'edge', 'reflect'] as const) {
      const whole = powerSpectrogram(y, { n_fft: 256, hop_length: 64, pad_mode });
      const inner = powerSpectrogram(y, { n_fft: 256, hop_length: 64, center: false });
      expect(same(rowsOf(whole, 2, 2 + inner.rows).data, inner.data)).toBe(true);
    }
  });
});

describe('survey', () => {
  it('finds the largest value and what is not finite at any place, over any number of chunks', () => {
    for (const length of [1, 15, 16, 17, 1 << 14, (1 << 14) + 1, 40_000]) {
      const values = Float32Array.from(lcg(length, 8));
      expect(survey(values)).toEqual({ finite: true, largest: Math.max(0, ...values) });
      for (const at of [0, length >> 1, length - 1]) {
        for (const bad of [NaN, Infinity, -Infinity]) {
          const spoilt = values.slice();
          spoilt[at] = bad;
          expect(survey(spoilt).finite).toBe(false);
        }
      }
    }
  });
});

describe('blocks of samples', () => {
  /** Plainly, frame by frame. */
  const frames = (y: Float32Array, length: number, hop: number) =>
    Array.from({ length: 1 + Math.floor((y.length - length) / hop) }, (_, t) => y.subarray(t * hop, t * hop + length));

  it.each([
    [64, 16],
    [64, 24],
    [50, 7],
    [33, 33],
    [16, 40],
  ])('give frames of %i samples, %i apart, their energy and crossings', (frame_length, hop_length) => {
    const y = Float32Array.from(lcg(1000, 2));
    const options = { frame_length, hop_length, center: false };
    const energy = rms({ y, ...options }).data;
    const rate = zeroCrossingRate(y, options).data;
    const plain = frames(y, frame_length, hop_length);
    expect([energy.length, rate.length]).toEqual([plain.length, plain.length]);
    plain.forEach((frame, t) => {
      const square = frame.reduce((sum, x) => sum + x * x, 0) / frame_length;
      expect(energy[t]! / Math.sqrt(square)).toBeCloseTo(1, 5);
      const crossings = frame.reduce((sum, x, i) => sum + (i > 0 && x < 0 !== frame[i - 1]! < 0 ? 1 : 0), 0);
      expect(rate[t]).toBe(Math.fround(crossings / frame_length));
    });
  });
});

describe('scratch memory', () => {
  it('grows, keeps what it holds, and zeroes what loads may run into', () => {
    const memory = scratch();
    const first = memory.put(Float32Array.of(1, 2, 3));
    const large = memory.alloc(8 << 20);
    expect(large % 16).toBe(0);
    expect([...memory.f32(first, 8)]).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
    memory.f64(large, 1 << 20).fill(7);
    expect(memory.i32(memory.put(Int32Array.of(5)), 2)).toEqual(Int32Array.of(5, 0));
  });
});
