/**
 * From a pipeline file to a plan: every stage known, every parameter valid, every input wired to an
 * output of the right kind, no cycle. Whatever can be wrong is found here, before anything runs.
 */
import { nearest } from '@prosodia/core';
import type { Catalogue, InputInfo, StageInfo } from '../catalogue/info.ts';
import { type PipelineFile, type Scalar, type StageEntry, readPipeline } from './file.ts';
import type { KnownParams } from './known-params.ts';
import { resolveParams } from './params.ts';
import type { YamlPath, YamlSource } from './source.ts';

/** One output of one instance. */
export interface OutputRef {
  instance: string;
  output: string;
}

/** A stage as used in a pipeline. */
export interface Instance {
  name: string;
  stage: StageInfo;
  params: Record<string, unknown>;
  seed: number;
  /** References by input name, in the stage's order of inputs; an input left out has none. */
  inputs: Record<string, OutputRef[]>;
  /** Instances that must finish first. */
  needs: string[];
}

export interface Plan {
  name: string;
  title: string;
  description: string;
  vars: Record<string, Scalar>;
  /** In an order in which each comes after all it needs; ties as in the file. */
  instances: Instance[];
  publish: Record<string, OutputRef>;
}

/**
 * @param name file name for messages
 * @param known parameters that need no second check
 * @throws RequestError with file, line and column
 */
export function planPipeline(
  name: string,
  text: string,
  catalogue: Catalogue,
  overrides: Readonly<Record<string, string>> = {},
  known?: KnownParams,
): Plan {
  const file = readPipeline(name, text, overrides);
  const stages = new Map(
    Object.entries(file.stages).map(([instance, entry]) => [instance, findStage(file, instance, entry, catalogue)]),
  );
  const instances = new Map<string, Instance>();
  for (const [instance, entry] of Object.entries(file.stages)) {
    instances.set(instance, resolveInstance(file, instance, entry, stages, known));
  }
  return {
    name: file.name,
    title: file.title,
    description: file.description,
    vars: file.vars,
    instances: sortTopologically(file.source, instances),
    publish: Object.fromEntries(
      Object.entries(file.publish).map(([folder, reference]) => [
        folder,
        resolveReference(file.source, ['publish', folder], reference, stages),
      ]),
    ),
  };
}

function findStage(file: PipelineFile, instance: string, entry: StageEntry, catalogue: Catalogue): StageInfo {
  const stage = catalogue.get(entry.uses);
  if (stage) return stage;
  const near = nearest(entry.uses, catalogue.keys());
  throw file.source.error(['stages', instance, 'uses'], {
    problem: `there is no stage ${entry.uses}`,
    expected: `one of: ${[...catalogue.keys()].join(', ')}`,
    got: entry.uses,
    fix: near ? `did you mean ${near}?` : 'prosodia stages lists them; a new one is a folder in stages/',
  });
}

function resolveInstance(
  file: PipelineFile,
  name: string,
  entry: StageEntry,
  stages: ReadonlyMap<string, StageInfo>,
  known: KnownParams | undefined,
): Instance {
  const stage = stages.get(name)!;
  const { source } = file;
  const path = ['stages', name];
  for (const input of Object.keys(entry.from)) {
    if (stage.inputs.some((known) => known.name === input)) continue;
    const known = stage.inputs.map((own) => own.name);
    const near = nearest(input, known);
    throw source.error(
      [...path, 'from', input],
      {
        problem: `stage ${stage.name} has no input ${input}`,
        expected: known.length > 0 ? `one of: ${known.join(', ')}` : 'no inputs at all',
        got: input,
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      },
      'key',
    );
  }
  const inputs = Object.fromEntries(
    stage.inputs.map((input) => [input.name, wire(source, path, input, entry, stage, stages)]),
  );
  const seed = entry.seed ?? (file.vars['seed'] as number);
  return {
    name,
    stage,
    params: resolveParams(stage, entry.with, source, [...path, 'with'], known),
    seed,
    inputs,
    needs: [
      ...new Set(Object.values(inputs).flatMap((references) => references.map((reference) => reference.instance))),
    ],
  };
}

