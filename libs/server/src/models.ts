/** The models that are served: how a client names them, and what they say of themselves. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearest } from '@prosodia/core';
import type { ModelFacts, ModelSource } from './messages.ts';
import { Problem } from './problem.ts';

export interface ServedModel extends ModelFacts {
  id: string;
  /** Place among the models. */
  index: number;
  /** Text of the model card. */
  card: string | undefined;
}

/** A source, and what is served beside its predictions. */
export interface ModelRequest {
  source: ModelSource;
  /** Path of the model as one ONNX file, for predictions in the browser; default: the server makes it. */
  oneFile?: string | undefined;
}

/** A model is called after its pipeline, and after its run too where two have the same pipeline. */
export async function servedModels(
  requests: readonly ModelRequest[],
  facts: readonly ModelFacts[],
): Promise<ServedModel[]> {
  const pipelines = facts.map(({ pipeline }) => pipeline);
  const taken = new Set<string>();
  return Promise.all(
    facts.map(async (own, index) => {
      const single = pipelines.filter((pipeline) => pipeline === own.pipeline).length === 1;
      const base = single ? own.pipeline : `${own.pipeline}-${own.run}`;
      let id = base;
      for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
      taken.add(id);
      const { source } = requests[index]!;
      const folder = source.kind === 'run' ? source.run.folder : source.folder;
      const card = await readFile(join(folder, 'model_card.md'), 'utf8').catch(() => undefined);
      return { ...own, id, index, card };
    }),
  );
}

/** @throws Problem if there is no such model */
export function modelOf(models: readonly ServedModel[], id: string | undefined): ServedModel {
  const found = id === undefined ? models[0] : models.find((model) => model.id === id);
  if (found) return found;
  const ids = models.map((model) => model.id);
  const near = nearest(id!, ids);
  throw new Problem('no-such-model', `no model ${JSON.stringify(id)} is served`, {
    fix: near ? `did you mean ${near}?` : `one of: ${ids.join(', ')}`,
  });
}
