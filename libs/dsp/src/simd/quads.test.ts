/** The spectra in single precision against those in double precision. */
import { describe, expect, it } from 'vitest';
import { melspectrogram, powerSpectrogram, powerToDb, type Matrix } from '../index.ts';
import { framingOf } from '../stft.ts';
import { lcg, SR } from '../testing/signals.ts';
import { quadFrames, quadPlan } from './quads.ts';

/** A loud tone over weak noise: most bins are far below the loudest. */
const tone = Float32Array.from(lcg(9000, 3), (x, i) => 0.5 * Math.sin(0.3 * i) + 1e-3 * x);

function quadSpectrogram(y: Float32Array, options: { n_fft: number; hop_length: number; center?: boolean }): Matrix {
  const framing = framingOf(y, options);
  const data = new Float32Array(framing.rows * framing.cols);
  quadFrames(quadPlan(options.n_fft)!, framing, data);
  return { data, rows: framing.rows, cols: framing.cols };
}

const row = ({ data, cols }: Matrix, k: number) => data.subarray(k * cols, (k + 1) * cols);

describe('spectra in single precision', () => {
  it.each([512, 1024, 2048, 4096])('keep each bin of n_fft %i within 1e-6 of the loudest of its frame', (n_fft) => {
    for (const y of [tone, Float32Array.from(lcg(9000, n_fft))]) {
      const options = { n_fft, hop_length: 300 };
      const exact = powerSpectrogram(y, options);
      const quick = quadSpectrogram(y, options);
      expect([quick.rows, quick.cols]).toEqual([exact.rows, exact.cols]);
      for (let k = 0; k < exact.rows; k++) {
        const expected = row(exact, k);
        const loudest = Math.max(...expected);
        const furthest = row(quick, k).reduce(
          (most, value, bin) => Math.max(most, Math.abs(value - expected[bin]!)),
          0,
        );
        expect(furthest).toBeLessThan(1e-6 * loudest);
      }
    }
  });

  it('leave other lengths to the transform in double precision', () => {
    for (const n_fft of [256, 400, 1000, 1536, 8192]) expect(quadPlan(n_fft)).toBeNull();
  });

  it('give each frame the same bytes alone as among others', () => {
    const cut = { n_fft: 512, hop_length: 100, center: false };
    const all = quadSpectrogram(tone, cut);
    expect(all.rows).toBeGreaterThan(66);
    for (const k of [0, 1, 3, 4, 63, 64, 66, all.rows - 1]) {
      const alone = quadSpectrogram(tone.slice(k * 100, k * 100 + 512), cut);
      expect(Buffer.from(alone.data.buffer).equals(Buffer.from(row(all, k).slice().buffer))).toBe(true);
    }
  });

  it('are silent for silence', () => {
    const { data } = quadSpectrogram(new Float32Array(5000), { n_fft: 1024, hop_length: 256 });
    expect(data.every((value) => value === 0)).toBe(true);
  });
});

describe('mel bands in single precision', () => {
  const options = { sr: SR, n_fft: 2048, hop_length: 512, win_length: 1500, window: 'hamming' } as const;

  it('are those of the spectrogram in double precision, for any frames, bands and padding', () => {
    for (const frames of [1, 2, 3, 4, 5, 67]) {
      const y = Float32Array.from(lcg(frames * 512 - 1, frames));
      for (const pad_mode of ['constant', 'reflect'] as const) {
        const S = powerSpectrogram(y, { ...options, pad_mode });
        for (const n_mels of [1, 13, 128]) {
          const exact = melspectrogram({ S, ...options, n_mels });
          const quick = melspectrogram({ y, ...options, n_mels, pad_mode, precision: 'single' });
          expect([quick.rows, quick.cols]).toEqual([frames, n_mels]);
          expect(quick.data.every((value, i) => Math.abs(value / exact.data[i]! - 1) < 1e-5)).toBe(true);
        }
      }
    }
  });

  it('differ by less than 1e-2 dB even 80 dB below the loudest', () => {
    const S = powerSpectrogram(tone, options);
    const exact = powerToDb(melspectrogram({ S, ...options }), { top_db: 80 });
    const quick = powerToDb(melspectrogram({ y: tone, precision: 'single', ...options }), { top_db: 80 });
    expect(quick.data.every((value, i) => Math.abs(value - exact.data[i]!) < 1e-2)).toBe(true);
  });

  it('are refused for what the transform refuses', () => {
    expect(() => melspectrogram({ y: new Float32Array(0), precision: 'single' })).toThrow(/empty|no samples/i);
    expect(() => melspectrogram({ y: Float32Array.of(1, Number.NaN), precision: 'single' })).toThrow(/finite|NaN/i);
  });
});
