/** One stage instance: served from the store, or computed and put there. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DeviceClass } from '@prosodia/core';
import { differences } from '../explain.ts';
import type { HostPool } from '../host/pool.ts';
import type { Job } from '../host/protocol.ts';
import type { Instance } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import { writing } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import type { KeyParts, Manifest } from '../store/manifest.ts';
import type { OnEvent } from './events.ts';
import type { StageRecord } from './record.ts';
import type { Grant } from './slots.ts';

export interface InstanceRun {
  project: Project;
  instance: Instance;
  key: string;
  parts: KeyParts;
  device: DeviceClass;
  corpora: Record<string, string>;
  results: ReadonlyMap<string, Manifest>;
  hosts: HostPool;
  signal: AbortSignal;
  onEvent: OnEvent;
}

/**
 * Why a key is not in the store, in words.
 * @param damage what is wrong with its entry, if it has one
 * @param before what the last run of the pipeline had
 */
export async function missReason(
  project: Project,
  instance: Instance,
  parts: KeyParts,
  damage: string | undefined,
  before: StageRecord | undefined,
): Promise<string> {
  if (damage !== undefined) return `its stored result is damaged (${damage})`;
  if (!before?.parts || before.key === undefined) return 'never run before';
  const code = project.store.code.read(before.parts.code);
  const clauses = differences(
    { parts: before.parts, ...(code ? { code } : {}) },
    { parts, code: project.fingerprints.of(instance.stage.source).parts },
  );
  if (clauses.length > 0) return clauses.join('; ');
  if (before.status === 'failed') return 'it failed last time';
  if (before.status === 'cancelled') return 'it was stopped last time';
  return 'its result is no longer in the store';
}

/** Computes an instance under its lock, or takes the result another run has made meanwhile. */
export async function computeInstance(
  run: InstanceRun,
  grant: Grant,
): Promise<{ manifest: Manifest; computed: boolean }> {
  const { project, key, instance, onEvent, signal } = run;
  const { store } = project;
  const onWait = (owner: string) => onEvent({ event: 'wait', stage: instance.name, owner });
  return writing(store.root, () =>
    withLock(store.lockFile(key), { signal, onWait }, async () => {
      const found = await store.lookUp(key);
      if (found.hit) return { manifest: found.manifest, computed: false };
      return { manifest: await compute(run, grant), computed: true };
    }),
  );
}

/** Keeps what the code of an instance is made of, for a later "why". */
export async function keepCode({ store, fingerprints }: Project, { stage }: Instance): Promise<void> {
  const { digest, parts } = fingerprints.of(stage.source);
  await store.code.keep(digest, parts);
}

async function compute(run: InstanceRun, grant: Grant): Promise<Manifest> {
  const { project, instance, key, parts, hosts, signal, onEvent } = run;
  const { store } = project;
  const work = await store.workFolder();
  try {
    const outputs: Record<string, string> = {};
    for (const { name } of instance.stage.outputs) {
      outputs[name] = join(work, name);
      await mkdir(outputs[name]);
    }
    const said = { notices: [] as string[], metrics: {} as Record<string, number>, summary: [] as string[] };
    const started = performance.now();
    const { peakMemory } = await hosts.run(jobFor(run, grant, outputs), signal, {
      onMessage(message) {
        if (message.type === 'progress') {
          const { done, total, unit } = message;
          onEvent({ event: 'progress', stage: instance.name, done, total: total ?? null, unit });
        } else if (message.type === 'notice') {
          said.notices.push(message.message);
          onEvent({ event: 'notice', stage: instance.name, message: message.message });
        } else if (message.type === 'metrics') Object.assign(said.metrics, message.values);
        else said.summary.push(message.text);
      },
      onOutput: (text) => onEvent({ event: 'output', stage: instance.name, text }),
    });
    const result = {
      key,
      parts,
      ...said,
      seconds: (performance.now() - started) / 1000,
      peak_memory_bytes: peakMemory,
    };
    await keepCode(project, instance);
    const folders = instance.stage.outputs.map(({ name, kind }) => [name, { kind: kind.id, folder: outputs[name]! }]);
    return await store.keep(result, Object.fromEntries(folders));
  } finally {
    await store.removeWork(work);
  }
}

function jobFor(
  { project, instance, key, device, corpora, results }: InstanceRun,
  grant: Grant,
  outputs: Record<string, string>,
): Job {
  return {
    instance: instance.name,
    stage: instance.stage.name,
    module: pathToFileURL(join(project.root, instance.stage.source)).href,
    params: instance.params,
    seed: instance.seed,
    device,
    threads: grant.threads,
    inputs: Object.fromEntries(
      Object.entries(instance.inputs).map(([name, references]) => [
        name,
        references.map((reference) => ({
          from: reference.from ?? reference.instance,
          folder: project.store.contentFolder(results.get(reference.instance)!.outputs[reference.output]!.digest),
        })),
      ]),
    ),
    outputs,
    scratch: project.store.scratchFolder(key),
    corpora,
  };
}
