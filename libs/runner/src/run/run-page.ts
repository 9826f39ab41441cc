/**
 * What only the run knows, put into the pages it publishes: parameters, times, the machine.
 *
 * A page is an artifact and the same wherever it is computed, so it cannot say on what machine that was. It carries a
 * mark instead, and the copy in the run's folder has this in its place.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_MARK, escapeXml as escape } from '@prosodia/core';
import { writeAtomically } from '../store/files.ts';
import type { RunRecord, StageRecord } from './record.ts';

/** More values than this of a parameter that differs between the instances of a stage are not listed. */
const MOST_VALUES = 8;

type Facts = Omit<RunRecord, 'run'>;

/** Replaces the links to pages at the top of a run's folder by completed copies. */
export async function completePages(folder: string, record: Facts): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.html')) continue;
    const path = join(folder, name);
    const page = await readFile(path, 'utf8');
    if (!page.includes(RUN_MARK)) continue;
    await rm(path); // A link into the store: writing through it would change the artifact.
    await writeAtomically(
      path,
      page.replace(RUN_MARK, () => runSections(record)),
    );
  }
}

/** HTML of two sections, in the classes of report pages. */
export function runSections(record: Facts): string {
  const groups = groupBy(record.stages, ({ stage }) => templateOf(stage));
  const settings = [...groups].map(([name, instances]) => parameters(name, instances, record.resolved));
  const times = [...groups].map(([name, instances]) => [
    instances.length > 1 ? `${name} × ${instances.length}` : name,
    instances[0]!.uses,
    counted(instances),
    duration(sum(instances, ({ computed_seconds }) => computed_seconds ?? 0)),
    peak(instances),
  ]);
  return [
    section(
      'Parameters',
      `<p class="lead">Of every stage, with defaults. Run with ${escape(varsOf(record))}.</p>${settings.join('\n')}`,
    ),
    section('Time, memory, machine', timeTable(times) + machine(record)),
  ].join('\n');
}

/** `network[fold=0]` is an instance of `network`. */
function templateOf(instance: string): string {
  const at = instance.indexOf('[');
  return at < 0 ? instance : instance.slice(0, at);
}

function parameters(name: string, instances: readonly StageRecord[], resolved: Facts['resolved']): string {
  const all = instances.flatMap(({ stage }) => (resolved[stage] ? [flatten(resolved[stage].with)] : []));
  const paths = [...new Set(all.flatMap((one) => [...one.keys()]))];
  const lines = paths.map((path) => {
    const values = [...new Set(all.map((one) => one.get(path) ?? 'not set'))];
    const shown = values.length > MOST_VALUES ? [...values.slice(0, MOST_VALUES), '…'] : values;
    return `${path}: ${shown.join(' | ')}`;
  });
  const title = `${escape(name)} <span class="muted">${escape(instances[0]!.uses)}${instances.length > 1 ? `, ${instances.length} instances` : ''}</span>`;
  if (lines.length === 0) return `<p>${title}: no parameters.</p>`;
  return `<details><summary>${title}</summary><pre tabindex="0"><code>${escape(lines.join('\n'))}</code></pre></details>`;
}

/** Values by dotted path; lists of plain values stay together. */
function flatten(value: unknown, path = '', out = new Map<string, string>()): Map<string, string> {
  const children = Array.isArray(value)
    ? value.some((element) => typeof element === 'object' && element !== null) && value.map((v, i) => [i, v] as const)
    : typeof value === 'object' && value !== null && Object.entries(value);
  if (!children || children.length === 0) {
    if (path !== '') out.set(path, JSON.stringify(value));
    return out;
  }
  for (const [key, child] of children) flatten(child, path === '' ? String(key) : `${path}.${key}`, out);
  return out;
}

function varsOf({ vars, pipeline }: Facts): string {
  const list = Object.entries(vars).map(([name, value]) => `${name} ${JSON.stringify(value).replaceAll('"', '')}`);
  return [pipeline, ...list].join(', ');
}

function counted(instances: readonly StageRecord[]): string {
  const counts = groupBy(instances, ({ status }) => status);
  return [...counts]
    .map(([status, { length }]) => (instances.length === 1 ? status : `${length} ${status}`))
    .join(', ');
}

function peak(instances: readonly StageRecord[]): string {
  const bytes = Math.max(0, ...instances.map(({ peak_memory_bytes }) => peak_memory_bytes ?? 0));
  return bytes === 0 ? '' : `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}

function timeTable(rows: readonly (readonly string[])[]): string {
  const header = ['Stage', 'Uses', 'State', 'Computed in', 'Most memory'];
  const head = header.map((name) => `<th scope="col">${name}</th>`).join('');
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell) => `<td>${escape(cell)}</td>`).join('');
    return `<tr><th scope="row">${escape(first!)}</th>${cells}</tr>`;
  });
  const caption =
    'Times add up over instances that ran side by side; of a cached stage, the time it took when computed.';
  return `<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span>${caption}</span></caption><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

function machine({ host, device, started, seconds }: Facts): string {
  const memory = `${(host.memory_bytes / 1024 ** 3).toFixed(0)} GiB memory`;
  const points = [
    `Begun ${started.replace('T', ' ').replace(/\..*/, '')} UTC, ${duration(seconds)} in all.`,
    `Node ${host.node.replace(/^v/, '')} on ${host.platform}-${host.arch}; ${host.cpu}, ${host.cores} threads, ${memory}; networks on ${device}.`,
  ];
  return `<ul>${points.map((point) => `<li>${escape(point)}</li>`).join('')}</ul>`;
}

function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function section(heading: string, content: string): string {
  return `<section>\n<h2>${heading}</h2>\n${content}\n</section>`;
}
