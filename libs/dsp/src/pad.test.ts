/** The modes of numpy.pad, written out. */
import { RequestError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { powerSpectrogram } from './index.ts';
import { type PadMode, padInto } from './pad.ts';

const padded = (mode: PadMode, y: readonly number[], before: number, after: number) => {
  const out = new Float32Array(before + y.length + after);
  padInto(out, Float32Array.from(y), -before, mode);
  return [...out];
};

describe('padInto', () => {
  it.each<[PadMode, number[]]>([
    ['constant', [0, 0, 1, 2, 3, 0, 0]],
    ['edge', [1, 1, 1, 2, 3, 3, 3]],
    ['reflect', [3, 2, 1, 2, 3, 2, 1]],
    ['symmetric', [2, 1, 1, 2, 3, 3, 2]],
  ])('%s pads as numpy does', (mode, expected) => {
    expect(padded(mode, [1, 2, 3], 2, 2)).toEqual(expected);
  });

  it('mirrors again where the padding is longer than the signal', () => {
    expect(padded('symmetric', [1, 2], 5, 3)).toEqual(Array.from({ length: 10 }, (_, i) => fold(i - 5)));
    expect(padded('symmetric', [7], 2, 1)).toEqual([7, 7, 7, 7]);
    expect(padded('reflect', [1, 2, 3], 4, 0)).toEqual([1, 2, 3, 2, 1, 2, 3]);
  });

  it('gives a spectrogram the frames of the signal written out with its padding', () => {
    const y = [0.1, 0.5, -0.3, 0.2, 0.9, -0.6, 0.4, 0.3];
    const settings = { n_fft: 8, hop_length: 4 };
    const centred = powerSpectrogram(Float32Array.from(y), { ...settings, pad_mode: 'symmetric' });
    const written = powerSpectrogram(Float32Array.from(padded('symmetric', y, 4, 4)), { ...settings, center: false });
    expect(centred).toEqual(written);
  });

  it('refuses a mode it does not know', () => {
    expect(() => padded('wrap' as PadMode, [1], 1, 0)).toThrow(RequestError);
  });
});

/** Symmetric padding of [1, 2]: 1 2 2 1 and over again. */
function fold(t: number): number {
  return [1, 2, 2, 1][((t % 4) + 4) % 4]!;
}
