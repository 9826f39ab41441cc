/** The editor schema must not mark what the runner accepts, and must mark what it refuses. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AjvModule from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const schema = JSON.parse(readFileSync(join(ROOT, 'schemas', 'pipeline.schema.json'), 'utf8')) as object;
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

interface Node {
  description?: string;
  properties?: Record<string, Node>;
  anyOf?: Node[];
}

/** Parameters of every stage, by place; `with` is a map of them, or a variable. */
function parametersIn(node: unknown, path: string, found: Map<string, Node>): Map<string, Node> {
  if (typeof node !== 'object' || node === null) return found;
  for (const { properties } of (node as Node).properties?.['with']?.anyOf ?? []) {
    for (const [name, parameter] of Object.entries(properties ?? {})) found.set(`${path}.${name}`, parameter);
  }
  for (const [key, child] of Object.entries(node)) parametersIn(child, `${path}.${key}`, found);
  return found;
}

it('the editor schema says on hover what every parameter of every stage is', () => {
  const found = parametersIn(schema, '', new Map());
  expect(found.size).toBeGreaterThan(80);
  expect([...found].filter(([, { description }]) => !description).map(([path]) => path)).toEqual([]);
});
