/**
 * The shape of a pipeline file, and its first check: right keys, right types, all variables known.
 *
 * This check needs no stage catalogue; wiring and parameters are checked in `resolve.ts`.
 */
import { nearest } from '@prosodia/core';
import { YamlSource, type YamlPath } from './source.ts';

export type Scalar = string | number | boolean | null;

/** One entry under `stages:` as written, variables filled in. */
export interface StageEntry {
  uses: string;
  with: Record<string, unknown>;
  /** Input name to one or more `instance` or `instance.output` references; null: the name is the reference. */
  from: Record<string, string | null | string[]>;
  seed?: number;
}

export interface PipelineFile {
  source: YamlSource;
  name: string;
  title: string;
  description: string;
  vars: Record<string, Scalar>;
  stages: Record<string, StageEntry>;
  /** Place in the run's folder (`.` for its root) to `instance.output`. */
  publish: Record<string, string>;
}

const TOP_KEYS = ['name', 'title', 'description', 'vars', 'stages', 'publish'];
const STAGE_KEYS = ['uses', 'with', 'from', 'seed'];
/** Variables every pipeline has. */
export const COMMON_VARS: Readonly<Record<string, Scalar>> = { seed: 42, device: 'auto' };

/**
 * Reads a pipeline file.
 * @param overrides values for `vars` from outside; they keep the type the file gave the variable
 * @throws RequestError naming file, line and column
 */
export function readPipeline(
  name: string,
  text: string,
  overrides: Readonly<Record<string, string>> = {},
): PipelineFile {
  const source = new YamlSource(name, text);
  const root = asMap(source, [], source.toJS(), 'a pipeline: a map with the keys name, stages, ...');
  checkKeys(source, [], root, TOP_KEYS);
  // It names a folder.
  if (typeof root['name'] !== 'string' || !/^[A-Za-z0-9][\w.-]*$/.test(root['name'])) {
    throw source.error(['name'], {
      problem: 'a pipeline needs a plain name',
      expected: 'name: letters, digits, _, - and ., beginning with a letter or digit',
      got: show(root['name']),
    });
  }
  for (const key of ['title', 'description']) {
    if (root[key] === undefined || typeof root[key] === 'string') continue;
    throw source.error([key], { problem: `${key} has the wrong form`, expected: 'text', got: show(root[key]) });
  }
  const vars = readVars(source, root['vars'], overrides);
  const stages: Record<string, StageEntry> = {};
  const entries = asMap(source, ['stages'], root['stages'], 'stages: a map of at least one stage');
  if (Object.keys(entries).length === 0) {
    throw source.error(['stages'], { problem: 'a pipeline needs at least one stage', expected: 'stages: { ... }' });
  }
  for (const [instance, raw] of Object.entries(entries)) stages[instance] = readStage(source, instance, raw, vars);
  return {
    source,
    name: root['name'],
    title: typeof root['title'] === 'string' ? root['title'] : root['name'],
    description: typeof root['description'] === 'string' ? root['description'] : '',
    vars,
    stages,
    publish: readPublish(source, root['publish']),
  };
}

function readVars(
  source: YamlSource,
  raw: unknown,
  overrides: Readonly<Record<string, string>>,
): Record<string, Scalar> {
  const vars: Record<string, Scalar> = { ...COMMON_VARS };
  const given = raw === undefined ? {} : asMap(source, ['vars'], raw, 'vars: a map of names to plain values');
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'object' && value !== null) {
      throw source.error(['vars', name], {
        problem: `variable ${name} is not a plain value`,
        expected: 'text, a number, true or false',
        got: show(value),
      });
    }
    vars[name] = value as Scalar;
  }
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(vars, name)) {
      const near = nearest(name, Object.keys(vars));
      throw source.error(['vars'], {
        problem: `the pipeline has no variable ${name}`,
        expected: `one of: ${Object.keys(vars).join(', ')}`,
        got: `${name}=${value}`,
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      });
    }
    vars[name] = convert(source, name, value, vars[name]!);
  }
  checkSeed(source, ['vars', 'seed'], vars['seed']);
  return vars;
}

/** A value from the command line takes the type that the file's own value has. */
function convert(source: YamlSource, name: string, text: string, like: Scalar): Scalar {
  if (typeof like === 'number') {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value)) return value;
    throw source.error(['vars', name], {
      problem: `variable ${name} is a number in this pipeline`,
      expected: 'a number',
      got: text,
    });
  }
  if (typeof like === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw source.error(['vars', name], {
      problem: `variable ${name} is true or false in this pipeline`,
      expected: 'true or false',
      got: text,
    });
  }
  return text;
}

