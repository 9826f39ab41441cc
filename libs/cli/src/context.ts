/** What a command needs of its surroundings. */
import { resolve } from 'node:path';
import { BUILD_FOLDER, PROJECT_ROOT, ProsodiaError } from '@prosodia/core';
import { Project } from '@prosodia/runner';
import type { Streams } from './ui/reporter.ts';

export interface Context extends Streams {
  /** Folder that relative paths are relative to. */
  cwd: string;
  root: string;
  project(options?: { data?: string | undefined }): Project;
}

export function createContext(streams: Streams): Context {
  const root = process.env[PROJECT_ROOT];
  const build = process.env[BUILD_FOLDER];
  if (root === undefined || build === undefined) {
    throw new ProsodiaError({
      problem: 'the command was not started by its launcher',
      fix: 'start it with npx prosodia',
    });
  }
  // Nx runs commands in the root; paths given to it are meant relative to where the user stands.
  const underNx = process.env['NX_TASK_TARGET_PROJECT'] !== undefined;
  const cwd = (underNx ? process.env['INIT_CWD'] : undefined) ?? process.cwd();
  return {
    ...streams,
    cwd,
    root,
    project({ data } = {}) {
      const dataFolder = data ?? process.env['PROSODIA_DATA'];
      const artifacts = process.env['PROSODIA_ARTIFACTS'];
      return new Project({
        root,
        build,
        ...(artifacts ? { artifacts: resolve(cwd, artifacts) } : {}),
        ...(dataFolder ? { dataFolder: resolve(cwd, dataFolder) } : {}),
      });
    },
  };
}
