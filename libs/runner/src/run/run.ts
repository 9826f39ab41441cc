/**
 * Runs a plan: every instance as soon as what it needs is there, as many at once as the machine allows.
 *
 * A key can be known only when the inputs' digests are, so looking up and running go hand in hand: an
 * instance whose inputs turn out unchanged is a hit even if the stage before it ran again.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceClass, ExternalState } from '@prosodia/core';
import { HostPool, StageFailure } from '../host/pool.ts';
import type { Instance, Plan } from '../pipeline/resolve.ts';
import type { Project } from '../project.ts';
import type { KeyParts, Manifest } from '../store/manifest.ts';
import { deviceOf } from './device.ts';
import type { OnEvent, Status } from './events.ts';
import { corpusFolders, probeExternals } from './external.ts';
import { computeInstance, missReason } from './instance.ts';
import { keyOf, keyParts } from './keys.ts';
import {
  type RunRecord,
  type StageRecord,
  createRunFolder,
  hostFacts,
  lastStages,
  linkOutputs,
  pointLatest,
  writeRecord,
} from './record.ts';
import { type Grant, Slots } from './slots.ts';

export interface RunOptions {
  signal: AbortSignal;
  onEvent: OnEvent;
  /** Stages (and threads) at the same time; default: the machine's cores. */
  jobs?: number;
}

export interface RunResult {
  record: RunRecord;
  folder: string;
  /** The error of the first stage that failed. */
  error?: Error;
  cancelled: boolean;
}

/** Runs a plan to its end. A failed stage is part of the result; only a broken request throws. */
export async function runPlan(project: Project, plan: Plan, options: RunOptions): Promise<RunResult> {
  const run = new Run(project, plan, options);
  return run.execute();
}

class Run {
  readonly #project: Project;
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #device: DeviceClass;
  readonly #slots: Slots;
  readonly #hosts = new HostPool();
  readonly #results = new Map<string, Manifest>();
  readonly #records = new Map<string, StageRecord>();
  /** Fires on the caller's signal, and when a stage fails: what runs beside it is cancelled. */
  readonly #controller = new AbortController();
  #before = new Map<string, StageRecord>();
  #externals = new Map<string, ExternalState | undefined>();
  #failure: { stage: string; error: Error } | undefined;

  constructor(project: Project, plan: Plan, options: RunOptions) {
    this.#project = project;
    this.#plan = plan;
    this.#options = options;
    this.#device = deviceOf(plan);
    this.#slots = new Slots(options.jobs);
  }

  async execute(): Promise<RunResult> {
    const started = new Date();
    const begun = performance.now();
    const { signal, onEvent } = this.#options;
    const cancel = () => this.#controller.abort();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    const plan = this.#plan;
    onEvent({ event: 'plan', pipeline: plan.name, title: plan.title, stages: plan.instances.map(({ name }) => name) });
    try {
      this.#before = await lastStages(this.#project, plan.name);
      this.#externals = await probeExternals(this.#project, plan, true, this.#controller.signal, onEvent);
      await this.#runAll();
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#hosts.close();
      await this.#project.store.digests.save().catch(() => undefined); // A read-only store still serves hits.
    }
    const seconds = (performance.now() - begun) / 1000;
    return this.#finish(started, seconds, signal.aborted);
  }

  /** Starts what is ready until nothing is left or something failed. */
  async #runAll(): Promise<void> {
    const waiting = [...this.#plan.instances];
    const running = new Set<Promise<void>>();
    while ((waiting.length > 0 && !this.#controller.signal.aborted) || running.size > 0) {
      let started = false;
      if (!this.#controller.signal.aborted) {
        for (const instance of waiting.filter((candidate) => this.#isReady(candidate)).sort(narrowFirst)) {
          const begun = await this.#begin(instance);
          if (!begun) continue;
          waiting.splice(waiting.indexOf(instance), 1);
          started = true;
          const tracked: Promise<void> = begun.done.finally(() => running.delete(tracked));
          running.add(tracked);
        }
      }
      if (running.size > 0) await Promise.race(running);
      else if (!started) break;
    }
    for (const { name, stage } of waiting) {
      this.#records.set(name, {
        stage: name,
        uses: stage.name,
        status: 'skipped',
        reason: 'the run stopped before it',
        seconds: 0,
      });
    }
  }

  #isReady(instance: Instance): boolean {
    return instance.needs.every((need) => this.#results.has(need));
  }

