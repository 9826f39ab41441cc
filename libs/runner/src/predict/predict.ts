/** A predictor of a finished run of this project. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataError, type StageDefinition, loadable, messageOf } from '@prosodia/core';
import type { KeptRun } from '../compare-records.ts';
import type { Project } from '../project.ts';
import { corporaOf } from './corpora.ts';
import { membersOf, predictionsOf } from './members.ts';
import { Predictor } from './predictor.ts';
import { type ServedRun, splitReference } from './served-run.ts';

export interface OpenPredictorOptions {
  /**
   * Stage whose predictions are wanted, averaged over its axes, or `stage[axis=value]` for some of them; default:
   * what the published report judges.
   */
  stage?: string | undefined;
}

/**
 * Loads what a run has learned; close the predictor when it is done with.
 * @throws RequestError for a run that cannot predict, or of which several stages do; a DataError if what it saved is gone
 */
export async function openPredictor(
  project: Project,
  run: KeptRun,
  options: OpenPredictorOptions = {},
): Promise<Predictor> {
  return Predictor.open(await servedFromStore(project, run, options));
}

/** A run as its record and the store of the project hold it. Throws what {@link openPredictor} throws. */
export async function servedFromStore(
  project: Project,
  { record, folder }: KeptRun,
  { stage: wanted }: OpenPredictorOptions,
): Promise<ServedRun> {
  const instances = await membersOf(record, folder, wanted);
  const members = instances.map((name) => `${name}.${predictionsOf(record, name)!}`);
  const stages = new Map<string, Promise<StageDefinition>>();
  const stage = (uses: string): Promise<StageDefinition> => {
    const known = stages.get(uses) ?? loadStage(project, uses);
    stages.set(uses, known);
    return known;
  };
  const saved = (instance: string, output: string): string => {
    const known = record.stages.find((own) => own.stage === instance)?.outputs?.[output];
    if (known) return project.store.contentFolder(known.digest);
    throw new DataError({ problem: `the run has saved no ${output} of ${instance}`, fix: 'run the pipeline again' });
  };
  return {
    pipeline: record.pipeline,
    run: record.run,
    title: record.title,
    device: record.device,
    instances: record.resolved,
    members,
    labels: await labelsOf(members[0]!, stage, record, saved),
    corpora: await corporaOf(project.root, record),
    stage,
    saved,
  };
}

async function loadStage(project: Project, uses: string): Promise<StageDefinition> {
  const info = project.catalogue.get(uses);
  if (!info) throw new DataError({ problem: `the run used a stage ${uses}, which is no longer there` });
  const module = pathToFileURL(join(project.root, info.source)).href;
  const { default: stage } = (await import(loadable(module).url.href)) as { default: StageDefinition };
  return stage;
}

/** As the run's own predictions have them. */
async function labelsOf(
  member: string,
  stageOf: ServedRun['stage'],
  { resolved }: KeptRun['record'],
  saved: ServedRun['saved'],
): Promise<string[]> {
  const { instance, output } = splitReference(member);
  const stage = await stageOf(resolved[instance]!.uses);
  try {
    const where = `predictions of ${instance}`;
    const table = (await stage.outputs[output]!.open(saved(instance, output), { where })) as {
      labels: readonly string[];
    };
    return [...table.labels];
  } catch (cause) {
    throw new DataError(
      {
        problem: `what ${instance} predicted is no longer in the store`,
        got: messageOf(cause),
        fix: 'run the pipeline again',
      },
      { cause },
    );
  }
}
