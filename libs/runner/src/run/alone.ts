/** Runs one stage on folders that are there already: no pipeline, no store, no record. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RequestError } from '@prosodia/core';
import { execute } from '../host/execute.ts';
import { checkParams } from '../pipeline/params.ts';
import type { Project } from '../project.ts';

export interface AloneOptions {
  /** Name of the stage. */
  stage: string;
  /** As in a pipeline; defaults are filled in. */
  params: Readonly<Record<string, unknown>>;
  /** Folder of an artifact by input name; of an input that takes several, each with the name it comes by. */
  inputs: Readonly<Record<string, string | readonly { from: string; folder: string }[]>>;
  /** Empty folder by output name. */
  outputs: Readonly<Record<string, string>>;
  /** Told what the stage wants its user to know. */
  notice?: (message: string) => void;
}

/** For commands that look at what is there. Throws a RequestError for wrong parameters, and what the stage throws. */
export async function runAlone(project: Project, options: AloneOptions): Promise<void> {
  const { stage: name, inputs, outputs, notice } = options;
  const stage = project.catalogue.get(name);
  if (!stage) throw new RequestError({ problem: `there is no stage ${name}` });
  const { params, fault } = checkParams(stage, options.params);
  if (fault) throw new RequestError(fault.parts);
  const job = {
    instance: name,
    stage: name,
    module: pathToFileURL(join(project.root, stage.source)).href,
    params,
    seed: 0,
    device: 'cpu' as const,
    threads: 1,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([input, given]) => [
        input,
        typeof given === 'string' ? [{ from: input, folder: given }] : [...given],
      ]),
    ),
    outputs: { ...outputs },
    scratch: join(project.artifacts, 'scratch', name),
    corpora: {},
  };
  await execute(job, new AbortController().signal, (message) => {
    if (message.type === 'notice') notice?.(message.message);
  });
}
