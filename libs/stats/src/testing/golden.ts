/** Reads the golden files and compares numbers with what they hold. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

export function golden<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../../golden/${name}.json`, import.meta.url), 'utf8')) as Content;
}

/** Expects |actual - expected| <= tolerance * max(1, |expected|) for every element. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number> | readonly (readonly number[])[],
  tolerance = 1e-9,
): void {
  const flat = (Array.from(expected as ArrayLike<number | number[]>) as (number | number[])[]).flat();
  expect(actual.length).toBe(flat.length);
  let worst = 0;
  for (let i = 0; i < flat.length; i++) {
    const distance = Math.abs(actual[i]! - flat[i]!) / Math.max(1, Math.abs(flat[i]!));
    worst = Number.isNaN(distance) ? NaN : Math.max(worst, distance);
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}