function readStage(source: YamlSource, instance: string, raw: unknown, vars: Record<string, Scalar>): StageEntry {
  const path = ['stages', instance];
  if (!/^[A-Za-z][\w-]*$/.test(instance)) {
    throw source.error(
      path,
      {
        problem: 'a stage instance needs a plain name',
        expected: 'letters, digits, _ and -, beginning with a letter',
        got: instance,
      },
      'key',
    );
  }
  const map = asMap(source, path, raw, '{ uses: ..., from: { ... }, with: { ... } }');
  checkKeys(source, path, map, STAGE_KEYS);
  const entry = fillVars(source, path, map, vars) as Record<string, unknown>;
  if (typeof entry['uses'] !== 'string') {
    throw source.error([...path, 'uses'], {
      problem: `${instance} does not say which stage it uses`,
      expected: 'uses: the name of a stage',
      got: show(entry['uses']),
    });
  }
  const seed = entry['seed'];
  if (seed !== undefined) checkSeed(source, [...path, 'seed'], seed);
  return {
    uses: entry['uses'],
    with:
      entry['with'] === undefined ? {} : asMap(source, [...path, 'with'], entry['with'], 'with: a map of parameters'),
    from: readFrom(source, [...path, 'from'], entry['from']),
    ...(seed === undefined ? {} : { seed }),
  };
}

function checkSeed(source: YamlSource, path: YamlPath, seed: unknown): asserts seed is number {
  if (Number.isSafeInteger(seed)) return;
  throw source.error(path, { problem: 'a seed is a whole number', expected: 'a whole number', got: show(seed) });
}

function readFrom(source: YamlSource, path: YamlPath, raw: unknown): StageEntry['from'] {
  if (raw === undefined) return {};
  const map = asMap(source, path, raw, 'from: a map of input names to stage outputs');
  for (const [input, reference] of Object.entries(map)) {
    const texts: unknown[] = Array.isArray(reference) ? reference : [reference];
    if (!texts.every((text) => typeof text === 'string' || (text === null && !Array.isArray(reference)))) {
      throw source.error([...path, input], {
        problem: `input ${input} does not name a stage output`,
        expected: 'stage, stage.output, or a list of them',
        got: show(reference),
      });
    }
  }
  return map as StageEntry['from'];
}

function readPublish(source: YamlSource, raw: unknown): Record<string, string> {
  if (raw === undefined) return {};
  const map = asMap(source, ['publish'], raw, 'publish: a map of folders to stage outputs');
  for (const [folder, reference] of Object.entries(map)) {
    if (typeof reference !== 'string') {
      throw source.error(['publish', folder], {
        problem: 'this does not name a stage output',
        expected: 'stage or stage.output',
        got: show(reference),
      });
    }
    const fault = placeFault(folder, Object.keys(map));
    if (fault !== undefined) {
      throw source.error(
        ['publish', folder],
        { problem: fault, expected: 'a folder name such as models/dnn, or . for the run itself', got: folder },
        'key',
      );
    }
  }
  return map as Record<string, string>;
}

/** What the run's folder holds besides what is published. */
const OWN_PLACES = ['run.json', 'logs', 'stages'];

/** Why nothing can be published at a place; undefined if it can. */
function placeFault(place: string, all: readonly string[]): string | undefined {
  if (place === '.') return undefined;
  const steps = place.split('/');
  if (
    place.includes('\\') ||
    steps.some((step) => step === '' || step === '.' || step === '..' || step.endsWith(':'))
  ) {
    return 'published files stay inside the run';
  }
  if (OWN_PLACES.includes(steps[0]!)) return `the run itself keeps its ${steps[0]} there`;
  // A published folder is a link into the store, where nothing may be added.
  const outer = all.find((other) => place.startsWith(`${other}/`));
  return outer === undefined ? undefined : `${place} would lie inside ${outer}, which is another artifact`;
}

const VARIABLE = /\$\{([^}]*)\}/g;

/** Replaces `${name}`; a value that is nothing but one variable keeps the variable's type. */
function fillVars(source: YamlSource, path: YamlPath, value: unknown, vars: Record<string, Scalar>): unknown {
  if (Array.isArray(value)) return value.map((item, i) => fillVars(source, [...path, i], item, vars));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fillVars(source, [...path, key], item, vars)]),
    );
  }
  if (typeof value !== 'string') return value;
  const lookUp = (name: string): Scalar => {
    if (Object.hasOwn(vars, name)) return vars[name]!;
    const near = nearest(name, Object.keys(vars));
    throw source.error(path, {
      problem: `there is no variable ${name}`,
      expected: `one of: ${Object.keys(vars).join(', ')}`,
      got: `\${${name}}`,
      fix: near ? `did you mean \${${near}}?` : `add it under vars`,
    });
  };
  const whole = /^\$\{([^}]*)\}$/.exec(value);
  if (whole) return lookUp(whole[1]!.trim());
  return value.replace(VARIABLE, (_, name: string) => String(lookUp(name.trim())));
}

function asMap(source: YamlSource, path: YamlPath, value: unknown, expected: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  const what = path.length === 0 ? 'the file' : path.at(-1)!;
  throw source.error(path, { problem: `${what} has the wrong form`, expected, got: show(value) });
}

function checkKeys(source: YamlSource, path: YamlPath, map: Record<string, unknown>, known: readonly string[]): void {
  for (const key of Object.keys(map)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    throw source.error(
      [...path, key],
      {
        problem: `unknown key ${key}`,
        expected: `one of: ${known.join(', ')}`,
        got: key,
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      },
      'key',
    );
  }
}

/** A value as it would look in YAML, shortened. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
