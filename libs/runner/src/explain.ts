/** Why a stage runs again: the difference between two keys, as data and in plain words. */
import { canonicalJson } from './store/canonical.ts';
import type { CodeParts } from './store/code-lists.ts';
import type { KeyParts } from './store/manifest.ts';

export interface Explained {
  parts: KeyParts;
  code?: CodeParts;
}

/** One thing that differs between two keys. What is absent on one side was not there. */
export type Change =
  | { kind: 'format' }
  | { kind: 'stage'; from: string; to: string }
  | { kind: 'file'; name: string; from?: string; to?: string }
  | { kind: 'package'; name: string; from?: string; to?: string }
  /** The fingerprint differs, but what it was made of is no longer known. */
  | { kind: 'code'; from: string; to: string }
  | { kind: 'parameter'; name: string; from?: unknown; to?: unknown }
  | { kind: 'input'; name: string; from: readonly string[]; to: readonly string[] }
  | { kind: 'seed' | 'device' | 'recordings'; from?: unknown; to?: unknown };

/**
 * @param inputs whether the inputs of both sides are known; else they are left out
 * @returns every difference, in the order code, parameters, inputs, seed, device, recordings; empty if the keys are equal
 */
export function changesBetween(before: Explained, now: Explained, inputs = true): Change[] {
  const changes: Change[] = [];
  const [old, current] = [before.parts, now.parts];
  if (old.format !== current.format) changes.push({ kind: 'format' });
  if (old.stage !== current.stage) changes.push({ kind: 'stage', from: old.stage, to: current.stage });
  else if (old.code !== current.code) changes.push(...codeChanges(before, now));
  for (const [name, [from, to]] of Object.entries(changedLeaves(old.params, current.params))) {
    changes.push({ kind: 'parameter', name, from, to });
  }
  const names = inputs ? new Set([...Object.keys(old.inputs), ...Object.keys(current.inputs)]) : [];
  for (const name of names) {
    const [from, to] = [old.inputs[name] ?? [], current.inputs[name] ?? []];
    if (canonicalJson(from) !== canonicalJson(to)) changes.push({ kind: 'input', name, from, to });
  }
  if (old.seed !== current.seed) changes.push({ kind: 'seed', from: old.seed, to: current.seed });
  if (old.device !== current.device) changes.push({ kind: 'device', from: old.device, to: current.device });
  if (old.external !== current.external) {
    changes.push({ kind: 'recordings', from: old.external, to: current.external });
  }
  return changes;
}

/** One sentence's worth: `rate: 22050 -> 16000`. */
export function sayChange(change: Change): string {
  switch (change.kind) {
    case 'format':
      return 'the cache format changed';
    case 'stage':
      return `uses ${change.from} -> ${change.to}`;
    case 'code':
      return 'its code changed';
    case 'file':
      if (change.from === undefined) return `source file ${change.name} is new to it`;
      if (change.to === undefined) return `source file ${change.name} is no longer used`;
      return `source file ${change.name} changed (${short(change.from)} -> ${short(change.to)})`;
    case 'package':
      if (change.from === undefined) return `package ${change.name} ${change.to} is new to it`;
      if (change.to === undefined) return `package ${change.name} ${change.from} is no longer used`;
      return `package ${change.name}: ${change.from} -> ${change.to}`;
    case 'parameter':
      return `${change.name}: ${shown(change.from)} -> ${shown(change.to)}`;
    case 'input':
      return `input ${change.name} changed`;
    case 'seed':
    case 'device':
      return `${change.kind}: ${shown(change.from)} -> ${shown(change.to)}`;
    case 'recordings':
      return 'the recordings changed';
  }
}

/**
 * The short form, for one line of a terminal.
 * @param before what the last run had, if there was one
 * @returns one short clause per difference; empty if the keys are equal
 */
export function differences(before: Explained, now: Explained): string[] {
  const clauses: string[] = [];
  const changes = changesBetween(before, now);
  const ofCode = changes.filter(({ kind }) => kind === 'file' || kind === 'package');
  let codeSaid = false;
  for (const change of changes) {
    if (change.kind !== 'file' && change.kind !== 'package') clauses.push(sayChange(change));
    else if (!codeSaid) {
      codeSaid = true;
      clauses.push(codeClause(ofCode));
    }
  }
  return clauses;
}

function codeClause(changes: readonly Change[]): string {
  const changed = changes.flatMap((change) => {
    if (change.kind === 'file') return [change.name];
    if (change.kind !== 'package') return [];
    return [change.from, change.to].flatMap((version) => (version === undefined ? [] : [`${change.name}@${version}`]));
  });
  const more = changed.length > 3 ? ` and ${changed.length - 3} more` : '';
  return `code changed: ${changed.slice(0, 3).join(', ')}${more}`;
}

function codeChanges(before: Explained, now: Explained): Change[] {
  const unknown: Change = { kind: 'code', from: before.parts.code, to: now.parts.code };
  const [old, current] = [before.code, now.code];
  if (!old || !current) return [unknown];
  const changed = [...new Set([...Object.keys(old), ...Object.keys(current)])]
    .filter((part) => old[part] !== current[part])
    .sort();
  const files: Change[] = [];
  const packages = new Map<string, { kind: 'package'; name: string; from?: string; to?: string }>();
  for (const part of changed) {
    const [, name, version] = /^((?:@[^/@]+\/)?[^/@]+)@([^/]+)$/.exec(part) ?? [];
    if (name === undefined || version === undefined) {
      files.push({ kind: 'file', name: part, ...sides(old[part], current[part]) });
      continue;
    }
    const entry = packages.get(name) ?? { kind: 'package', name };
    if (old[part] !== undefined) entry.from = version;
    if (current[part] !== undefined) entry.to = version;
    packages.set(name, entry);
  }
  const all = [...files, ...packages.values()];
  return all.length > 0 ? all : [unknown];
}

function sides(from: string | undefined, to: string | undefined): { from?: string; to?: string } {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Dotted path of every leaf that differs, with both values. */
export function changedLeaves(before: unknown, now: unknown, path = ''): Record<string, [unknown, unknown]> {
  if (isMap(before) && isMap(now)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    return Object.assign(
      {},
      ...keys.map((key) => changedLeaves(before[key], now[key], path === '' ? key : `${path}.${key}`)),
    ) as Record<string, [unknown, unknown]>;
  }
  // A list of plain values is one thing; in a list of maps, such as layers, one of them changes.
  if (Array.isArray(before) && Array.isArray(now) && before.length === now.length && now.some(isMap)) {
    return changedLeaves({ ...(before as unknown[]) }, { ...(now as unknown[]) }, path);
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

/** Enough of a digest to tell two apart. */
function short(digest: string): string {
  return digest.slice(0, 8);
}
