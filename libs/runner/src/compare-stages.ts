/** What differs between two runs, stage by stage. */
import type { KeptRun } from './compare-records.ts';
import { type Change, changesBetween } from './explain.ts';
import type { Project } from './project.ts';
import type { StageRecord } from './run/record.ts';

export interface StageDifference {
  stage: string;
  /** The run that alone has it. */
  only?: 'a' | 'b';
  changes: Change[];
}

/** Stages that differ, in the order of the first run; those whose keys are equal are left out. */
export async function compareStages(project: Project, a: KeptRun, b: KeptRun): Promise<StageDifference[]> {
  const [before, after] = [a, b].map(({ record }) => new Map(record.stages.map((each) => [each.stage, each]))) as [
    Map<string, StageRecord>,
    Map<string, StageRecord>,
  ];
  const found: StageDifference[] = [];
  for (const stage of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(stage), after.get(stage)];
    if (!old || !now) {
      found.push({ stage, only: old ? 'a' : 'b', changes: [] });
      continue;
    }
    // A stage that never started has no key to compare.
    if (!old.parts || !now.parts || old.key === now.key) continue;
    const [oldCode, code] = [old, now].map(({ parts }) => project.store.code.read(parts!.code));
    const changes = changesBetween(
      { parts: old.parts, ...(oldCode ? { code: oldCode } : {}) },
      { parts: now.parts, ...(code ? { code } : {}) },
    );
    found.push({ stage, changes });
  }
  return found;
}
