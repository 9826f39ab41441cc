/** What a run would do, and why, without doing it. */
import type { Manifest } from '../store/manifest.ts';
import type { Plan } from '../pipeline/resolve.ts';
import type { Project } from '../project.ts';
import { deviceOf } from './device.ts';
import { probeExternal } from './external.ts';
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

export async function statusOf(project: Project, plan: Plan): Promise<StageStatus[]> {
  const device = deviceOf(plan);
  const before = await lastStages(project, plan.name);
  const { signal } = new AbortController();
  const results = new Map<string, Manifest>();
  const statuses: StageStatus[] = [];
  for (const instance of plan.instances) {
    const base = { stage: instance.name, uses: instance.stage.name };
    const pending = instance.needs.filter((need) => !results.has(need));
    if (pending.length > 0) {
      statuses.push({ ...base, status: 'maybe', reason: `waits for ${pending.join(', ')}` });
      continue;
    }
    const external = await probeExternal(project, instance, false, signal, () => undefined);
    if (instance.stage.external !== undefined && !external) {
      statuses.push({ ...base, status: 'run', reason: 'its recordings are not there yet' });
      continue;
    }
    const code = project.fingerprints.of(instance.stage.source).digest;
    const parts = keyParts(instance, { code, device, results, ...(external ? { external } : {}) });
    const key = keyOf(parts);
    const found = await project.store.lookUp(key);
    if (found.hit) {
      results.set(instance.name, found.manifest);
      statuses.push({ ...base, status: 'cached', reason: 'unchanged', key });
      continue;
    }
    const damage = found.reason === 'damaged' ? found.detail : undefined;
    const reason = await missReason(project, instance, parts, damage, before.get(instance.name));
    statuses.push({ ...base, status: 'run', key, reason });
  }
  await project.store.digests.save().catch(() => undefined); // A read-only store can still be asked.
  return statuses;
}
