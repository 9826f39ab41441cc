/** Padding of a signal at both ends, as numpy.pad does it. */
import { RequestError } from '@prosodia/core';

/**
 * `constant` pads zeros, `edge` repeats the end samples, `reflect` mirrors without repeating them, `symmetric`
 * mirrors and repeats them.
 */
export type PadMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

/**
 * Fills `target` with the samples of `y` from index `start` on, where indices before 0 and from the length on
 * are padding. A reflection longer than the signal is reflected again, and that of a single sample repeats it.
 */
export function padInto(target: Float32Array, y: Float32Array, start: number, mode: PadMode): void {
  const n = y.length;
  const inside = Math.min(Math.max(-start, 0), target.length);
  const after = Math.min(Math.max(n - start, inside), target.length);
  target.set(y.subarray(start + inside, start + after), inside);
  switch (mode) {
    case 'constant':
      target.fill(0, 0, inside).fill(0, after);
      break;
    case 'edge':
      target.fill(y[0]!, 0, inside).fill(y[n - 1]!, after);
      break;
    case 'reflect':
    case 'symmetric': {
      const repeat = mode === 'symmetric' ? 1 : 0;
      const period = Math.max(1, 2 * (n - 1 + repeat));
      const fold = (t: number) => {
        const phase = ((t % period) + period) % period;
        return y[phase < n ? phase : period - repeat - phase]!;
      };
      for (let k = 0; k < inside; k++) target[k] = fold(start + k);
      for (let k = after; k < target.length; k++) target[k] = fold(start + k);
      break;
    }
    default:
      throw new RequestError({
        where: 'padding',
        problem: 'no pad_mode has this name',
        expected: 'constant, edge, reflect or symmetric',
        got: String(mode satisfies never),
      });
  }
}
