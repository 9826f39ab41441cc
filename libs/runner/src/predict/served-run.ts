/** What predicting needs of a finished run, wherever it is kept: in the store of a project, or in an exported folder. */
import type { DeviceClass, StageDefinition } from '@prosodia/core';
import type { TrainedOn } from './corpora.ts';

/** A stage instance as it was run. */
export interface ServedInstance {
  uses: string;
  with: Record<string, unknown>;
  /** References `instance.output` by input. */
  from: Record<string, string[]>;
  seed: number;
}

export interface ServedRun {
  readonly pipeline: string;
  readonly run: number;
  readonly title: string;
  readonly device: DeviceClass;
  /** At least the members and all upstream of them. */
  readonly instances: Readonly<Record<string, ServedInstance>>;
  /** Outputs that hold predictions, whose mean is the prediction; references `instance.output`. */
  readonly members: readonly string[];
  /** Class names in the order of the probabilities. */
  readonly labels: readonly string[];
  readonly corpora: readonly TrainedOn[];
  /** The code of a stage. Throws a DataError if it is not there. */
  stage(uses: string): Promise<StageDefinition>;
  /** Folder of what an instance saved as an output. */
  saved(instance: string, output: string): string;
}

/** `instance.output`, apart; the name of an instance may itself hold dots. */
export function splitReference(reference: string): { instance: string; output: string } {
  const dot = reference.lastIndexOf('.');
  return { instance: reference.slice(0, dot), output: reference.slice(dot + 1) };
}
