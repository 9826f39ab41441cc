/**
 * Seeded randomness that does not depend on order.
 *
 * A stage never draws from one long stream: it forks a generator per purpose and per row
 * (`rng.fork('noise', itemId)`), so the numbers a row gets are the same whatever rows came before it
 * and whichever thread works on it.
 *
 * Generator: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021), seeded from a 128-bit hash of the seed and the labels.
 */

export type RngLabel = string | number;

/** A deterministic random generator; two with the same seed and labels give the same numbers. */
export class Rng {
  readonly #path: readonly RngLabel[];
  readonly #state: Uint32Array;
  #spareNormal: number | undefined;

  /**
   * @param seed any finite number; it is hashed, so seeds 1 and 2 give unrelated streams
   * @param labels the purpose of this generator, for example `'augment', itemId`
   */
  constructor(seed: number, ...labels: readonly RngLabel[]) {
    this.#path = [seed, ...labels];
    this.#state = hash128(JSON.stringify(this.#path));
  }

  /** An independent generator for a narrower purpose. Forking does not advance this one. */
  fork(...labels: readonly RngLabel[]): Rng {
    const [seed, ...rest] = this.#path;
    return new Rng(seed as number, ...rest, ...labels);
  }

  /** The next 32 random bits, as an unsigned integer. */
  uint32(): number {
    const s = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  next(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number in [0, n), without modulo bias. */
  int(n: number): number {
    if (!(n >= 1 && n <= 0x1_0000_0000)) throw new RangeError(`Rng.int: expected 1 <= n <= 2^32, got ${n}`);
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % n);
    let draw = this.uint32();
    while (draw >= limit) draw = this.uint32();
    return draw % n;
  }

  /** Standard normal, by the polar method of Marsaglia. */
  normal(mean = 0, deviation = 1): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return mean + deviation * spare;
    }
    let u: number;
    let v: number;
    let square: number;
    do {
      u = 2 * this.next() - 1;
      v = 2 * this.next() - 1;
      square = u * u + v * v;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spareNormal = v * factor;
    return mean + deviation * u * factor;
  }

  /** Shuffles `items` in place (Fisher and Yates) and returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }

  /** One of `items`, each equally likely. Throws a RangeError if there is none. */
  choice<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  /** `k` different elements of `items` in random order; all of them if `k` is larger. */
  sample<T>(items: readonly T[], k: number): T[] {
    return this.shuffle([...items]).slice(0, k);
  }
}

function rotateLeft(x: number, k: number): number {
  return ((x << k) | (x >>> (32 - k))) >>> 0;
}

/** 128 bits from a string: four lanes of a multiply-xorshift hash (the finalizer is Murmur3's). Never all zero. */
function hash128(text: string): Uint32Array {
  const lanes = Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667);
  const bytes = new TextEncoder().encode(text);
  for (let lane = 0; lane < 4; lane++) {
    let h = lanes[lane]! ^ bytes.length;
    for (const byte of bytes) {
      h = Math.imul(h ^ byte, 0x01000193 + 2 * lane);
      h ^= h >>> 15;
    }
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    lanes[lane] = (h ^ (h >>> 16)) >>> 0;
  }
  if (lanes.every((lane) => lane === 0)) lanes[0] = 1;
  return lanes;
}
