/** The real stages, end to end, on a corpus of tones. */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '@prosodia/runner';
import { CLIPS, EMOTIONS, SPEAKERS, tinyProject } from './support/corpus.ts';
import { type Ended, type TestProject, stagesOf, summaryOf } from './support/project.ts';

const PIPELINE = fileURLToPath(new URL('./fixtures/speech.yaml', import.meta.url));
const STAGES = ['clips', 'split', 'audio', 'frames', 'scaled', 'pca', 'forest', 'dnn', 'vote', 'evaluate'];

let project: TestProject;
let data: string;
beforeAll(() => {
  ({ project, data } = tinyProject());
});
afterAll(() => project.remove());

function run(folder: string, ...args: string[]): Promise<Ended> {
  return project.cli(['run', PIPELINE, '--json', `--data=${folder}`, ...args]);
}

const latest = (...path: string[]): string => join(project.root, 'artifacts', 'runs', 'speech', 'latest', ...path);

/** Digest of every output of the latest run. */
async function digests(): Promise<Record<string, string>> {
  const { stages } = (await readRecord(latest()))!;
  return Object.fromEntries(
    stages.flatMap(({ stage, outputs = {} }) =>
      Object.entries(outputs).map(([name, { digest }]) => [`${stage}.${name}`, digest]),
    ),
  );
}

describe('a whole recipe', () => {
  it('runs from recordings to a report, once', async () => {
    const first = await run(data);
    expect(first.err).toBe('');
    expect(summaryOf(first)).toMatchObject({ ok: true, computed: STAGES.length, cached: 0 });
    expect(summaryOf(await run(data))).toMatchObject({ ok: true, computed: 0, cached: STAGES.length });
    expect(readdirSync(latest())).toEqual(
      expect.arrayContaining(['metrics.json', 'report.html', 'models', 'run.json']),
    );
    const metrics = JSON.parse(readFileSync(latest('metrics.json'), 'utf8')) as object;
    expect(Object.keys(metrics).length).toBeGreaterThan(0);
  });

  it('gives the same bytes in an empty store, with another number of cores and from another folder', async () => {
    const before = await digests();
    const moved = join(project.root, 'moved');
    cpSync(data, join(moved, 'tiny'), { recursive: true });
    rmSync(join(project.root, 'artifacts', 'store'), { recursive: true });
    const again = await run(moved, '--jobs=1');
    expect(summaryOf(again)).toMatchObject({ ok: true, computed: STAGES.length });
    expect(await digests()).toEqual(before);
  });

  it('reruns what a parameter changes, and what stands on it', async () => {
    const changed = await run(data, '--components=5');
    const stages = stagesOf(changed);
    expect(stages['pca']).toBe('computed: n_components: 6 -> 5');
    for (const stage of ['clips', 'split', 'audio', 'frames', 'scaled']) expect(stages[stage]).toBe('cached');
    for (const stage of ['forest', 'dnn']) expect(stages[stage]).toBe('computed: input features changed');
    expect(summaryOf(await run(data)).computed).toBe(0);
  });

  it('notices a recording that changed, and one that was added', async () => {
    const other = join(project.root, 'other');
    cpSync(data, other, { recursive: true });
    cpSync(join(other, '01_happy_1.wav'), join(other, '01_calm_1.wav'));
    const changed = await project.cli(['status', PIPELINE, '--json', `--data=${other}`]);
    const statuses = JSON.parse(changed.out) as { stage: string; status: string; reason: string }[];
    expect(statuses.find(({ stage }) => stage === 'clips')).toMatchObject({
      status: 'run',
      reason: 'the recordings changed',
    });
  });
});

