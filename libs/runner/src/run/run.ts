/**
 * Runs a plan: every instance as soon as what it needs is there, as many at once as the machine allows.
 *
 * A key can be known only when the inputs' digests are, so looking up and running go hand in hand: an
 * instance whose inputs turn out unchanged is a hit even if the stage before it ran again.
 */
import type { DeviceClass, ExternalState } from '@prosodia/core';
import { HostPool, StageFailure } from '../host/pool.ts';
import type { Instance, Plan } from '../pipeline/plan.ts';
import type { Project } from '../project.ts';
import { openRemote } from '../remote/open.ts';
import type { Remote } from '../remote/remote.ts';
import type { KeyParts, Manifest } from '../store/manifest.ts';
import { AUTO_REASON, deviceOf, isAutomatic } from './device.ts';
import type { Status } from './events.ts';
import { corpusFolders, probeExternal } from './external.ts';
import { type Failure, type RunOptions, type RunResult, finishRun } from './finish.ts';
import { type Chosen, grow } from './grow.ts';
import { computeInstance, keepCode, missReason } from './instance.ts';
import { keyOf, keyParts } from './keys.ts';
import { Queue } from './queue.ts';
import { type StageRecord, lastStages } from './record.ts';
import { type Grant, Slots } from './slots.ts';
import { Printed, doneRecord, skippedRecord } from './stage-records.ts';

/** A download that takes longer shows its progress. */
const QUIET_SECONDS = 1;

/** Results looked up at the same time. */
const LOOK_UPS = 32;

/** Runs a plan to its end. A failed stage is part of the result; only a broken request throws. */
export async function runPlan(project: Project, plan: Plan, options: RunOptions): Promise<RunResult> {
  const run = new Run(project, plan, options);
  return run.execute();
}

/** A key that is not in the store, and what is wrong with its entry if it has one. */
interface Miss {
  key: string;
  parts: KeyParts;
  damage: string | undefined;
}

class Run {
  readonly #project: Project;
  #plan: Plan;
  readonly #options: RunOptions;
  readonly #device: DeviceClass;
  readonly #slots: Slots;
  readonly #hosts = new HostPool();
  readonly #results = new Map<string, Manifest>();
  readonly #records = new Map<string, StageRecord>();
  /** Fires on the caller's signal, and when a stage fails: what runs beside it is cancelled. */
  readonly #controller = new AbortController();
  readonly #externals = new Map<string, ExternalState | undefined>();
  /** The last lines that the process of each stage printed. */
  readonly #printed = new Printed();
  /** What the last run had; asked for by the first miss. */
  #before: Promise<Map<string, StageRecord>> | undefined;
  readonly #queue = new Queue();
  readonly #running = new Set<Promise<void>>();
  /** The cache shared with other machines, if there is one. */
  readonly #remote: Remote | undefined;
  /** Instances whose results are asked for there. */
  readonly #fetching = new Set<Instance>();
  /** Looked up and not there. */
  readonly #misses = new Map<string, Miss>();
  /** Keys that are being computed. */
  readonly #computing = new Set<string>();
  readonly #choices: Record<string, Chosen> = {};
  #failure: Failure | undefined;
  /** Whether it was said why the device is what it is. */
  #explained = false;

  constructor(project: Project, plan: Plan, options: RunOptions) {
    this.#project = project;
    this.#plan = plan;
    this.#options = options;
    this.#device = deviceOf(plan);
    this.#slots = new Slots(options.jobs);
    this.#remote = openRemote(project, (message) => options.onEvent({ event: 'remote', message }));
  }

  async execute(): Promise<RunResult> {
    const started = new Date();
    const begun = performance.now();
    const { signal, onEvent } = this.#options;
    const cancel = () => this.#controller.abort();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    const plan = this.#plan;
    onEvent({
      event: 'plan',
      pipeline: plan.name,
      title: plan.title,
      stages: plan.instances.map(({ name }) => name),
      pending: plan.pending.map(({ name }) => name),
    });
    const { store } = this.#project;
    const release = await store.hold();
    try {
      try {
        await store.sweep();
        await this.#probeAll();
        await this.#runAll();
      } finally {
        signal.removeEventListener('abort', cancel);
        this.#hosts.close();
        await this.#remote?.close(this.#controller.signal);
        await store.digests.save().catch(() => undefined); // A read-only store still serves hits.
      }
      const seconds = (performance.now() - begun) / 1000;
      return await finishRun({
        project: this.#project,
        plan: this.#plan,
        records: this.#records,
        results: this.#results,
        printed: this.#printed.lines,
        choices: this.#choices,
        device: this.#device,
        failure: this.#failure,
        started,
        seconds,
        cancelled: signal.aborted,
        onEvent,
      });
    } finally {
      await release();
    }
  }

