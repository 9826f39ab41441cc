/** Puts what a run was into its record, and the record with links and logs into a folder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import type { Manifest } from '../store/manifest.ts';
import {
  type RunRecord,
  type StageRecord,
  createRunFolder,
  hostFacts,
  linkOutputs,
  pointLatest,
  writeRecord,
} from './record.ts';
import { completePages } from './run-page.ts';

/** What there is of a run on disk. */
export interface KeptRun {
  run: number;
  folder: string;
  /** Logs of the stages that failed. */
  logs: string[];
}

/** The record of a run that has ended, but for its number. */
export function recordOf(
  plan: Plan,
  stages: StageRecord[],
  facts: Pick<RunRecord, 'ok' | 'seconds' | 'device' | 'choices'> & { started: Date },
): Omit<RunRecord, 'run'> {
  return {
    pipeline: plan.name,
    title: plan.title,
    ok: facts.ok,
    started: facts.started.toISOString(),
    seconds: facts.seconds,
    vars: plan.vars,
    device: facts.device,
    resolved: resolvedPipeline(plan),
    stages,
    metrics: Object.fromEntries(
      stages
        .filter(({ metrics }) => metrics && Object.keys(metrics).length > 0)
        .map(({ stage, metrics }) => [stage, metrics!]),
    ),
    choices: facts.choices,
    host: hostFacts(),
  };
}

/** Writes the run's folder; `latest` points at it only when everything in it is there. */
export async function keepRun(
  project: Project,
  record: Omit<RunRecord, 'run'>,
  publish: Plan['publish'],
  results: ReadonlyMap<string, Manifest>,
  printed: ReadonlyMap<string, readonly string[]>,
): Promise<KeptRun> {
  const { number, folder } = await createRunFolder(project, record.pipeline);
  await linkOutputs(project, folder, publish, results);
  await completePages(folder, record);
  const logs = await writeLogs(folder, record.stages, printed);
  await writeRecord(folder, { run: number, ...record });
  if (record.ok) await pointLatest(folder, number);
  return { run: number, folder, logs };
}

function resolvedPipeline(plan: Plan): RunRecord['resolved'] {
  return Object.fromEntries(
    plan.instances.map(({ name, stage, params, inputs, seed }) => [
      name,
      {
        uses: stage.name,
        with: params,
        from: Object.fromEntries(
          Object.entries(inputs).map(([input, references]) => [
            input,
            references.map(({ instance, output }) => `${instance}.${output}`),
          ]),
        ),
        seed,
      },
    ]),
  );
}

/** Failed stages keep their whole story: the stack, and what their process printed. Returns the files. */
async function writeLogs(
  folder: string,
  stages: readonly StageRecord[],
  printed: ReadonlyMap<string, readonly string[]>,
): Promise<string[]> {
  const logs: string[] = [];
  for (const { stage, error, status } of stages) {
    if (status !== 'failed' || error === undefined) continue;
    const lines = printed.get(stage) ?? [];
    const output = lines.length === 0 ? '' : `\nIts process printed:\n${lines.join('\n')}\n`;
    await mkdir(join(folder, 'logs'), { recursive: true });
    const log = join(folder, 'logs', `${stage}.txt`);
    await writeFile(log, `${error}\n${output}`);
    logs.push(log);
  }
  return logs;
}
