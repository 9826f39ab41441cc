/** The editor schema must not mark what the runner accepts, and must mark what it refuses. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AjvModule from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const text = readFileSync(join(ROOT, 'schemas', 'pipeline.schema.json'), 'utf8');
const schema = JSON.parse(text) as { definitions: Record<string, Node> };
const validate = new AjvModule.default({ strict: false }).compile(schema);

const accepts = (text: string): boolean => validate(parse(text));

const FAN = `
name: x
vars: { seeds: [1, 2] }
matrix: { feature: { mfcc: { n_mels: 40 }, mel: { n_mels: 64 } }, exclude: [{ feature: mel }] }
foreach: { fold: split.folds }
stages:
  split: { uses: split, from: { clips: clips } }
  forest:
    uses: train-forest
    matrix: { seed: '\${seeds}' }
    search: { trials: 3, space: { a: { int: [1, 9], step: 2 } }, metric: oob_score }
    resources: { threads: 2, memory_gb: 1.5, gpu: false }
    from: { features: 'features[feature=mel].features', split: split, clips: clips }
    with: { n_estimators: '\${trial.a}' }
`;

describe('the editor schema', () => {
  const pipelines = readdirSync(join(ROOT, 'pipelines')).filter((name) => name.endsWith('.yaml'));
  it.each(pipelines)('accepts %s', (name) => {
    validate(parse(readFileSync(join(ROOT, 'pipelines', name), 'utf8')));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('accepts every form of fan-out', () => {
    validate(parse(FAN));
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each([
    ['a key that is none', 'memory_gb: 1.5', 'memory: 1.5'],
    ['rows to choose on other than validation', 'metric: oob_score', 'metric: oob_score, on: test'],
    ['a range of three numbers', '[1, 9]', '[1, 5, 9]'],
    ['a foreach over no stage', 'split.folds', 'folds'],
  ])('refuses %s', (_, from, to) => {
    expect(accepts(FAN.replace(from, to))).toBe(false);
  });
});

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** What a part stands for, as editors take it: a reference is what it refers to, and nothing beside it counts. */
function resolved(node: Node): Node {
  const reference = /^#\/definitions\/(.*)$/.exec(String(node['$ref']))?.[1];
  return reference === undefined ? node : resolved(schema.definitions[reference]!);
}

/** Every key that a file may have, by place, with what the schema says of it; each shared part is visited once. */
function keysIn(value: unknown, path: string, found = new Map<string, Node>(), visited = new Set<Node>()) {
  if (!isNode(value)) return found;
  const node = resolved(value);
  if (visited.has(node)) return found;
  visited.add(node);
  for (const [keyword, child] of Object.entries(node)) {
    // What stands in `if` tells stages apart, and is shown to nobody.
    if (keyword === 'if' || keyword === 'default' || keyword === 'definitions') continue;
    if (keyword === 'properties') {
      for (const [name, property] of Object.entries(child as Record<string, Node>)) {
        found.set(`${path}.${name}`, resolved(property));
        keysIn(property, `${path}.${name}`, found, visited);
      }
    } else keysIn(child, path, found, visited);
  }
  return found;
}

describe('the editor schema', () => {
  const keys = keysIn(schema, '');

  it('says on hover what every key at any depth is', () => {
    expect(keys.size).toBeGreaterThan(300);
    expect([...keys].filter(([, { description }]) => !description).map(([path]) => path)).toEqual([]);
  });

  it('is small enough for an editor to read at every start', () => {
    expect(text.length).toBeLessThan(250_000);
  });

  it('has nothing beside a reference, where draft-07 would not see it', () => {
    const walk = (value: unknown): Node[] =>
      isNode(value) ? [value, ...Object.values(value).flatMap((child) => walk(child))] : [];
    const references = walk(schema).filter(({ $ref }) => typeof $ref === 'string');
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((node) => Object.keys(node).length > 1)).toEqual([]);
  });
});