  /** Looks for, and brings in, what the stages read from outside, before anything is computed. */
  async #probeAll(): Promise<void> {
    const { signal } = this.#controller;
    for (const instance of this.#plan.instances) {
      if (instance.stage.external === undefined || signal.aborted) continue;
      const begun = performance.now();
      try {
        const state = await probeExternal(this.#project, instance, true, signal, this.#options.onEvent);
        this.#externals.set(instance.name, state);
      } catch (error) {
        this.#fail(instance, 'its recordings are looked for', error, (performance.now() - begun) / 1000);
      }
    }
  }

  /** Starts what is ready until nothing is left or something failed. */
  async #runAll(): Promise<void> {
    const { signal } = this.#controller;
    this.#queue.add(this.#plan.instances.filter(({ name }) => !this.#records.has(name)));
    for (;;) {
      if (!signal.aborted) await this.#serveHits();
      if (!signal.aborted) this.#startMisses();
      if (!signal.aborted && this.#grow()) continue;
      if (this.#running.size === 0) break;
      await Promise.race(this.#running);
    }
    for (const { name, stage } of this.#queue.left) {
      this.#records.set(name, skippedRecord(name, stage.name));
    }
  }

  /** Looks up everything that is ready and was not looked up yet; a hit may make more ready. */
  async #serveHits(): Promise<void> {
    for (;;) {
      const fresh = [...this.#queue.ready].filter(
        (instance) => !this.#misses.has(instance.name) && !this.#fetching.has(instance),
      );
      if (fresh.length === 0 || this.#controller.signal.aborted) return;
      for (let i = 0; i < fresh.length; i += LOOK_UPS) {
        const found = await Promise.all(fresh.slice(i, i + LOOK_UPS).map((instance) => this.#lookUp(instance)));
        for (const note of found) note();
      }
    }
  }

  /** Looks an instance up; the caller notes what was found, so that results come in the order of the plan. */
  async #lookUp(instance: Instance): Promise<() => void> {
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    try {
      const external = this.#externals.get(instance.name);
      const code = this.#project.fingerprints.of(instance.stage.source).digest;
      const context = { code, device: this.#device, results: this.#results, ...(external ? { external } : {}) };
      const parts = keyParts(instance, context);
      const key = keyOf(parts);
      const found = await this.#project.store.lookUp(key);
      if (!found.hit) {
        const damage = found.reason === 'damaged' ? found.detail : undefined;
        const miss = { key, parts, damage };
        if (this.#remote?.readable) return () => this.#fetch(this.#remote!, instance, miss);
        return () => this.#misses.set(instance.name, miss);
      }
      await this.#project.store.touch(key);
      return () => {
        this.#queue.take(instance);
        this.#accept(instance, parts, found.manifest, 'cached', 'unchanged', seconds());
      };
    } catch (error) {
      return () => {
        this.#queue.take(instance);
        this.#fail(instance, 'its result is looked up', error, seconds());
      };
    }
  }

  /** Asks the shared cache for a result; it takes no core, so it may go on beside everything else. */
  #fetch(remote: Remote, instance: Instance, miss: Miss): void {
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    this.#fetching.add(instance);
    const progress = (done: number, total: number) => {
      if (seconds() < QUIET_SECONDS) return;
      this.#options.onEvent({ event: 'progress', stage: instance.name, done, total, unit: 'bytes' });
    };
    const tracked: Promise<void> = remote
      .fetch(miss.key, this.#controller.signal, progress)
      .then(async (manifest) => {
        if (!manifest) {
          this.#misses.set(instance.name, miss);
          return;
        }
        await keepCode(this.#project, instance).catch(() => undefined); // The result is there, which is what counts.
        this.#queue.take(instance);
        this.#accept(instance, miss.parts, manifest, 'cached', 'from the shared cache', seconds());
      })
      .finally(() => {
        this.#fetching.delete(instance);
        this.#running.delete(tracked);
      });
    this.#running.add(tracked);
  }

  /** Starts what the machine has room for. Of instances with the same work one is started; the others are then hits. */
  #startMisses(): void {
    for (const instance of [...this.#queue.ready].sort(narrowFirst)) {
      if (this.#slots.full) return;
      const miss = this.#misses.get(instance.name);
      if (!miss || this.#computing.has(miss.key)) continue;
      const grant = this.#slots.take(instance, this.#device);
      if (!grant) continue;
      this.#queue.take(instance);
      this.#computing.add(miss.key);
      const tracked: Promise<void> = this.#compute(instance, miss, grant).finally(() => {
        this.#running.delete(tracked);
        this.#computing.delete(miss.key);
        // Whoever waited for the same work looks it up again.
        for (const other of this.#queue.ready) {
          if (this.#misses.get(other.name)?.key === miss.key) this.#misses.delete(other.name);
        }
      });
      this.#running.add(tracked);
    }
  }

  /** Plans what depends on what is now known. */
  #grow(): boolean {
    try {
      const grown = grow(this.#plan, this.#results);
      if (!grown) return false;
      this.#plan = grown.plan;
      Object.assign(this.#choices, grown.chosen);
      const { onEvent } = this.#options;
      for (const [choice, { winner, metric, scores }] of Object.entries(grown.chosen)) {
        const trials = Object.keys(scores).length;
        onEvent({ event: 'choice', choice, winner, metric, value: scores[winner]!, trials });
      }
      const stages = this.#queue.add(grown.plan.instances);
      onEvent({ event: 'grown', stages, pending: grown.plan.pending.map(({ name }) => name) });
      return true;
    } catch (error) {
      this.#failure ??= { stage: 'the plan', error: error instanceof Error ? error : new Error(String(error)) };
      this.#controller.abort();
      return false;
    }
  }

  async #compute(instance: Instance, { key, parts, damage }: Miss, grant: Grant): Promise<void> {
    const { onEvent } = this.#options;
    const begun = performance.now();
    let reason = 'its result is looked up';
    try {
      this.#before ??= lastStages(this.#project, this.#plan.name);
      reason = await missReason(this.#project, instance, parts, damage, (await this.#before).get(instance.name));
      onEvent({ event: 'start', stage: instance.name, uses: instance.stage.name, reason, threads: grant.threads });
      for (const message of this.#slots.shortfalls(instance)) {
        onEvent({ event: 'notice', stage: instance.name, message });
      }
      if (instance.stage.device && isAutomatic(this.#plan) && !this.#explained) {
        this.#explained = true;
        onEvent({ event: 'notice', stage: instance.name, message: AUTO_REASON });
      }
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
          onEvent: (event) => {
            if (event.event === 'output') this.#printed.add(event.stage, event.text);
            onEvent(event);
          },
        },
        grant,
      );
      const seconds = (performance.now() - begun) / 1000;
      if (computed) {
        this.#remote?.push(manifest);
        this.#accept(instance, parts, manifest, 'computed', reason, seconds);
      } else this.#accept(instance, parts, manifest, 'cached', 'made meanwhile by another run or stage', seconds);
    } catch (error) {
      this.#fail(instance, reason, error, (performance.now() - begun) / 1000, { key, parts });
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
    this.#queue.done(instance.name);
    const done = doneRecord(instance, parts, manifest, { status, reason, seconds });
    this.#records.set(instance.name, done);
    const bytes = Object.values(manifest.outputs).reduce((sum, output) => sum + output.bytes, 0);
    onEvent({ event: 'stage', stage: instance.name, status, seconds, reason, bytes });
  }

  #fail(
    instance: Instance,
    reason: string,
    thrown: unknown,
    seconds: number,
    known: { key?: string; parts?: KeyParts } = {},
  ): void {
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
      ...known,
      error: cancelled ? message : (error.stack ?? message),
    });
    if (!cancelled) {
      this.#failure ??= { stage: instance.name, error };
      this.#controller.abort();
    }
    this.#options.onEvent({ event: 'stage', stage: instance.name, status, seconds, reason, bytes: 0, message });
  }
}

/** Stages that want one thread start before those that take whatever is free. */
function narrowFirst(a: Instance, b: Instance): number {
  return Number(a.resources.threads === 'all') - Number(b.resources.threads === 'all');
}
