/**
 * Makes Nx see the house: every `stages/<name>/stage.ts` is a project, every `pipelines/<name>.yaml` is
 * a target of the project `pipelines`, and a pipeline depends on the stages its YAML uses.
 *
 * Plain JavaScript, because Nx loads it on every start and compiling it would cost a second.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';

const STAGES = 'stages/*/stage.ts';
const PIPELINES = 'pipelines/*.yaml';
const PIPELINES_PROJECT = 'pipelines';

/** Name of the Nx project of a stage. */
const stageProject = (name) => `stage-${name}`;

export const name = 'prosodia';

export const createNodesV2 = [
  `{${STAGES},${PIPELINES}}`,
  (files) => {
    const results = files.filter((file) => file.endsWith('/stage.ts')).map((file) => [file, stageNode(file)]);
    const pipelines = files.filter((file) => file.endsWith('.yaml')).sort();
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

function pipelinesNode(files) {
  const targets = files.map((file) => {
    const pipeline = basename(file, '.yaml');
    return [
      pipeline,
      {
        executor: 'nx:run-commands',
        // Never from Nx's own cache: a hit there could restore nothing and stay green.
        cache: false,
        inputs: ['{projectRoot}/' + basename(file), '^sources'],
        options: { command: `node libs/cli/bin/prosodia.mjs run ${pipeline}`, forwardAllArgs: true },
        metadata: { description: `Runs the pipeline ${file}.` },
      },
    ];
  });
  return {
    projects: {
      [PIPELINES_PROJECT]: {
        name: PIPELINES_PROJECT,
        root: PIPELINES_PROJECT,
        projectType: 'application',
        tags: ['pipeline'],
        targets: Object.fromEntries(targets),
      },
    },
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
  if (!projects[PIPELINES_PROJECT] || !existsSync(folder)) return [];
  const edges = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    const sourceFile = `pipelines/${file}`;
    for (const stage of usedStages(join(folder, file))) {
      if (!projects[stageProject(stage)]) continue;
      edges.push({ source: PIPELINES_PROJECT, target: stageProject(stage), sourceFile, type: 'static' });
    }
    if (projects.cli) edges.push({ source: PIPELINES_PROJECT, target: 'cli', sourceFile, type: 'static' });
  }
  return edges;
};

/** Stages named in a pipeline; none for a file that does not parse, which the command itself will explain. */
function usedStages(path) {
  try {
    const stages = parse(readFileSync(path, 'utf8'))?.stages ?? {};
    return new Set(Object.values(stages).map((stage) => stage?.uses));
  } catch {
    return new Set();
  }
}
