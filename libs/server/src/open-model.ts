/** Loads a model from a run of a project or from an exported folder. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RequestError, messageOf } from '@prosodia/core';
import type { Predictor, summarizeFiles } from '@prosodia/runner';
import type { ModelSource } from './messages.ts';

/** What is used of a predictor; that of an exported folder is another class of the same form. */
type OwnPredictor = Pick<Predictor, 'pipeline' | 'run' | 'title' | 'labels' | 'members' | 'calibrated' | 'predict'> &
  // Folders that were exported by earlier versions lack these.
  Partial<Pick<Predictor, 'oneFile' | 'window_s' | 'hears'>>;

export interface OpenModel {
  predictor: OwnPredictor;
  /** How windows become what is said of a recording, as the code of the model has it. */
  summarize: typeof summarizeFiles;
}

/** @throws RequestError for a folder that is no exported run or lacks its packages; what opening a run throws */
export async function openModel(source: ModelSource): Promise<OpenModel> {
  if (source.kind === 'bundle') return openBundle(source.folder);
  const { root, build, artifacts, run, stage } = source;
  // An exported folder brings its own.
  const runner = await import('@prosodia/runner');
  const project = new runner.Project({ root, build, artifacts });
  return { predictor: await runner.openPredictor(project, run, { stage }), summarize: runner.summarizeFiles };
}

/** The code of an exported folder, which brings what it needs. */
function entryOf(folder: string): string {
  return join(folder, 'lib', 'prosodia.js');
}

/** Whether a folder is an exported run. */
export async function isBundle(folder: string): Promise<boolean> {
  return access(entryOf(folder)).then(
    () => true,
    () => false,
  );
}

async function openBundle(folder: string): Promise<OpenModel> {
  try {
    const module = (await import(pathToFileURL(entryOf(folder)).href)) as {
      openPredictor(): Promise<OwnPredictor>;
      summarizeFiles: typeof summarizeFiles;
    };
    return { predictor: await module.openPredictor(), summarize: module.summarizeFiles };
  } catch (cause) {
    throw new RequestError(
      {
        problem: 'the exported folder cannot be loaded',
        got: messageOf(cause),
        where: folder,
        fix: 'npm install in it, or export the run again',
      },
      { cause },
    );
  }
}
