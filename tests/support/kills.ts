/**
 * Cold runs that are killed at random moments until they complete, held against a run that nobody disturbed.
 *
 * Every kill hits the whole process group, as a lost machine or the kernel's out-of-memory killer would; the next
 * start goes on in the store that the killed one left.
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Rng } from '@prosodia/core';
import { type Started, type TestProject, summaryOf } from './project.ts';

export interface KillOptions {
  project: TestProject;
  /** Arguments of `prosodia run`. */
  args: readonly string[];
  /** How often to kill, in all. */
  kills: number;
  rng: Rng;
}

export interface KillReport {
  kills: number;
  /** Runs from an empty store to the end. */
  cold: number;
  /** Where the kills hit: the last event before each, such as `start forest`, or `before the plan`. */
  moments: Record<string, number>;
  /** Stages that a killed run had finished, and that a later one computed again. Should be none. */
  lost: string[];
  /** Files that differ from those of the undisturbed run. Should be none. */
  different: string[];
  /** What is left of killed processes when a run has completed. Should be nothing. */
  leftovers: string[];
  /** Runs that ended neither well nor by our hand, with what they said. */
  failures: string[];
}

/** Kills and completes cold runs until there were enough kills. Throws if the undisturbed run fails. */
export async function killAtRandom({ project, args, kills, rng }: KillOptions): Promise<KillReport> {
  const start = (artifacts: string): Started =>
    project.start(['run', ...args, '--json'], { env: { PROSODIA_ARTIFACTS: artifacts } });
  const begun = performance.now();
  const calm = await start('calm').ended;
  if (calm.code !== 0) throw new Error(`the undisturbed run failed: ${calm.err}`);
  const milliseconds = performance.now() - begun;
  const wanted = contentOf(join(project.root, 'calm', 'store'));

  const report: KillReport = { kills: 0, cold: 0, moments: {}, lost: [], different: [], leftovers: [], failures: [] };
  while (report.kills < kills) {
    const finished = new Set<string>();
    for (;;) {
      const run = start('rough');
      const timer =
        report.kills < kills ? setTimeout(() => killGroup(run), rng.next() * milliseconds * 1.1) : undefined;
      const ended = await run.ended;
      clearTimeout(timer);
      for (const event of ended.events) {
        if (event.event !== 'stage' || event.status !== 'computed') continue;
        if (finished.has(event.stage)) report.lost.push(event.stage);
        finished.add(event.stage);
      }
      if (ended.signal === 'SIGKILL') {
        report.kills++;
        const last = ended.events.at(-1);
        const moment = last ? `${last.event}${'stage' in last ? ` ${last.stage}` : ''}` : 'before the plan';
        report.moments[moment] = (report.moments[moment] ?? 0) + 1;
        continue;
      }
      if (ended.code !== 0 || !summaryOf(ended).ok) report.failures.push(ended.err);
      break;
    }
    report.cold++;
    const store = join(project.root, 'rough', 'store');
    report.different.push(...differing(wanted, contentOf(store)));
    for (const folder of ['tmp', 'locks', 'scratch', 'leases']) report.leftovers.push(...entries(join(store, folder)));
    rmSync(join(project.root, 'rough'), { recursive: true, force: true });
  }
  return report;
}

/** Kills a run and all its processes; one that has just ended by itself is left in peace. */
export function killGroup({ child }: Started): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** Bytes of everything in the content store, by digest and path. */
export function contentOf(store: string): Map<string, string> {
  const root = join(store, 'content');
  const paths = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    paths
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => [path.slice(root.length), readFileSync(path, 'base64')]),
  );
}

function differing(wanted: ReadonlyMap<string, string>, got: ReadonlyMap<string, string>): string[] {
  return [...new Set([...wanted.keys(), ...got.keys()])].filter((path) => wanted.get(path) !== got.get(path));
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