  /** Serves the instance from the store, or starts it if the machine has room; undefined if it must wait. */
  async #begin(instance: Instance): Promise<{ done: Promise<void> } | undefined> {
    const external = this.#externals.get(instance.name);
    const code = this.#project.fingerprints.of(instance.stage.source).digest;
    const context = { code, device: this.#device, results: this.#results, ...(external ? { external } : {}) };
    const parts = keyParts(instance, context);
    const key = keyOf(parts);
    const begun = performance.now();
    const found = await this.#project.store.lookUp(key);
    if (found.hit) {
      await this.#project.store.touch(key);
      this.#accept(instance, parts, found.manifest, 'cached', 'unchanged', (performance.now() - begun) / 1000);
      return { done: Promise.resolve() };
    }
    const grant = this.#slots.take(instance, this.#device);
    if (!grant) return undefined;
    const damage = found.reason === 'damaged' ? found.detail : undefined;
    const before = this.#before.get(instance.name);
    const known = before?.key !== undefined && before.parts ? { key: before.key, parts: before.parts } : undefined;
    const reason = await missReason(this.#project, instance, parts, damage, known);
    return { done: this.#compute(instance, key, parts, reason, grant) };
  }

  async #compute(instance: Instance, key: string, parts: KeyParts, reason: string, grant: Grant): Promise<void> {
    const { onEvent } = this.#options;
    const begun = performance.now();
    onEvent({ event: 'start', stage: instance.name, uses: instance.stage.name, reason, threads: grant.threads });
    try {
      const { manifest, computed } = await computeInstance(
        {
          project: this.#project,
          instance,
          key,
          parts,
          device: this.#device,
          corpora: corpusFolders(this.#externals),
          results: this.#results,
          hosts: this.#hosts,
          signal: this.#controller.signal,
          onEvent,
        },
        grant,
      );
      const seconds = (performance.now() - begun) / 1000;
      if (computed) this.#accept(instance, parts, manifest, 'computed', reason, seconds);
      else this.#accept(instance, parts, manifest, 'cached', 'another run has just made it', seconds);
    } catch (error) {
      this.#fail(instance, key, parts, reason, error, (performance.now() - begun) / 1000);
    } finally {
      this.#slots.give(grant);
    }
  }

  #accept(
    instance: Instance,
    parts: KeyParts,
    manifest: Manifest,
    status: 'computed' | 'cached',
    reason: string,
    seconds: number,
  ): void {
    const { onEvent } = this.#options;
    this.#results.set(instance.name, manifest);
    const outputs = Object.fromEntries(
      Object.entries(manifest.outputs).map(([name, { kind, digest, bytes }]) => [name, { kind, digest, bytes }]),
    );
    this.#records.set(instance.name, {
      stage: instance.name,
      uses: instance.stage.name,
      status,
      reason,
      seconds,
      key: manifest.key,
      parts,
      outputs,
      metrics: manifest.metrics,
      notices: manifest.notices,
      peak_memory_bytes: manifest.peak_memory_bytes,
    });
    const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
    onEvent({ event: 'stage', stage: instance.name, status, seconds, reason, bytes });
  }

  #fail(instance: Instance, key: string, parts: KeyParts, reason: string, thrown: unknown, seconds: number): void {
    const error =
      thrown instanceof StageFailure ? thrown.error : thrown instanceof Error ? thrown : new Error(String(thrown));
    const cancelled = this.#controller.signal.aborted;
    const status: Status = cancelled ? 'cancelled' : 'failed';
    const message = cancelled ? 'cancelled' : error.message;
    this.#records.set(instance.name, {
      stage: instance.name,
      uses: instance.stage.name,
      status,
      reason,
      seconds,
      key,
      parts,
      error: cancelled ? message : (error.stack ?? message),
    });
    if (!cancelled) {
      this.#failure ??= { stage: instance.name, error };
      this.#controller.abort();
    }
    this.#options.onEvent({ event: 'stage', stage: instance.name, status, seconds, reason, bytes: 0, message });
  }

  async #finish(started: Date, seconds: number, cancelled: boolean): Promise<RunResult> {
    const plan = this.#plan;
    const stages = plan.instances.map(({ name }) => this.#records.get(name)!);
    const ok = stages.every(({ status }) => status === 'computed' || status === 'cached');
    const { number, folder } = await createRunFolder(this.#project, plan.name);
    const record: RunRecord = {
      run: number,
      pipeline: plan.name,
      title: plan.title,
      ok,
      started: started.toISOString(),
      seconds,
      vars: plan.vars,
      device: this.#device,
      resolved: resolvedPipeline(plan),
      stages,
      metrics: Object.fromEntries(
        stages
          .filter(({ metrics }) => metrics && Object.keys(metrics).length > 0)
          .map(({ stage, metrics }) => [stage, metrics!]),
      ),
      host: hostFacts(),
    };
    await linkOutputs(this.#project, folder, plan.publish, this.#results);
    await writeLogs(folder, stages);
    await writeRecord(folder, record);
    if (ok) await pointLatest(folder, number);
    const { onEvent } = this.#options;
    for (const { name } of plan.instances) {
      for (const text of this.#results.get(name)?.summary ?? []) onEvent({ event: 'summary', stage: name, text });
    }
    onEvent({
      event: 'run',
      ok,
      computed: stages.filter(({ status }) => status === 'computed').length,
      cached: stages.filter(({ status }) => status === 'cached').length,
      seconds,
      run: folder,
      ...(this.#failure ? { stopped: this.#failure.stage } : cancelled ? { stopped: 'interrupted' } : {}),
    });
    return {
      record,
      folder,
      cancelled: cancelled && !this.#failure,
      ...(this.#failure ? { error: this.#failure.error } : {}),
    };
  }
}

/** Stages that want one thread start before those that take whatever is free. */
function narrowFirst(a: Instance, b: Instance): number {
  return Number(a.stage.resources.threads === 'all') - Number(b.stage.resources.threads === 'all');
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

/** Failed stages keep their whole story, stack included. */
async function writeLogs(folder: string, stages: readonly StageRecord[]): Promise<void> {
  for (const { stage, error, status } of stages) {
    if (status !== 'failed' || error === undefined) continue;
    await mkdir(join(folder, 'logs'), { recursive: true });
    await writeFile(join(folder, 'logs', `${stage}.txt`), `${error}\n`);
  }
}
