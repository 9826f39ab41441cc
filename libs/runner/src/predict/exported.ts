/** An exported folder: what {@link ServedRun} needs, as files, without the project that made it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, type StageDefinition, messageOf } from '@prosodia/core';
import type { TrainedOn } from './corpora.ts';
import { Predictor } from './predictor.ts';
import type { ServedInstance } from './served-run.ts';

/** Name of the file that describes an exported folder. */
export const CONTRACT = 'prosodia.json';

/** What {@link CONTRACT} holds. Paths are relative to the folder, with forward slashes. */
export interface Contract {
  format: 1;
  /** `prosodia` and its version. */
  made_by: string;
  pipeline: string;
  run: number;
  title: string;
  labels: string[];
  /** Folders of earlier versions lack it. */
  corpora?: TrainedOn[];
  /** Whether the run calibrated the probabilities. */
  calibrated: boolean;
  /** Longer recordings are cut into windows of this length, in seconds. Folders of earlier versions lack it. */
  window_s?: number;
  /** Outputs whose mean is the prediction. */
  members: string[];
  /** The members and all upstream of them, with the parameters they had in the run. */
  instances: Record<string, ServedInstance>;
  /** Folder of what was learned, by `instance.output`. */
  saved: Record<string, string>;
  /** ONNX models by the instance that made them: the file, and what goes in and comes out. */
  models: Record<string, { file: string; input?: unknown; output?: unknown }>;
}

/**
 * @param stages code of the stages by name
 * @throws DataError if the folder lacks what it should hold
 */
export async function openExported(
  folder: string,
  stages: Readonly<Record<string, StageDefinition>>,
): Promise<Predictor> {
  const contract = await readContract(folder);
  return Predictor.open({
    pipeline: contract.pipeline,
    run: contract.run,
    title: contract.title,
    device: 'cpu',
    instances: contract.instances,
    members: contract.members,
    labels: contract.labels,
    corpora: contract.corpora ?? [],
    stage(uses) {
      const stage = stages[uses];
      if (stage) return Promise.resolve(stage);
      throw new DataError({ problem: `the folder holds no stage ${uses}`, where: folder, fix: 'export the run again' });
    },
    saved(instance, output) {
      const place = contract.saved[`${instance}.${output}`];
      if (place !== undefined) return join(folder, place);
      throw new DataError({
        problem: `the folder does not hold what ${instance} learned`,
        expected: `${output}, named in ${CONTRACT}`,
        where: folder,
        fix: 'export the run again',
      });
    },
  });
}

async function readContract(folder: string): Promise<Contract> {
  let contract: Contract;
  try {
    contract = JSON.parse(await readFile(join(folder, CONTRACT), 'utf8')) as Contract;
  } catch (cause) {
    throw new DataError(
      { problem: 'this is no exported run', expected: CONTRACT, got: messageOf(cause), where: folder },
      { cause },
    );
  }
  if (contract.format === 1) return contract;
  throw new DataError({
    problem: 'the folder was exported by another version',
    expected: 'format 1',
    got: `format ${String(contract.format)}`,
    where: join(folder, CONTRACT),
  });
}
