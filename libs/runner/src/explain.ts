/** Why a stage runs again: the difference between two keys, in plain words. */
import type { CodeParts } from './catalogue/fingerprint.ts';
import { canonicalJson } from './store/canonical.ts';
import type { KeyParts } from './store/manifest.ts';

export interface Explained {
  parts: KeyParts;
  code?: CodeParts;
}

/**
 * @param before what the last run had, if there was one
 * @returns one short clause per difference; empty if the keys are equal
 */
export function differences(before: Explained, now: Explained): string[] {
  const clauses: string[] = [];
  const [old, current] = [before.parts, now.parts];
  if (old.format !== current.format) clauses.push('the cache format changed');
  if (old.stage !== current.stage) clauses.push(`uses ${old.stage} -> ${current.stage}`);
  else if (old.code !== current.code) clauses.push(codeClause(before.code, now.code));
  for (const [name, [from, to]] of Object.entries(changedLeaves(old.params, current.params))) {
    clauses.push(`${name}: ${shown(from)} -> ${shown(to)}`);
  }
  for (const name of new Set([...Object.keys(old.inputs), ...Object.keys(current.inputs)])) {
    if (canonicalJson(old.inputs[name] ?? []) !== canonicalJson(current.inputs[name] ?? [])) {
      clauses.push(`input ${name} changed`);
    }
  }
  if (old.seed !== current.seed) clauses.push(`seed: ${shown(old.seed)} -> ${shown(current.seed)}`);
  if (old.device !== current.device) clauses.push(`device: ${shown(old.device)} -> ${shown(current.device)}`);
  if (old.external !== current.external) clauses.push('the recordings changed');
  return clauses;
}

function codeClause(before: CodeParts | undefined, now: CodeParts | undefined): string {
  if (!before || !now) return 'its code changed';
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((part) => before[part] !== now[part])
    .sort();
  if (changed.length === 0) return 'its code changed';
  const more = changed.length > 3 ? ` and ${changed.length - 3} more` : '';
  return `code changed: ${changed.slice(0, 3).join(', ')}${more}`;
}

/** Dotted path of every leaf that differs, with both values. */
function changedLeaves(before: unknown, now: unknown, path = ''): Record<string, [unknown, unknown]> {
  if (isMap(before) && isMap(now)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    return Object.assign(
      {},
      ...keys.map((key) => changedLeaves(before[key], now[key], path === '' ? key : `${path}.${key}`)),
    ) as Record<string, [unknown, unknown]>;
  }
  return JSON.stringify(before) === JSON.stringify(now) ? {} : { [path]: [before, now] };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return '(not set)';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