function wire(
  source: YamlSource,
  path: YamlPath,
  input: InputInfo,
  entry: StageEntry,
  stage: StageInfo,
  stages: ReadonlyMap<string, StageInfo>,
): OutputRef[] {
  if (!(input.name in entry.from)) {
    if (input.arity !== 'one') return [];
    const makers = [...stages].flatMap(([name, { outputs }]) =>
      outputs.filter((output) => output.kind.id === input.kind.id).map((output) => `${name}.${output.name}`),
    );
    throw source.error(
      [...path, 'from'],
      {
        problem: `stage ${stage.name} needs the input ${input.name}`,
        expected: `from: { ${input.name}: an output of kind ${input.kind.id} }`,
        got: `from: { ${Object.keys(entry.from).join(', ')} }`,
        fix:
          makers.length > 0
            ? `outputs of that kind here: ${makers.join(', ')}`
            : `no stage here makes ${input.kind.id}`,
      },
      'key',
    );
  }
  const written = entry.from[input.name];
  const texts = written === null || written === undefined ? [input.name] : Array.isArray(written) ? written : [written];
  const at = [...path, 'from', input.name];
  if (input.arity !== 'many' && texts.length !== 1) {
    throw source.error(at, {
      problem: `input ${input.name} takes one output`,
      expected: 'stage or stage.output',
      got: `${texts.length} of them`,
    });
  }
  return texts.map((text, i) =>
    resolveReference(source, Array.isArray(written) ? [...at, i] : at, text, stages, input),
  );
}

/** `stage.output`, or `stage` where one output is meant: the one named as the input, else the only one of its kind. */
function resolveReference(
  source: YamlSource,
  path: YamlPath,
  text: string,
  stages: ReadonlyMap<string, StageInfo>,
  input?: InputInfo,
): OutputRef {
  const [instance, outputName, ...rest] = text.split('.');
  const stage = stages.get(instance!);
  if (rest.length > 0) {
    throw source.error(path, {
      problem: 'this does not name a stage output',
      expected: 'stage or stage.output',
      got: text,
    });
  }
  if (!stage) {
    const near = nearest(instance!, stages.keys());
    throw source.error(path, {
      problem: `there is no stage instance ${instance}`,
      expected: `one of: ${[...stages.keys()].join(', ')}`,
      got: text,
      ...(near ? { fix: `did you mean ${near}?` } : {}),
    });
  }
  const kind = input?.kind.id;
  const candidates = stage.outputs.filter((output) => kind === undefined || output.kind.id === kind);
  const all = stage.outputs.map((output) => `${instance}.${output.name} (${output.kind.id})`).join(', ');
  if (outputName === undefined) {
    const chosen =
      candidates.find((output) => output.name === input?.name) ?? (candidates.length === 1 ? candidates[0] : undefined);
    if (chosen) return { instance: instance!, output: chosen.name };
    throw source.error(path, {
      problem:
        candidates.length === 0
          ? `${instance} has no output of kind ${kind}`
          : `${instance} has several outputs that fit${input ? ` input ${input.name}` : ''}`,
      expected: candidates.length === 0 ? `an output of kind ${kind}` : 'stage.output',
      got: `${text}; it has ${all || 'no outputs'}`,
    });
  }
  const output = stage.outputs.find((own) => own.name === outputName);
  if (!output) {
    const near = nearest(
      outputName,
      stage.outputs.map((own) => own.name),
    );
    throw source.error(path, {
      problem: `${instance} has no output ${outputName}`,
      expected: `one of: ${all}`,
      got: text,
      ...(near ? { fix: `did you mean ${instance}.${near}?` } : {}),
    });
  }
  if (kind !== undefined && output.kind.id !== kind) {
    throw source.error(path, {
      problem: `input ${input!.name} takes another kind of artifact`,
      expected: `kind ${kind} (${input!.kind.summary})`,
      got: `${text}, which is of kind ${output.kind.id}`,
    });
  }
  return { instance: instance!, output: outputName };
}

/** Kahn's algorithm, stable. Throws a RequestError that spells out a cycle. */
function sortTopologically(source: YamlSource, instances: ReadonlyMap<string, Instance>): Instance[] {
  const sorted: Instance[] = [];
  const done = new Set<string>();
  const waiting = [...instances.values()];
  while (waiting.length > 0) {
    const next = waiting.findIndex((instance) => instance.needs.every((need) => done.has(need)));
    if (next < 0) throw cycleError(source, waiting);
    const [instance] = waiting.splice(next, 1);
    sorted.push(instance!);
    done.add(instance!.name);
  }
  return sorted;
}

function cycleError(source: YamlSource, waiting: readonly Instance[]): Error {
  const byName = new Map(waiting.map((instance) => [instance.name, instance]));
  const trail: string[] = [];
  let current = waiting[0]!;
  while (!trail.includes(current.name)) {
    trail.push(current.name);
    current = byName.get(current.needs.find((need) => byName.has(need))!)!;
  }
  const cycle = [...trail.slice(trail.indexOf(current.name)), current.name].reverse();
  return source.error(['stages', current.name, 'from'], {
    problem: 'the stages wait for each other in a circle',
    expected: 'each stage takes outputs of stages that do not depend on it',
    got: cycle.join(' -> '),
  });
}
