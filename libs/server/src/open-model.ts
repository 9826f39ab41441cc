/** Loads a model from a run of a project or from an exported folder. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RequestError, messageOf } from '@prosodia/core';
import { type Predictor, Project, openPredictor } from '@prosodia/runner';
import type { ModelSource } from './messages.ts';

/** What is used of a predictor; that of an exported folder is another class of the same form. */
export type OpenModel = Pick<Predictor, 'pipeline' | 'run' | 'title' | 'labels' | 'members' | 'calibrated' | 'predict'>;

/** @throws RequestError for a folder that is no exported run or lacks its packages; what opening a run throws */
export async function openModel(source: ModelSource): Promise<OpenModel> {
  if (source.kind === 'bundle') return openBundle(source.folder);
  const { root, build, artifacts, run, stage } = source;
  return openPredictor(new Project({ root, build, artifacts }), run, { stage });
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
    const module = (await import(pathToFileURL(entryOf(folder)).href)) as { openPredictor(): Promise<OpenModel> };
    return await module.openPredictor();
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
