/** What is known of every instance of a plan before it runs: the core that `status` and `why` share. */
import type { Instance, Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import type { KeyParts, Manifest } from '../store/manifest.ts';
import { deviceOf } from './device.ts';
import { probeExternal } from './external.ts';
import { grow } from './grow.ts';
import { keyOf, keyParts } from './keys.ts';

export interface Surveyed {
  instance: Instance;
  /** `maybe`: it depends on whether a stage before it gives the same bytes as before. */
  status: 'cached' | 'run' | 'maybe';
  /** Instances whose results are not known yet; the inputs from them are left out of `parts`. */
  pending: string[];
  /** What its key is made of; undefined where its recordings are not there. */
  parts: KeyParts | undefined;
  /** Only where all inputs are known. */
  key?: string;
  /** For `cached`. */
  manifest?: Manifest;
  /** What is wrong with its stored result, if it has one. */
  damage?: string;
}

export interface Survey {
  instances: ReadonlyMap<string, Surveyed>;
  /** The plan with all that could be told without running. */
  plan: Plan;
}

/** Looks every instance up in the store, as far as that goes without running any. */
export async function surveyPlan(project: Project, first: Plan): Promise<Survey> {
  const device = deviceOf(first);
  const { signal } = new AbortController();
  const results = new Map<string, Manifest>();
  const look = async (instance: Instance): Promise<Surveyed> => {
    const pending = instance.needs.filter((need) => !results.has(need));
    const code = project.fingerprints.of(instance.stage.source).digest;
    if (pending.length > 0) {
      return {
        instance,
        status: 'maybe',
        pending,
        parts: keyParts(known(instance, results), { code, device, results }),
      };
    }
    const external = await probeExternal(project, instance, false, signal, () => undefined);
    if (instance.stage.external !== undefined && !external) {
      return { instance, status: 'run', pending, parts: undefined };
    }
    const parts = keyParts(instance, { code, device, results, ...(external ? { external } : {}) });
    const key = keyOf(parts);
    const found = await project.store.lookUp(key);
    if (found.hit) {
      results.set(instance.name, found.manifest);
      return { instance, status: 'cached', pending, parts, key, manifest: found.manifest };
    }
    const damage = found.reason === 'damaged' ? found.detail : undefined;
    return { instance, status: 'run', pending, parts, key, ...(damage === undefined ? {} : { damage }) };
  };
  const instances = new Map<string, Surveyed>();
  let plan: Plan | undefined = first;
  let last = first;
  while (plan) {
    last = plan;
    for (const instance of plan.instances) {
      if (!instances.has(instance.name)) instances.set(instance.name, await look(instance));
    }
    plan = grow(plan, results)?.plan;
  }
  await project.store.digests.save().catch(() => undefined); // A read-only store can still be asked.
  return { instances, plan: last };
}

/** The instance with only those inputs that all have a result. */
function known(instance: Instance, results: ReadonlyMap<string, Manifest>): Instance {
  const inputs = Object.entries(instance.inputs).filter(([, refs]) => refs.every((ref) => results.has(ref.instance)));
  return { ...instance, inputs: Object.fromEntries(inputs) };
}
