/** A Fourier transform of four complex signals at once: which passes a length takes, and their roots of unity. */
import { factorize } from '../fft.ts';
import type { Memory } from './runtime.ts';

const ELEMENT = 32;

type Factor = 2 | 3 | 4 | 5 | 7;

export class LaneFft {
  readonly length: number;
  readonly #factors: readonly Factor[];
  /** Per pass the roots by which it turns, as the kernel reads them. */
  readonly #roots: readonly Float32Array[];

  static readonly #made = new Map<string, LaneFft>();

  /**
   * @param length a number for which `isSmooth` holds
   * @param last the factor of a last pass that is left to the caller; 1 for a whole transform
   */
  static of(length: number, last = 1): LaneFft {
    const key = `${length}/${last}`;
    let fft = LaneFft.#made.get(key);
    if (!fft) LaneFft.#made.set(key, (fft = new LaneFft(length, last)));
    return fft;
  }

  private constructor(length: number, last: number) {
    this.length = length;
    this.#factors = factorize(length / last) as Factor[];
    let done = 1;
    this.#roots = this.#factors.map((factor) => {
      const roots = new Float32Array(2 * done * (factor - 1));
      for (let j = 0, at = 0; j < done; j++) {
        for (let p = 1; p < factor; p++) {
          const angle = (-2 * Math.PI * j * p) / (done * factor);
          roots[at++] = Math.cos(angle);
          roots[at++] = Math.sin(angle);
        }
      }
      done *= factor;
      return roots;
    });
  }

  /** Copies the roots into the kernels' memory; their addresses. */
  put(memory: Memory): number[] {
    return this.#roots.map((roots) => memory.put(roots));
  }

  /**
   * Transforms the elements at `work[0]`; both places are overwritten.
   * @returns the place of the result
   */
  run({ kernels }: Memory, roots: readonly number[], work: readonly [number, number]): number {
    let [from, to] = work;
    let done = 1;
    for (const [i, factor] of this.#factors.entries()) {
      const rest = (this.length / (done * factor)) * ELEMENT;
      kernels[done === 1 ? (`first${factor}` as const) : (`pass${factor}` as const)](from, to, roots[i]!, done, rest);
      [from, to] = [to, from];
      done *= factor;
    }
    return from;
  }
}
