/**
 * The shape of a pipeline file, and its first check: right keys, right types.
 *
 * This check needs no stage catalogue. Which axes a stage has is found in `fan.ts`; wiring and parameters are checked
 * in `resolve.ts`, when variables are filled in.
 */
import type { Resources } from '@prosodia/core';
import type { Axes } from './axes.ts';
import { AxisReader } from './axis-reader.ts';
import { type YamlMap, asMap, checkKeys, didYouMean, isMap, show } from './checks.ts';
import { readNames } from './names.ts';
import { type YamlPath, YamlSource } from './source.ts';
import { type Bound, readVars, scopeOf } from './variables.ts';

/** One entry under `stages:` as written, variables not filled in. */
export interface StageTemplate {
  uses: string;
  /** A map, or one variable that stands for a map. */
  with: unknown;
  /** Input name to one or more references, see `reference.ts`; null: the name is the reference. */
  from: Record<string, string | null | string[]>;
  seed?: unknown;
  resources?: unknown;
  /** Axes that the stage declares or names itself. */
  axes: string[];
  /** Axes over which inputs of several are collected although the stage has the others. */
  collect: string[];
}

export interface PipelineFile {
  source: YamlSource;
  name: string;
  title: string;
  description: string;
  vars: YamlMap;
  axes: Axes;
  stages: Record<string, StageTemplate>;
  /** Place in the run's folder (`.` for its root) to a reference. */
  publish: Record<string, string>;
}

const TOP_KEYS = ['name', 'title', 'description', 'vars', 'matrix', 'foreach', 'search', 'stages', 'publish'];
const STAGE_KEYS = ['uses', 'with', 'from', 'seed', 'matrix', 'foreach', 'search', 'collect', 'resources'];

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
  const axes = new AxisReader(source, scopeOf(boundVars(vars)), vars['seed'] as number);
  if (root['matrix'] !== undefined) axes.matrix(['matrix'], root['matrix'], true);
  if (root['foreach'] !== undefined) axes.foreach(['foreach'], root['foreach'], true);
  if (root['search'] !== undefined) axes.search(['search'], root['search'], undefined);
  const stages: Record<string, StageTemplate> = {};
  const entries = asMap(source, ['stages'], root['stages'], 'stages: a map of at least one stage');
  if (Object.keys(entries).length === 0) {
    throw source.error(['stages'], {
      problem: 'a pipeline needs at least one stage',
      expected: 'stages: { name: { uses: ... } }',
      got: show(entries),
    });
  }
  for (const [stage, raw] of Object.entries(entries)) stages[stage] = readStage(source, stage, raw, axes);
  const file: PipelineFile = {
    source,
    name: root['name'],
    title: typeof root['title'] === 'string' ? root['title'] : root['name'],
    description: typeof root['description'] === 'string' ? root['description'] : '',
    vars,
    axes: axes.axes,
    stages,
    publish: readPublish(source, root['publish']),
  };
  checkNames(file);
  return file;
}

/** Variables as a layer of a scope. */
export function boundVars(vars: YamlMap): Map<string, Bound> {
  return new Map(Object.entries(vars).map(([name, value]) => [name, { value }]));
}

function readStage(source: YamlSource, stage: string, raw: unknown, axes: AxisReader): StageTemplate {
  const path = ['stages', stage];
  if (!/^[A-Za-z][\w-]*$/.test(stage)) {
    throw source.error(
      path,
      {
        problem: 'a stage instance needs a plain name',
        expected: 'letters, digits, _ and -, beginning with a letter',
        got: stage,
      },
      'key',
    );
  }
  const map = asMap(source, path, raw, '{ uses: ..., from: { ... }, with: { ... } }');
  checkKeys(source, path, map, STAGE_KEYS);
  if (typeof map['uses'] !== 'string') {
    throw source.error([...path, 'uses'], {
      problem: `${stage} does not say which stage it uses`,
      expected: 'uses: the name of a stage',
      got: show(map['uses']),
    });
  }
  if (map['with'] !== undefined && !(typeof map['with'] === 'string' && /^\$\{[^}]*\}$/.test(map['with']))) {
    asMap(source, [...path, 'with'], map['with'], 'with: a map of parameters');
  }
  const own: string[] = [];
  const { matrix, foreach, search } = map;
  if (Array.isArray(matrix) || typeof matrix === 'string') own.push(...readNames(source, [...path, 'matrix'], matrix));
  else if (matrix !== undefined) own.push(...axes.matrix([...path, 'matrix'], matrix, false));
  if (foreach !== undefined) own.push(...axes.foreach([...path, 'foreach'], foreach, false));
  if (search !== undefined) own.push(axes.search([...path, 'search'], search, stage));
  return {
    uses: map['uses'],
    with: map['with'] ?? {},
    from: readFrom(source, [...path, 'from'], map['from']),
    ...(map['seed'] === undefined ? {} : { seed: map['seed'] }),
    ...(map['resources'] === undefined ? {} : { resources: map['resources'] }),
    axes: own,
    collect: readNames(source, [...path, 'collect'], map['collect']),
  };
}

