/**
 * Clears the store within a budget, beside runs that are going on.
 *
 * Whatever goes is first renamed into a work folder, the entries of results before their content. Then it is asked once
 * more who needs it: leases of living runs, results and runs that came meanwhile; what is needed goes back (see
 * store/lease.ts for why nobody can be missed). Only then is anything deleted. A kill at any moment leaves entries whose
 * content is complete, and a work folder that the next run sweeps away.
 */
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Project } from '../project.ts';
import { makeFolder } from '../store/files.ts';
import { leased } from '../store/lease.ts';
import { withLock } from '../store/lock.ts';
import { type Store, exists } from '../store/store.ts';
import { type StoredResult, bytesBelow, digestsOf, storedContent, storedResults } from './inventory.ts';
import { type KeepRules, type RunOnDisk, keptOf, referencesOf, runsOnDisk } from './kept.ts';

const DAY_MS = 24 * 3600 * 1000;

export interface GcOptions {
  /** Results beyond this many bytes of content go, those longest unused first. */
  maxBytes?: number;
  /** Results not used, and runs not begun, for this many milliseconds go. */
  olderThanMs?: number;
  /** How many of the latest finished runs of every pipeline are kept. */
  keep: number;
  /** Only say what would go. */
  dryRun: boolean;
  signal?: AbortSignal;
}

/** What went, or would go. */
export interface GcReport {
  dry_run: boolean;
  /** Bytes of content before and after. */
  before_bytes: number;
  after_bytes: number;
  /** Results that go, by stage, with the content that no other result has. */
  stages: { stage: string; results: number; bytes: number }[];
  /** Content that no result points at. */
  orphans: { folders: number; bytes: number };
  /** Folders of runs. */
  runs: string[];
  /** Work, scratch and locks that killed processes left. */
  leftovers: { entries: number; bytes: number };
  /** Remembered digests of files that are gone. */
  forgotten: number;
  kept: { runs: string[]; bytes: number };
  /** Bytes above the budget that kept and running runs need. */
  over_budget_bytes: number;
}

export async function collectGarbage(project: Project, options: GcOptions): Promise<GcReport> {
  const { signal } = options;
  if (options.dryRun) return new Collection(project, options).execute();
  const lock = join(project.store.root, 'locks', 'gc.lock');
  return withLock(lock, signal ? { signal } : {}, () => new Collection(project, options).execute());
}

class Collection {
  readonly #project: Project;
  readonly #store: Store;
  readonly #options: GcOptions;
  readonly #rules: KeepRules;
  readonly #sizes = new Map<string, number>();

  constructor(project: Project, options: GcOptions) {
    this.#project = project;
    this.#store = project.store;
    this.#options = options;
    const { keep, olderThanMs } = options;
    this.#rules = { keep, ...(olderThanMs === undefined ? {} : { since: Date.now() - olderThanMs }) };
  }

