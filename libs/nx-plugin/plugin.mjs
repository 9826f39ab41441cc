/**
 * Makes Nx see the house: every `stages/<name>/stage.ts` is a project, and so is every `pipelines/<name>.yaml`, which
 * depends on the stages that it uses. `nx run pipelines:<name>` runs a pipeline; `nx affected -t <name>` runs it if
 * code that it uses has changed.
 *
 * Why a project for each pipeline: Nx decides by project what an edit affects, so with one for all of them, an edit
 * in the random forest would affect a pipeline without one. The project `pipelines` has the same targets and no edges:
 * it is there for the shorter command.
 *
 * Plain JavaScript, because Nx loads it on every start and compiling it would cost a second.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { usedStages } from './uses.mjs';

const STAGES = 'stages/*/stage.ts';
const PIPELINES = 'pipelines/*.yaml';
const PIPELINES_PROJECT = 'pipelines';

/** Name of the Nx project of a stage. */
const stageProject = (name) => `stage-${name}`;

/** Name of the Nx project of a pipeline. */
const pipelineProject = (name) => `pipeline-${name}`;

export const name = 'prosodia';

export const createNodesV2 = [
  `{${STAGES},${PIPELINES}}`,
  (files) => {
    const results = files.filter((file) => file.endsWith('/stage.ts')).map((file) => [file, stageNode(file)]);
    const pipelines = files.filter((file) => file.endsWith('.yaml')).sort();
    results.push(...pipelines.map((file) => [file, pipelineNode(file)]));
    if (pipelines.length > 0) results.push([pipelines[0], pipelinesNode(pipelines)]);
    return results;
  },
];

function stageNode(file) {
  const root = dirname(file);
  const stage = basename(root);
  return {
    projects: {
      [root]: {
        name: stageProject(stage),
        root,
        sourceRoot: root,
        projectType: 'library',
        tags: ['stage'],
        metadata: { description: `The stage ${stage} of Prosodia pipelines.` },
        targets: { test: testTarget(root) },
      },
    },
  };
}

/** The root is the file itself: no other file belongs to the pipeline. */
function pipelineNode(file) {
  const pipeline = basename(file, '.yaml');
  return {
    projects: {
      [file]: {
        name: pipelineProject(pipeline),
        root: file,
        projectType: 'application',
        tags: ['pipeline'],
        metadata: { description: `The pipeline ${pipeline}; it depends on the stages that it uses.` },
        targets: { [pipeline]: { ...runTarget(file), inputs: [`{workspaceRoot}/${file}`, '^sources'] } },
      },
    },
  };
}

function pipelinesNode(files) {
  return {
    projects: {
      [PIPELINES_PROJECT]: {
        name: PIPELINES_PROJECT,
        root: PIPELINES_PROJECT,
        projectType: 'application',
        tags: ['pipeline'],
        metadata: { description: 'Runs pipelines: nx run pipelines:<name>.' },
        targets: Object.fromEntries(files.map((file) => [basename(file, '.yaml'), runTarget(file)])),
      },
    },
  };
}

function runTarget(file) {
  return {
    executor: 'nx:run-commands',
    // Never from Nx's own cache: a hit there could restore nothing and stay green.
    cache: false,
    options: {
      command: `node libs/cli/bin/prosodia.mjs run ${basename(file, '.yaml')}`,
      forwardAllArgs: true,
      cwd: '.',
    },
    metadata: { description: `Runs the pipeline ${file}.` },
  };
}

function testTarget(root) {
  return {
    executor: 'nx:run-commands',
    cache: true,
    inputs: ['default', '^default'],
    options: { command: `vitest run ${root} --passWithNoTests` },
  };
}

/** Edges that no import shows: from pipelines to the stages they use, and to the command that runs them. */
export const createDependencies = (_options, context) => {
  const { workspaceRoot, projects } = context;
  const folder = join(workspaceRoot, 'pipelines');
  if (!existsSync(folder)) return [];
  const stages = Object.keys(projects)
    .filter((project) => projects[project].tags?.includes('stage'))
    .map((project) => basename(projects[project].root));
  const edges = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    const source = pipelineProject(basename(file, '.yaml'));
    if (!projects[source]) continue;
    // Of type implicit, for which Nx asks no file of the project: it sees none where the root is a file.
    for (const stage of usedStages(readFileSync(join(folder, file), 'utf8'), stages)) {
      edges.push({ source, target: stageProject(stage), type: 'implicit' });
    }
    if (projects.cli) edges.push({ source, target: 'cli', type: 'implicit' });
  }
  return edges;
};
