/** Padding of a signal at both ends, as numpy.pad does it. */
import { RequestError } from '@prosodia/core';

/** `constant` pads zeros, `edge` repeats the end samples, `reflect` mirrors without repeating them. */
export type PadMode = 'constant' | 'edge' | 'reflect';

/**
 * `y` with `amount` samples more on each side. A reflection longer than the signal is reflected again,
 * and that of a single sample repeats it.
 */
export function padBoth(y: Float32Array, amount: number, mode: PadMode): Float32Array {
  const n = y.length;
  const out = new Float32Array(n + 2 * amount);
  out.set(y, amount);
  switch (mode) {
    case 'constant':
      break;
    case 'edge':
      out.fill(y[0]!, 0, amount);
      out.fill(y[n - 1]!, amount + n);
      break;
    case 'reflect': {
      const period = Math.max(1, 2 * (n - 1));
      const fold = (t: number) => {
        const inside = ((t % period) + period) % period;
        return y[inside < n ? inside : period - inside]!;
      };
      for (let k = 1; k <= amount; k++) {
        out[amount - k] = fold(-k);
        out[amount + n - 1 + k] = fold(n - 1 + k);
      }
      break;
    }
    default:
      throw new RequestError({
        where: 'padding',
        problem: 'no pad_mode has this name',
        expected: 'constant, edge or reflect',
        got: String(mode satisfies never),
      });
  }
  return out;
}