describe('artifacts', () => {
  beforeAll(async () => expect((await run(data)).code).toBe(0));

  it('open in DuckDB, with the columns that are documented', async () => {
    const { catalogue } = JSON.parse(`{"catalogue":${(await project.cli(['stages', '--json'])).out}}`) as {
      catalogue: { name: string; outputs: { name: string; kind: { id: string; columns: { name: string }[] } }[] }[];
    };
    const record = (await readRecord(latest()))!;
    const connection = await (await DuckDBInstance.create()).connect();
    let tables = 0;
    for (const { stage, uses } of record.stages) {
      for (const { name, kind } of catalogue.find((known) => known.name === uses)!.outputs) {
        const folder = latest('stages', stage, name);
        if (!readdirSync(folder).some((file) => file.startsWith('part-'))) continue;
        const described = await connection.runAndReadAll(`describe select * from read_parquet('${folder}/*.parquet')`);
        const columns = described.getRowObjects().map((row) => String(row['column_name']));
        expect({ stage, name, columns }).toEqual({
          stage,
          name,
          // Columns that depend on the data are documented in brackets.
          columns: expect.arrayContaining(
            kind.columns.map((column) => column.name).filter((column) => /^\w+$/.test(column)),
          ) as string[],
        });
        tables++;
      }
    }
    expect(tables).toBeGreaterThanOrEqual(7);
  });

  it('are shown by inspect: schema, rows, statistics, units, and SQL over them', async () => {
    const text = await project.cli(['inspect', 'speech', 'frames']);
    expect(text.out).toMatch(new RegExp(`frames\\.features {2}features {2}.* {2}${CLIPS} rows`));
    expect(text.out).toMatch(/^mfcc_0_mean +(FLOAT|DOUBLE) /m);
    const { out } = await project.cli(['inspect', 'speech', 'clips', '--json', '--rows', '2']);
    const shown = JSON.parse(out) as { rows: number; columns: { column_name: string }[]; head: object[] };
    expect([shown.rows, shown.head.length]).toEqual([CLIPS, 2]);
    expect(shown.columns.map((column) => column.column_name)).toContain('sha256');
    const sql =
      'select emotion, count(*)::int as n, count(distinct speaker)::int as speakers from clips group by 1 order by 1';
    const rows = await project.cli(['inspect', 'speech', '--json', '--sql', sql]);
    expect(JSON.parse(rows.out)).toEqual(
      EMOTIONS.map((emotion) => ({ emotion, n: CLIPS / EMOTIONS.length, speakers: SPEAKERS.length })),
    );
    const wrong = await project.cli(['inspect', 'speech', '--sql', 'select nonsense from clips']);
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toMatch(/the query failed[^]*nonsense/);
  });
});

describe('recordings that are not what they should be', () => {
  const cases: [name: string, prepare: (folder: string) => void, message: RegExp][] = [
    ['a missing folder', (folder) => rmSync(folder, { recursive: true }), /no such folder[^]*fix:/],
    [
      'an empty folder',
      (folder) => readdirSync(folder).forEach((name) => rmSync(join(folder, name))),
      /no WAV or FLAC file[^]*fix:/,
    ],
    [
      'a text named .wav',
      (folder) => writeFileSync(join(folder, '01_happy_1.wav'), 'this is no audio at all, it is a sentence'),
      /01_happy_1\.wav[^]*fix: .*on_bad_file: skip/,
    ],
    ['an empty file', (folder) => writeFileSync(join(folder, '01_happy_1.wav'), ''), /01_happy_1\.wav[^]*fix:/],
    [
      'half a file',
      (folder) => {
        const path = join(folder, '01_happy_1.wav');
        writeFileSync(path, readFileSync(path).subarray(0, 30));
      },
      /01_happy_1\.wav[^]*fix:/,
    ],
  ];
  it.each(cases)('%s: named with its place and a remedy, and nothing is lost', async (name, prepare, message) => {
    const folder = join(project.root, name.replaceAll(' ', '-'));
    cpSync(data, folder, { recursive: true });
    prepare(folder);
    const failed = await run(folder);
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(message);
    expect(failed.err).toContain('To resume:\n  npx prosodia run');
    expect(failed.err).not.toMatch(/^ +at /m);
    expect(summaryOf(failed)).toMatchObject({ ok: false, computed: 0, stopped: 'clips' });
    expect(summaryOf(await run(data)).computed).toBe(0);
  });

  it('can be left out on request, with a notice', async () => {
    const folder = join(project.root, 'skipping');
    cpSync(data, folder, { recursive: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '01_happy_1.wav'), 'no audio');
    const ended = await run(folder, '--on_bad_file=skip');
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(/"notice","stage":"clips","message":"skipped 01_happy_1\.wav: /);
  });
});
