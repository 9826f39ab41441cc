/** The shared cache of a project, as its file and the environment say. */
import type { Project } from '../project.ts';
import { remoteConfig } from './config.ts';
import { objectsAt } from './objects.ts';
import { Remote } from './remote.ts';

/**
 * @param warn told, once each, what is wrong with the shared cache
 * @returns undefined if the project has none
 * @throws RequestError if it cannot be used as it is described
 */
export function openRemote({ root, store }: Project, warn: (message: string) => void): Remote | undefined {
  const config = remoteConfig(root, process.env);
  return config && new Remote(config, objectsAt(config, process.env), store, { warn });
}
