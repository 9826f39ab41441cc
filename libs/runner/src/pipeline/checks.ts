/** Small checks that the readers of a pipeline file share; each error points at its place. */
import { nearest } from '@prosodia/core';
import type { YamlPath, YamlSource } from './source.ts';

export type YamlMap = Record<string, unknown>;

export function isMap(value: unknown): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws RequestError unless the value is a map */
export function asMap(source: YamlSource, path: YamlPath, value: unknown, expected: string): YamlMap {
  if (isMap(value)) return value;
  const what = path.length === 0 ? 'the file' : path.at(-1)!;
  throw source.error(path, { problem: `${what} has the wrong form`, expected, got: show(value) });
}

/** @throws RequestError for a key that is not known */
export function checkKeys(source: YamlSource, path: YamlPath, map: YamlMap, known: readonly string[]): void {
  for (const key of Object.keys(map)) {
    if (known.includes(key)) continue;
    throw source.error(
      [...path, key],
      { problem: `unknown key ${key}`, expected: `one of: ${known.join(', ')}`, got: key, ...didYouMean(key, known) },
      'key',
    );
  }
}

/** @throws RequestError unless the value is a whole number */
export function checkSeed(source: YamlSource, path: YamlPath, seed: unknown): asserts seed is number {
  if (Number.isSafeInteger(seed)) return;
  throw source.error(path, { problem: 'a seed is a whole number', expected: 'a whole number', got: show(seed) });
}

/** The `fix` of an error about a name, if a known one is near. */
export function didYouMean(
  name: string,
  known: Iterable<string>,
  write: (near: string) => string = (near) => near,
): { fix?: string } {
  const near = nearest(name, known);
  return near === undefined ? {} : { fix: `did you mean ${write(near)}?` };
}

/** A value as it would look in YAML, shortened. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
