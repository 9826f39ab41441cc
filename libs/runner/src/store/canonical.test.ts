import { describe, expect, it } from 'vitest';
import { Rng } from '@prosodia/core';
import { canonicalJson, hashOf } from './canonical.ts';

/** A random JSON value. */
function anyValue(rng: Rng, depth = 0): unknown {
  const scalars = [null, true, false, rng.int(100), rng.next() * 1e-9, -rng.int(5), '', 'ä"\\\n', String(rng.int(9))];
  const kind = rng.int(depth > 3 ? 1 : 3);
  if (kind === 0) return scalars[rng.int(scalars.length)];
  const items = Array.from({ length: rng.int(5) }, () => anyValue(rng, depth + 1));
  return kind === 1 ? items : Object.fromEntries(items.map((item) => [`k${rng.int(1000)}`, item]));
}

/** The same value with the keys of all its maps in another order. */
function reordered(value: unknown, rng: Rng): unknown {
  if (Array.isArray(value)) return value.map((item) => reordered(item, rng));
  if (typeof value !== 'object' || value === null) return value;
  const entries = rng.shuffle(Object.entries(value));
  return Object.fromEntries(entries.map(([key, item]) => [key, reordered(item, rng)]));
}

describe('canonicalJson', () => {
  it('is JSON of the same value, and the same text for any order of keys', () => {
    const rng = new Rng(1);
    for (let i = 0; i < 500; i++) {
      const value = anyValue(rng);
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reordered(value, rng))).toBe(text);
    }
  });

  it('tells different values apart', () => {
    const values = [
      null,
      0,
      1,
      '1',
      '',
      [],
      {},
      [[]],
      [1],
      ['1'],
      { a: 1 },
      { a: [1] },
      { b: 1 },
      true,
      'true',
      'null',
    ];
    expect(new Set(values.map(hashOf)).size).toBe(values.length);
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });

  it('leaves out what is not set, as JSON does', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  it('refuses what JSON cannot hold', () => {
    for (const value of [Number.NaN, Infinity, () => 1, Symbol('x'), 1n, [undefined]]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
  });
});
