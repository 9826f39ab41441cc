/** Lists of names in a pipeline file. */
import { show } from './checks.ts';
import type { YamlPath, YamlSource } from './source.ts';

/** A list of names, or one name. */
export function readNames(source: YamlSource, path: YamlPath, raw: unknown): string[] {
  if (raw === undefined) return [];
  const names: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (names.every((name) => typeof name === 'string')) return names;
  throw source.error(path, {
    problem: `${path.at(-1)} has the wrong form`,
    expected: 'a list of axes',
    got: show(raw),
  });
}
