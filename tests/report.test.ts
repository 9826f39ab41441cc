/** `prosodia report`: many runs on one page. The runs are written by hand; only what is kept of them is read. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from './support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject('all');
  putRun('ensemble', 1, 0.5);
  putRun('ensemble', 2, 0.6);
  putRun('cnn2d', 1, 0.7, { shared: 4 });
  putRun('cnn2d', 2, 0.9, { ok: false });
  putRun('tables', 1, 0.9, { report: false });
});
afterAll(() => project.remove());

/** What a run leaves, as far as the command reads it. */
function putRun(pipeline: string, run: number, uar: number, { ok = true, shared = 0, report = true } = {}): void {
  const folder = join(project.root, 'artifacts/runs', pipeline, String(run));
  mkdirSync(folder, { recursive: true });
  const started = `2026-01-02T03:0${run}:00.000Z`;
  const stages = [{ stage: 'audio', uses: 'resample', status: 'cached', seconds: 0, computed_seconds: 30 }];
  const vars = { seed: 1, folds: [0, 1] };
  writeFileSync(
    join(folder, 'run.json'),
    JSON.stringify({
      run,
      pipeline,
      title: pipeline,
      ok,
      started,
      seconds: 1,
      vars,
      stages,
      resolved: {},
      metrics: {},
    }),
  );
  if (!report) return;
  const headline = { accuracy: uar, balanced_accuracy: uar, macro_f1: uar };
  writeFileSync(
    join(folder, 'metrics.json'),
    JSON.stringify({
      title: pipeline,
      synthetic: false,
      ...headline,
      support: 10,
      ece: 0.1,
      per_class: { happy: { recall: uar } },
      ci: { level: 0.95, unit: 'speaker', accuracy: null, balanced_accuracy: [0.1, 0.99], macro_f1: null },
      by_fold: { 0: headline },
      baselines: { majority: { name: 'Most frequent class', accuracy: 0.2 } },
      protocol: {
        corpora: ['lab'],
        role: 'test',
        folds: [0],
        judged: { speakers: 4 },
        split: { shared_speakers: shared },
      },
      source: null,
    }),
  );
}

describe('report', () => {
  it('shows the latest finished run of each pipeline, by protocol, and names what it leaves out', async () => {
    const { code, out, err } = await project.cli(['report']);
    expect(code, err).toBe(0);
    expect(out.replaceAll(/[\u00a0\u202f]/g, ' ')).toBe(
      'lab: voices not heard in training, 10 recordings\n' +
        '  ensemble/2  UAR 60.0 % (10.0 to 99.0), accuracy 60.0 %\n\n' +
        'lab: voices that were heard in training, 10 recordings\n' +
        '  cnn2d/1  UAR 70.0 % (10.0 to 99.0), accuracy 70.0 %\n',
    );
    expect(err).toContain('left out: tables/1 publishes no report');
    expect(err).toContain('artifacts/overview/overview.html\n');
    const page = readFileSync(join(project.root, 'artifacts/overview/overview.html'), 'utf8');
    expect(page).toContain('href="../runs/ensemble/2/report.html"');
    expect(page).toMatch(/npx prosodia run ensemble --seed=1 --folds=\S*\[0,1\]/);
    expect(page).toContain('30 s');
  });

  it('shows the runs that are named, once each, where it is told to', async () => {
    const { code, out, err } = await project.cli([
      'report',
      'ensemble/1',
      'ensemble',
      'ensemble/2',
      '--to',
      'here',
      '--json',
    ]);
    expect(code, err).toBe(0);
    const { groups } = JSON.parse(out) as { groups: { runs: { name: string }[] }[] };
    expect(groups.map(({ runs }) => runs.map(({ name }) => name))).toEqual([['ensemble/2', 'ensemble/1']]);
    expect(readFileSync(join(project.root, 'here/overview-1.svg'), 'utf8')).toContain('ensemble/1');
  });

  it('says what to do where there is nothing to show', async () => {
    const { code, err } = await project.cli(['report', 'tables/1']);
    expect(code).toBe(2);
    expect(err).toMatch(/there is no report to show[^]*got: {6}tables\/1\n {2}fix: {6}npx prosodia run mfcc-forest/);
  });
});
