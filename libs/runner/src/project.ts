/** A project on disk: its stages, pipelines, store and runs. */
import { readFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { RequestError, nearest } from '@prosodia/core';
import { Fingerprints } from './catalogue/fingerprint.ts';
import type { Catalogue, StageInfo } from './catalogue/info.ts';
import { KnownParams } from './pipeline/known-params.ts';
import type { Plan } from './pipeline/plan.ts';
import { planPipeline } from './pipeline/resolve.ts';
import { Store } from './store/store.ts';

export interface ProjectOptions {
  /** Root of the repository. */
  root: string;
  /** Folder of the build that is running. */
  build: string;
  /** Where the store and the runs are; default `artifacts` below the root. */
  artifacts?: string;
  /** Where the user says the recordings are. */
  dataFolder?: string;
}

export class Project {
  readonly root: string;
  readonly artifacts: string;
  readonly dataFolder: string | undefined;
  readonly store: Store;
  readonly catalogue: Catalogue;
  readonly fingerprints: Fingerprints;
  readonly #known: KnownParams;

  constructor({ root, build, artifacts, dataFolder }: ProjectOptions) {
    this.root = root;
    this.artifacts = artifacts ?? join(root, 'artifacts');
    this.dataFolder = dataFolder;
    this.store = new Store(join(this.artifacts, 'store'));
    const stages = JSON.parse(readFileSync(join(build, 'catalogue.json'), 'utf8')) as StageInfo[];
    this.catalogue = new Map(stages.map((stage) => [stage.name, stage]));
    this.fingerprints = new Fingerprints(root, build);
    this.#known = new KnownParams(join(build, 'params.json'));
  }

  /** Names of the pipelines in `pipelines/`. */
  async pipelines(): Promise<string[]> {
    const names = await readdir(join(this.root, 'pipelines')).catch(() => []);
    return names
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => name.slice(0, -'.yaml'.length))
      .sort();
  }

  /**
   * Reads and checks a pipeline.
   * @param nameOrPath a name in `pipelines/`, or a path to a YAML file, relative to `cwd`
   * @throws RequestError
   */
  async plan(nameOrPath: string, overrides: Readonly<Record<string, string>> = {}, cwd = process.cwd()): Promise<Plan> {
    const isPath = /\.ya?ml$/.test(nameOrPath);
    const path = isPath ? resolve(cwd, nameOrPath) : join(this.root, 'pipelines', `${nameOrPath}.yaml`);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      const names = await this.pipelines();
      const near = isPath ? undefined : nearest(nameOrPath, names);
      throw new RequestError(
        {
          problem: `there is no pipeline ${nameOrPath}`,
          expected: isPath ? 'a file that can be read' : `one of: ${names.join(', ')}`,
          got: nameOrPath,
          fix: near ? `did you mean ${near}?` : 'a pipeline is a YAML file in pipelines/',
        },
        { cause },
      );
    }
    const shown = relative(cwd, path);
    const plan = planPipeline(shown.startsWith('..') ? path : shown, text, this.catalogue, overrides, this.#known);
    await this.#known.save();
    return plan;
  }
}
