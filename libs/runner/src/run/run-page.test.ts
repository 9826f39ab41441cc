import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord, StageRecord } from './record.ts';
import { completePages, runSections } from './run-page.ts';

const PAGE = '<main><h1>Report</h1>\n<!-- prosodia:run -->\n<footer></footer></main>';

const stage = (name: string, uses: string, fields: Partial<StageRecord> = {}): StageRecord => ({
  stage: name,
  uses,
  status: 'computed',
  reason: 'never run',
  seconds: 2,
  computed_seconds: 2,
  peak_memory_bytes: 2 ** 29,
  ...fields,
});

const resolved = (uses: string, given: Record<string, unknown>) => ({ uses, with: given, from: {}, seed: 1 });

const record: Omit<RunRecord, 'run'> = {
  pipeline: 'toy',
  title: 'Toy',
  ok: true,
  started: '2026-01-02T03:04:05.678Z',
  seconds: 7200,
  vars: { corpus: 'demo', seed: 1 },
  device: 'cpu',
  resolved: {
    audio: resolved('resample', { rate: 16000, note: '<b>' }),
    'network[fold=0]': resolved('train-network', { fold: 0, layers: [{ dense: { units: 8 } }], fit_on: ['train'] }),
    'network[fold=1]': resolved('train-network', { fold: 1, layers: [{ dense: { units: 8 } }], fit_on: ['train'] }),
  },
  stages: [
    stage('audio', 'resample', { status: 'cached', seconds: 0.001, computed_seconds: 12 }),
    stage('network[fold=0]', 'train-network', { peak_memory_bytes: 2 ** 30 }),
    stage('network[fold=1]', 'train-network', { status: 'cached' }),
  ],
  metrics: {},
  choices: {},
  host: { node: 'v20.1.0', platform: 'linux', arch: 'x64', cpu: 'A & B', cores: 2, memory_bytes: 2 ** 33, name: 'x' },
};

describe('what a page says of its run', () => {
  it('names the parameters of every stage, and once those that its instances share', () => {
    const html = runSections(record);
    expect(html).toContain('rate: 16000');
    expect(html).toContain('layers.0.dense.units: 8\n');
    expect(html).toContain('fold: 0 | 1');
    expect(html).toContain('train-network, 2 instances');
  });

  it('says of a cached stage how long it took when it was computed', () => {
    const html = runSections(record);
    expect(html).toContain('<td>cached</td><td>12 s</td><td>0.50 GiB</td>');
    expect(html).toContain('<td>1 computed, 1 cached</td><td>4.00 s</td><td>1.00 GiB</td>');
    expect(html).toContain('2 h 0 min in all');
  });

  it('lets nothing through that would be read as HTML', () => {
    const html = runSections(record);
    expect(html).toContain('&lt;b&gt;');
    expect(html).toContain('A &amp; B');
    expect(html).not.toContain('<b>');
  });
});

describe('pages in the folder of a run', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'run-page-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are completed in a copy, and the artifact stays as it was', async () => {
    const [store, run] = [join(folder, 'store'), join(folder, 'run')];
    for (const place of [store, run]) await mkdir(place);
    await writeFile(join(store, 'report.html'), PAGE);
    await writeFile(join(store, 'plain.html'), '<p>no mark</p>');
    for (const name of ['report.html', 'plain.html']) await symlink(join(store, name), join(run, name));
    await completePages(run, record);
    expect(await readFile(join(store, 'report.html'), 'utf8')).toBe(PAGE);
    expect(await readFile(join(run, 'report.html'), 'utf8')).toMatch(/<h2>Parameters<\/h2>[^]*Node 20\.1\.0/);
    expect(await readFile(join(run, 'plain.html'), 'utf8')).toBe('<p>no mark</p>');
  });
});
