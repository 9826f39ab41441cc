/** Asks the stages that read from outside what they would read, and brings it in if allowed. */
import { resolve } from 'node:path';
import { type ExternalProbe, type ExternalState, loadable } from '@prosodia/core';
import type { Instance } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import type { OnEvent } from './events.ts';

/**
 * @param acquire whether missing data may be downloaded or synthesized
 * @returns what the instance reads; undefined if it is not there
 */
export async function probeExternal(
  project: Project,
  { name, stage, params }: Instance,
  acquire: boolean,
  signal: AbortSignal,
  onEvent: OnEvent,
): Promise<ExternalState | undefined> {
  if (stage.external === undefined) return undefined;
  const { default: probe } = (await import(loadable(stage.external).url.href)) as { default: ExternalProbe };
  return probe({
    params,
    root: project.root,
    dataFolder: project.dataFolder === undefined ? undefined : resolve(project.dataFolder),
    acquire,
    signal,
    digest: (path) => project.store.digests.digest(path),
    progress: (done, total, unit = 'files') =>
      onEvent({ event: 'progress', stage: name, done, total: total ?? null, unit }),
    notice: (message) => onEvent({ event: 'prepare', stage: name, message }),
  });
}

/** Folders of all corpora of a run. */
export function corpusFolders(states: ReadonlyMap<string, ExternalState | undefined>): Record<string, string> {
  return Object.assign({}, ...[...states.values()].map((state) => state?.folders ?? {})) as Record<string, string>;
}
