/** What a run would do, and why, without doing it. */
import type { Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import { missReason } from './instance.ts';
import { type StageRecord, lastStages } from './record.ts';
import { type Surveyed, surveyPlan } from './survey.ts';

export interface StageStatus {
  stage: string;
  uses: string;
  /** `maybe`: it depends on whether a stage before it gives the same bytes as before. */
  status: Surveyed['status'];
  reason: string;
  key?: string;
}

/** Instances of which nothing can be said before others have run stand at the end. */
export async function statusOf(project: Project, first: Plan): Promise<StageStatus[]> {
  const before = await lastStages(project, first.name);
  const { instances, plan } = await surveyPlan(project, first);
  const statuses: StageStatus[] = [];
  for (const surveyed of instances.values()) {
    const { instance, status, key } = surveyed;
    const reason = await reasonOf(project, surveyed, before.get(instance.name));
    statuses.push({ stage: instance.name, uses: instance.stage.name, status, reason, ...(key ? { key } : {}) });
  }
  return [
    ...statuses,
    ...plan.pending.map(({ name, uses, waitsFor }): StageStatus => ({
      stage: name,
      uses,
      status: 'maybe',
      reason: `waits for ${waitsFor}`,
    })),
  ];
}

async function reasonOf(project: Project, surveyed: Surveyed, before: StageRecord | undefined): Promise<string> {
  const { instance, status, pending, parts, damage } = surveyed;
  if (status === 'cached') return 'unchanged';
  if (status === 'maybe') return `waits for ${listed(pending)}`;
  if (!parts) return 'its recordings are not there yet';
  return missReason(project, instance, parts, damage, before);
}

/** A stage may wait for hundreds. */
function listed(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
