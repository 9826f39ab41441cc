/**
 * Nx on a copy of the repository, without its daemon and outside git: which pipelines an edit affects, and that
 * arguments reach the command.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from './support/project.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const { bin } = require('nx/package.json') as { bin: { nx: string } };
const NX = join(dirname(require.resolve('nx/package.json')), bin.nx);

/** Runs Nx in a project; its own settings are the repository's. */
function nx(project: TestProject, ...args: string[]): Promise<{ code: number | null; out: string }> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NX_|VITEST|PROSODIA_|INIT_CWD)/.test(name));
  const child = spawn(process.execPath, [NX, ...args], {
    cwd: project.root,
    env: { ...Object.fromEntries(inherited), NX_DAEMON: 'false', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

function addNx(project: TestProject): void {
  cpSync(join(REPOSITORY, 'libs/nx-plugin'), join(project.root, 'libs/nx-plugin'), { recursive: true });
  for (const file of ['.env', 'nx.json', 'tsconfig.base.json']) {
    copyFileSync(join(REPOSITORY, file), join(project.root, file));
  }
}

const BY_AXIS = `name: by-axis
matrix: { model: { forest: { stage: train-forest }, network: { stage: train-network } } }
stages:
  clips: { uses: ingest }
  model: { uses: '\${model.stage}', from: { features: clips, split: clips, clips } }
`;

describe('what an edit affects', () => {
  let project: TestProject;
  beforeAll(() => {
    project = new TestProject('all');
    addNx(project);
    writeFileSync(join(project.root, 'pipelines', 'by-axis.yaml'), BY_AXIS);
  });
  afterAll(() => project.remove());

  /** Pipelines that `nx affected -t <name>` would run after an edit in a file. */
  async function affectedBy(file: string): Promise<string[]> {
    const { code, out } = await nx(project, 'show', 'projects', '--affected', '--json', `--files=${file}`);
    expect(out.trimEnd()).toMatch(/\]$/);
    expect(code).toBe(0);
    const projects = JSON.parse(out) as string[];
    return projects.filter((name) => name.startsWith('pipeline')).sort();
  }

  it('is every pipeline that reaches the library through a stage, named or chosen by an axis, and no other', async () => {
    expect(await affectedBy('libs/forest/src/index.ts')).toEqual([
      'pipeline-best',
      'pipeline-by-axis',
      'pipeline-ensemble',
      'pipeline-mfcc-forest',
    ]);
  });

  it('are the targets that `nx affected -t` takes, and no other', async () => {
    const file = '--files=libs/forest/src/index.ts';
    const { code, out } = await nx(project, 'affected', '-t', 'mfcc-forest,ensemble,cnn2d', file, '--graph=tasks.json');
    expect([code, out]).toEqual([0, expect.stringContaining('tasks.json')]);
    const { tasks } = JSON.parse(readFileSync(join(project.root, 'tasks.json'), 'utf8')) as {
      tasks: { tasks: Record<string, unknown> };
    };
    expect(Object.keys(tasks.tasks).sort()).toEqual(['pipeline-ensemble:ensemble', 'pipeline-mfcc-forest:mfcc-forest']);
  });

  it('is one pipeline for its own file', async () => {
    expect(await affectedBy('pipelines/cnn2d.yaml')).toEqual(['pipeline-cnn2d']);
  });
});

describe('a pipeline run through Nx', () => {
  let project: TestProject;
  beforeAll(() => {
    project = new TestProject('toy');
    addNx(project);
  });
  afterAll(() => project.remove());

  it('gets the arguments, and ends well', async () => {
    const { code, out } = await nx(project, 'run', 'pipelines:toy', '--word=good morning', '--size=2', '--json');
    expect(code).toBe(0);
    expect(out).toMatch(/"event":"run","ok":true,"computed":5,"cached":0/);
    expect(readFileSync(join(project.root, 'artifacts/runs/toy/latest/result/text.txt'), 'utf8')).toContain(
      'GOOD MORNINGGOOD MORNING',
    );
  });

  it('fails as the command does', async () => {
    const wrong = await nx(project, 'run', 'pipelines:toy', '--size=many');
    expect(wrong.code).not.toBe(0);
    expect(wrong.out).toContain('variable size is a number in this pipeline');
  });
});
