/** The transform of eight signals at once, against the scalar one. */
import { describe, expect, it } from 'vitest';
import { Fft } from '../fft.ts';
import { LaneFft } from './lane-fft.ts';
import { memory } from './runtime.ts';

const ELEMENT = 32;

describe('LaneFft', () => {
  // Every factor as the first and as a later pass.
  it.each([4, 8, 12, 16, 20, 24, 28, 36, 48, 100, 196, 420, 1024, 1536, 7056])('of length %i', (length) => {
    const own = memory();
    own.reset({});
    const signals = Array.from({ length: 8 }, (_, s) =>
      Float32Array.from({ length }, (_, i) => Math.sin(0.37 * i * i + s) + (i === s ? 1 : 0)),
    );
    const fft = LaneFft.of(length);
    const input = own.alloc(8 * length * 4);
    const work = [own.alloc(length * ELEMENT), own.alloc(length * ELEMENT)] as const;
    const roots = fft.put(own);
    for (const [s, signal] of signals.entries()) own.f32(input + 4 * s * length, length).set(signal);
    own.kernels.load(input, 4 * length, work[0], work[0] + length * ELEMENT);
    const spectrum = own.f32(fft.run(own, roots, work), 8 * length);
    const scalar = new Fft(length);
    let worst = 0;
    for (let lane = 0; lane < 4; lane++) {
      const expected = new Float64Array(2 * length);
      for (let i = 0; i < length; i++) {
        expected[2 * i] = signals[lane]![i]!;
        expected[2 * i + 1] = signals[lane + 4]![i]!;
      }
      scalar.transform(expected);
      for (let k = 0; k < length; k++) {
        worst = Math.max(worst, Math.abs(spectrum[8 * k + lane]! - expected[2 * k]!));
        worst = Math.max(worst, Math.abs(spectrum[8 * k + 4 + lane]! - expected[2 * k + 1]!));
      }
    }
    expect(worst).toBeLessThan(2e-6 * Math.sqrt(length) * Math.log2(length));
  });
});