/** Axes and stages that are named must be there; said here, where all of them are known. */
function checkNames({ source, axes, stages }: PipelineFile): void {
  const axisNames = [...axes.all.keys()];
  const needAxis = (path: YamlPath, name: string) => {
    if (axes.all.has(name)) return;
    throw source.error(path, {
      problem: `there is no axis ${name}`,
      expected:
        axisNames.length > 0 ? `one of: ${axisNames.join(', ')}` : 'matrix: { axis: [value, ...] }, here or at the top',
      got: name,
      ...didYouMean(name, axisNames),
    });
  };
  const needStage = (path: YamlPath, name: string) => {
    if (Object.hasOwn(stages, name)) return;
    throw source.error(path, {
      problem: `there is no stage instance ${name}`,
      expected: `one of: ${Object.keys(stages).join(', ')}`,
      got: name,
      ...didYouMean(name, Object.keys(stages)),
    });
  };
  for (const [stage, { axes: own, collect }] of Object.entries(stages)) {
    own.forEach((name, i) => needAxis(['stages', stage, 'matrix', i], name));
    collect.forEach((name, i) => needAxis(['stages', stage, 'collect', i], name));
  }
  for (const { path, choosing, counted } of axes.all.values()) {
    if (counted) needStage(path, counted.stage);
    if (!choosing) continue;
    needStage([...path, 'metric'], choosing.stage);
    choosing.meanOver.forEach((name, i) => needAxis([...path, 'mean_over', i], name));
  }
}

/** What a stage needs of the machine, as far as the file says. */
export function readResources(source: YamlSource, path: YamlPath, raw: unknown): Resources {
  const map = asMap(source, path, raw, 'resources: { threads, memory_gb, gpu }');
  checkKeys(source, path, map, ['threads', 'memory_gb', 'gpu']);
  const refuse = (name: string, expected: string) =>
    source.error([...path, name], { problem: `${name} has the wrong form`, expected, got: show(map[name]) });
  const { threads, memory_gb: memory, gpu } = map;
  if (threads !== undefined && threads !== 'all' && !(Number.isSafeInteger(threads) && (threads as number) >= 1)) {
    throw refuse('threads', 'a whole number from 1, or all');
  }
  if (memory !== undefined && !(typeof memory === 'number' && memory > 0)) {
    throw refuse('memory_gb', 'a number of GiB above 0');
  }
  if (gpu !== undefined && typeof gpu !== 'boolean') throw refuse('gpu', 'true or false');
  return map as Resources;
}

function readFrom(source: YamlSource, path: YamlPath, raw: unknown): StageTemplate['from'] {
  if (raw === undefined) return {};
  const map = asMap(source, path, raw, 'from: a map of input names to stage outputs');
  for (const [input, reference] of Object.entries(map)) {
    const texts: unknown[] = Array.isArray(reference) ? reference : [reference];
    if (!texts.every((text) => typeof text === 'string' || (text === null && !Array.isArray(reference)))) {
      throw source.error([...path, input], {
        problem: `input ${input} does not name a stage output`,
        expected: 'stage, stage.output, or a list of them',
        got: show(reference),
        ...(isMap(reference) || hasBrackets(reference) ? { fix: QUOTE_BRACKETS } : {}),
      });
    }
  }
  return map as StageTemplate['from'];
}

const QUOTE_BRACKETS = "between { and }, a reference with brackets needs quotes: 'stage[axis=value]'";

function hasBrackets(value: unknown): boolean {
  return Array.isArray(value) && value.some((item) => isMap(item) || Array.isArray(item));
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