  async execute(): Promise<GcReport> {
    const { dryRun, maxBytes } = this.#options;
    const runs = await runsOnDisk(this.#project);
    const kept = keptOf(runs, this.#rules);
    const needed = referencesOf(kept);
    const results = await storedResults(this.#store);
    const content = await storedContent(this.#store);
    for (const digest of content) this.#sizes.set(digest, await bytesBelow(this.#store.contentFolder(digest)));
    const inUse = await leased(this.#store.root);
    const holds = (name: string) => needed.has(name) || inUse.has(name);

    const goes = this.#chooseResults(results, holds);
    const stays = new Set<string>([...needed, ...inUse]);
    for (const [key, result] of results) {
      if (!goes.has(key)) for (const digest of digestsOf(result)) stays.add(digest);
    }
    const pointedAt = new Set([...results.values()].flatMap(digestsOf));
    const freed = content.filter((digest) => !stays.has(digest));
    const orphans = freed.filter((digest) => !pointedAt.has(digest));
    const leftovers = await this.#store.leftovers();
    const leftBytes = await sum(leftovers.map(bytesBelow));
    const oldRuns = runs.filter((run) => !kept.has(run) && this.#isSpent(run));
    const before = this.#bytes(content);
    const after = before - this.#bytes(freed);
    const report: GcReport = {
      dry_run: dryRun,
      before_bytes: before,
      after_bytes: after,
      stages: this.#byStage(goes, new Set(freed)),
      orphans: { folders: orphans.length, bytes: this.#bytes(orphans) },
      runs: oldRuns.map(({ name }) => name),
      leftovers: { entries: leftovers.length, bytes: leftBytes },
      forgotten: 0,
      kept: {
        runs: [...kept].map(({ name }) => name).sort(),
        bytes: this.#bytes(content.filter((d) => needed.has(d))),
      },
      over_budget_bytes: Math.max(0, after - (maxBytes ?? Infinity)),
    };
    if (!dryRun) {
      const { away, back } = await this.#remove([...goes.keys()], results, oldRuns);
      report.after_bytes = before - this.#bytes(away);
      report.stages = this.#byStage(new Map([...goes].filter(([key]) => !back.has(key))), new Set(away));
      const left = [...results.values()].filter(({ key }) => !goes.has(key) || back.has(key));
      await this.#pruneCode(left, runs);
      await this.#store.sweep();
    }
    report.forgotten = await this.#store.digests.prune();
    if (!dryRun) await this.#store.digests.save();
    return report;
  }

  /** Results that go: those that are unreadable or unused for too long, then those longest unused. */
  #chooseResults(
    results: ReadonlyMap<string, StoredResult>,
    holds: (name: string) => boolean,
  ): Map<string, StoredResult> {
    const { maxBytes = Infinity, olderThanMs = Infinity } = this.#options;
    const oldest = Date.now() - olderThanMs;
    const goes = new Map<string, StoredResult>();
    /** How many results that stay have a digest. */
    const users = new Map<string, number>();
    for (const result of results.values()) {
      for (const digest of new Set(digestsOf(result))) users.set(digest, (users.get(digest) ?? 0) + 1);
    }
    let total = this.#bytes([...users.keys()]);
    const drop = (result: StoredResult): void => {
      goes.set(result.key, result);
      for (const digest of new Set(digestsOf(result))) {
        const left = users.get(digest)! - 1;
        users.set(digest, left);
        if (left === 0 && !holds(digest)) total -= this.#sizes.get(digest) ?? 0;
      }
    };
    const free = [...results.values()].filter(({ key }) => !holds(key)).sort((a, b) => a.used - b.used);
    for (const result of free) {
      if (!result.manifest || result.used < oldest || total > maxBytes) drop(result);
    }
    return goes;
  }

  /** Whether a run that is not kept tells nothing any more: it is too old, or was killed, or computed nothing. */
  #isSpent({ record, changed }: RunOnDisk): boolean {
    const { olderThanMs } = this.#options;
    if (!record) return Date.now() - changed > DAY_MS; // Another process may be writing it.
    if (olderThanMs !== undefined) return true; // The young ones are kept.
    return record.ok && record.stages.every(({ status }) => status === 'cached');
  }

  /** Takes away, asks again, puts back, deletes. */
  async #remove(
    keys: readonly string[],
    before: ReadonlyMap<string, StoredResult>,
    runs: readonly RunOnDisk[],
  ): Promise<{ away: string[]; back: Set<string> }> {
    const store = this.#store;
    const trash = await store.workFolder();
    try {
      for (const run of runs) {
        await take(run.folder, join(trash, `${run.pipeline}-${run.number}`));
      }
      const takenKeys = await takeAll(keys, (key) => store.manifestFile(key), trash);
      const back = new Set<string>();
      const stillNeeded = await this.#neededNow();
      for (const key of takenKeys) {
        if (!stillNeeded.has(key)) continue;
        back.add(key);
        await restore(join(trash, key), store.manifestFile(key));
      }

      const pointedAt = new Set(stillNeeded);
      const now = await storedResults(store, new Map([...before].filter(([key]) => !takenKeys.includes(key))));
      for (const result of now.values()) for (const digest of digestsOf(result)) pointedAt.add(digest);
      const spare = [...this.#sizes.keys()].filter((digest) => !pointedAt.has(digest));
      const takenContent = await takeAll(spare, (digest) => store.contentFolder(digest), trash);
      // In this order: a run that ends between the two has written its results before it gives up its lease.
      const wanted = await this.#neededNow();
      for (const result of (await storedResults(store, now)).values()) {
        for (const digest of digestsOf(result)) wanted.add(digest);
      }
      const away: string[] = [];
      for (const digest of takenContent) {
        if (wanted.has(digest)) await restore(join(trash, digest), store.contentFolder(digest));
        else away.push(digest);
      }
      await this.#tidyLinks(new Set(away));
      return { away, back };
    } finally {
      await rm(trash, { recursive: true, force: true });
    }
  }

  async #neededNow(): Promise<Set<string>> {
    const needed = await leased(this.#store.root);
    const kept = keptOf(await runsOnDisk(this.#project), this.#rules);
    for (const name of referencesOf(kept)) needed.add(name);
    return needed;
  }

  /** Runs that stay although their results went keep their record, without links that lead nowhere. */
  async #tidyLinks(away: ReadonlySet<string>): Promise<void> {
    for (const { folder, record } of await runsOnDisk(this.#project)) {
      const digests = (record?.stages ?? []).flatMap(({ outputs = {} }) => Object.values(outputs));
      if (digests.some(({ digest }) => away.has(digest))) await removeDeadLinks(folder);
    }
  }

  /** Lists of code go that neither a result nor a run has. */
  async #pruneCode(results: readonly StoredResult[], runs: readonly RunOnDisk[]): Promise<void> {
    const used = new Set<string>();
    for (const { manifest } of results) if (manifest) used.add(manifest.parts.code);
    for (const { record } of runs) for (const { parts } of record?.stages ?? []) if (parts) used.add(parts.code);
    await this.#store.code.prune(used);
  }

  #byStage(results: ReadonlyMap<string, StoredResult>, freed: Set<string>): GcReport['stages'] {
    const counted = new Set<string>();
    const stages = new Map<string, { stage: string; results: number; bytes: number }>();
    for (const result of results.values()) {
      const stage = result.manifest?.parts.stage ?? '(unreadable)';
      const line = stages.get(stage) ?? { stage, results: 0, bytes: 0 };
      stages.set(stage, line);
      line.results++;
      for (const digest of digestsOf(result)) {
        if (!freed.has(digest) || counted.has(digest)) continue;
        counted.add(digest);
        line.bytes += this.#sizes.get(digest) ?? 0;
      }
    }
    return [...stages.values()].sort((a, b) => b.bytes - a.bytes || (a.stage < b.stage ? -1 : 1));
  }

  #bytes(digests: readonly string[]): number {
    return digests.reduce((total, digest) => total + (this.#sizes.get(digest) ?? 0), 0);
  }
}

/** Renames what is there of some names into a folder, under their names; returns which were. */
async function takeAll(names: readonly string[], place: (name: string) => string, into: string): Promise<string[]> {
  const taken: string[] = [];
  for (const name of names) if (await take(place(name), join(into, name))) taken.push(name);
  return taken;
}

async function take(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (!(await exists(from))) return false;
    throw error;
  }
}

/** Puts something back, unless somebody has made it anew: then that one is as good. */
async function restore(from: string, to: string): Promise<void> {
  if (await exists(to)) return;
  await makeFolder(dirname(to));
  await rename(from, to).catch(async (error: unknown) => {
    if (!(await exists(to))) throw error;
  });
}

async function removeDeadLinks(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) {
      if (!(await exists(path))) await rm(path, { force: true });
    } else if (entry.isDirectory()) await removeDeadLinks(path);
  }
}

async function sum(numbers: Promise<number>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce((a, b) => a + b, 0);
}
