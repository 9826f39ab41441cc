/** Loads every stage once, checks its definition, and writes down what the runner needs of it. */
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ArtifactKind, RequestError, type StageDefinition, inputSpec } from '@prosodia/core';
import type { KindInfo, StageInfo } from './info.ts';

export interface StageModule {
  /** Source file below the root, with forward slashes. */
  source: string;
  /** File to import. */
  compiled: string;
}

/** Called by the build. Throws a RequestError for a stage that breaks the contract. */
export async function describeStages(modules: readonly StageModule[]): Promise<StageInfo[]> {
  const infos: StageInfo[] = [];
  for (const { source, compiled } of modules) {
    const module = (await import(pathToFileURL(compiled).href)) as { default?: StageDefinition };
    infos.push(describe(source, module.default));
  }
  return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(source: string, stage: StageDefinition | undefined): StageInfo {
  const folder = basename(dirname(source));
  if (!stage?.name) {
    throw new RequestError({
      problem: 'this is no stage',
      expected: 'export default defineStage({ ... })',
      where: source,
    });
  }
  if (stage.name !== folder) {
    throw new RequestError({
      problem: 'a stage is named as its folder',
      expected: `name: '${folder}'`,
      got: `name: '${stage.name}'`,
      where: source,
    });
  }
  if (stage.fit && !('split' in stage.inputs)) {
    throw new RequestError({
      problem: 'a stage that fits needs a split to know the training rows',
      expected: 'inputs: { ..., split: SplitTable }',
      where: source,
    });
  }
  return {
    name: stage.name,
    summary: stage.summary,
    details: stage.details ?? '',
    source,
    params: JSON.parse(JSON.stringify({ ...stage.params, additionalProperties: false })) as StageInfo['params'],
    inputs: Object.entries(stage.inputs).map(([name, spec]) => {
      const { kind, arity } = inputSpec(spec);
      return { name, kind: kindInfo(kind), arity };
    }),
    outputs: Object.entries(stage.outputs).map(([name, kind]) => ({ name, kind: kindInfo(kind) })),
    seeded: stage.seeded ?? false,
    device: stage.device ?? false,
    fits: stage.fit !== undefined,
    resources: stage.resources ?? {},
    ...(stage.external ? { external: stage.external.href } : {}),
  };
}

function kindInfo({ id, summary, columns }: ArtifactKind): KindInfo {
  return { id, summary, columns: columns ?? [] };
}
