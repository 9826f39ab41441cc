/** The end of a run: its record, what the stages have to say, and what the caller gets. */
import type { DeviceClass } from '@prosodia/core';
import type { Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import { writing } from '../store/files.ts';
import type { Manifest } from '../store/manifest.ts';
import type { OnEvent } from './events.ts';
import type { Chosen } from './grow.ts';
import { type KeptRun, keepRun, recordOf } from './keep-run.ts';
import { type RunRecord, type StageRecord, runsFolder } from './record.ts';
import type { Printed } from './stage-records.ts';

export interface RunOptions {
  signal: AbortSignal;
  onEvent: OnEvent;
  /** Stages (and threads) at the same time; default: the machine's cores. */
  jobs?: number;
}

export interface RunResult {
  record: RunRecord;
  folder: string;
  /** Logs of the stages that failed. */
  logs: string[];
  /** The error of the first stage that failed, or of writing the record. */
  error?: Error;
  cancelled: boolean;
}

/** The first stage that failed. */
export interface Failure {
  stage: string;
  error: Error;
}

/** A run of which every instance was computed, found, failed or left out. */
export interface EndedRun {
  project: Project;
  plan: Plan;
  /** Of every instance. */
  records: ReadonlyMap<string, StageRecord>;
  results: ReadonlyMap<string, Manifest>;
  printed: Printed['lines'];
  choices: Readonly<Record<string, Chosen>>;
  device: DeviceClass;
  failure: Failure | undefined;
  started: Date;
  seconds: number;
  cancelled: boolean;
  onEvent: OnEvent;
}

/** Keeps the record; a record that cannot be written is the run's error. */
export async function finishRun(ended: EndedRun): Promise<RunResult> {
  const { project, plan, records, results, device, failure, started, seconds, cancelled, onEvent } = ended;
  const stages = plan.instances.map(({ name }) => records.get(name)!);
  const finished =
    plan.pending.length === 0 && stages.every(({ status }) => status === 'computed' || status === 'cached');
  const record = recordOf(plan, stages, { ok: finished, started, seconds, device, choices: ended.choices });
  const runs = runsFolder(project, plan.name);
  let kept: KeptRun = { run: 0, folder: runs, logs: [] };
  let unwritten: Error | undefined;
  try {
    kept = await writing(runs, () => keepRun(project, record, plan.publish, results, ended.printed));
  } catch (error) {
    unwritten = error instanceof Error ? error : new Error(String(error));
  }
  for (const { name } of plan.instances) {
    for (const text of results.get(name)?.summary ?? []) onEvent({ event: 'summary', stage: name, text });
  }
  const error = failure?.error ?? unwritten;
  const ok = finished && !error;
  const stopped = failure?.stage ?? (unwritten ? 'record' : finished ? undefined : 'interrupted');
  onEvent({
    event: 'run',
    ok,
    computed: stages.filter(({ status }) => status === 'computed').length,
    cached: stages.filter(({ status }) => status === 'cached').length,
    seconds,
    run: kept.folder,
    ...(stopped === undefined ? {} : { stopped }),
  });
  return {
    record: { ...record, run: kept.run, ok },
    folder: kept.folder,
    logs: kept.logs,
    cancelled: cancelled && !finished && !error,
    ...(error ? { error } : {}),
  };
}
