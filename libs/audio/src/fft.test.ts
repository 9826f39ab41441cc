import { describe, expect, it } from 'vitest';
import { Fft, isSmooth } from './fft.ts';

describe('Fft', () => {
  it.each([1, 2, 4, 8, 12, 30, 49, 75, 105, 588, 1024])('of length %i is the sum that defines it', (n) => {
    const input = Float64Array.from({ length: 2 * n }, (_, i) => Math.sin(0.37 * i * i + i));
    const output = input.slice();
    new Fft(n).transform(output);
    let worst = 0;
    for (let k = 0; k < n; k++) {
      let re = 0;
      let im = 0;
      for (let j = 0; j < n; j++) {
        const angle = (-2 * Math.PI * ((j * k) % n)) / n;
        re += input[2 * j]! * Math.cos(angle) - input[2 * j + 1]! * Math.sin(angle);
        im += input[2 * j]! * Math.sin(angle) + input[2 * j + 1]! * Math.cos(angle);
      }
      worst = Math.max(worst, Math.abs(output[2 * k]! - re), Math.abs(output[2 * k + 1]! - im));
    }
    expect(worst).toBeLessThan(1e-9);
  });

  it('knows its lengths', () => {
    expect([1, 2, 441, 44100, 3072].every(isSmooth)).toBe(true);
    expect([11, 13, 15013, 22].some(isSmooth)).toBe(false);
  });
});
