/** What a run would do, and why, without doing it. */
import type { Instance, Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import type { Manifest } from '../store/manifest.ts';
import { deviceOf } from './device.ts';
import { probeExternal } from './external.ts';
import { grow } from './grow.ts';
import { missReason } from './instance.ts';
import { keyOf, keyParts } from './keys.ts';
import { lastStages } from './record.ts';

export interface StageStatus {
  stage: string;
  uses: string;
  /** `maybe`: it depends on whether a stage before it gives the same bytes as before. */
  status: 'cached' | 'run' | 'maybe';
  reason: string;
  key?: string;
}

/** Instances of which nothing can be said before others have run stand at the end. */
export async function statusOf(project: Project, first: Plan): Promise<StageStatus[]> {
  const device = deviceOf(first);
  const before = await lastStages(project, first.name);
  const { signal } = new AbortController();
  const results = new Map<string, Manifest>();
  const statuses = new Map<string, StageStatus>();
  const look = async (instance: Instance): Promise<StageStatus> => {
    const base = { stage: instance.name, uses: instance.stage.name };
    const pending = instance.needs.filter((need) => !results.has(need));
    if (pending.length > 0) return { ...base, status: 'maybe', reason: `waits for ${listed(pending)}` };
    const external = await probeExternal(project, instance, false, signal, () => undefined);
    if (instance.stage.external !== undefined && !external) {
      return { ...base, status: 'run', reason: 'its recordings are not there yet' };
    }
    const code = project.fingerprints.of(instance.stage.source).digest;
    const parts = keyParts(instance, { code, device, results, ...(external ? { external } : {}) });
    const key = keyOf(parts);
    const found = await project.store.lookUp(key);
    if (found.hit) {
      results.set(instance.name, found.manifest);
      return { ...base, status: 'cached', reason: 'unchanged', key };
    }
    const damage = found.reason === 'damaged' ? found.detail : undefined;
    const reason = await missReason(project, instance, parts, damage, before.get(instance.name));
    return { ...base, status: 'run', key, reason };
  };
  let plan: Plan | undefined = first;
  let last = first;
  while (plan) {
    last = plan;
    for (const instance of plan.instances) {
      if (!statuses.has(instance.name)) statuses.set(instance.name, await look(instance));
    }
    plan = grow(plan, results)?.plan;
  }
  await project.store.digests.save().catch(() => undefined); // A read-only store can still be asked.
  return [
    ...statuses.values(),
    ...last.pending.map(({ name, uses, waitsFor }): StageStatus => ({
      stage: name,
      uses,
      status: 'maybe',
      reason: `waits for ${waitsFor}`,
    })),
  ];
}

/** A stage may wait for hundreds. */
function listed(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
