/** Looking at runs of the real stages through the real command: units, lineage to the second, and two runs compared. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyProject } from './support/corpus.ts';
import { type Ended, type TestProject, summaryOf } from './support/project.ts';

const RATE = 8000;
const CLIP = 'tiny/02_calm_1';
/** Silence, a tone that rises so that no two moments of it are alike, silence. */
const LEAD = 0.2;
const SOUND = Float32Array.from({ length: 0.8 * RATE }, (_, i) =>
  i < LEAD * RATE || i > 0.7 * RATE ? 0 : 0.5 * Math.sin((i / RATE - LEAD) ** 2 * 2000),
);

const PIPELINE = `name: look
vars: { corpus: tiny, trees: 5, seed: 1 }
stages:
  clips: { uses: ingest, with: { corpus: '\${corpus}' } }
  split: { uses: split, from: { clips }, with: { scheme: group-kfold, folds: 4 } }
  audio: { uses: resample, from: { clips }, with: { rate: ${RATE} } }
  trimmed: { uses: trim, from: { audio }, with: { top_db: 30, frame_length: 64, hop_length: 16 } }
  halves: { uses: segment, from: { audio: trimmed }, with: { length_s: 0.2, overlap: 0.5, tail: drop } }
  quarters: { uses: segment, from: { audio: halves }, with: { length_s: 0.08, overlap: 0 } }
  retrimmed: { uses: trim, from: { audio: quarters }, with: { top_db: 10, frame_length: 64, hop_length: 16 } }
  copies:
    uses: augment
    from: { audio: halves, split }
    with: { copies: 1, choose: all, transforms: [speed: { rate: [1.25, 1.25] }, shift: { seconds: [0.01, 0.01] }] }
  parts: { uses: segment, from: { audio: copies }, with: { length_s: 0.1, overlap: 0 } }
  features:
    uses: featurize
    from: { audio: parts }
    with: { n_fft: 256, hop_length: 64, features: [rms: { functionals: [mean, skewness] }, centroid: {}, zcr: {}] }
  perhalf: { uses: aggregate, from: { features }, with: { functionals: [mean] } }
  scaled: { uses: scale, from: { features: perhalf, split } }
  forest: { uses: train-forest, from: { features: scaled, split, clips }, with: { n_estimators: '\${trees}' } }
  evaluate: { uses: evaluate, from: { predictions: forest.predictions, models: forest.model, clips, split } }
publish: { .: evaluate.report }
`;

let project: TestProject;
let data: string;

const run = (...args: string[]) => project.cli(['run', 'look.yaml', `--data=${data}`, '--json', ...args]);

async function out(...args: string[]): Promise<string> {
  const ended: Ended = await project.cli(args);
  expect(ended.err).toBe('');
  expect(ended.code).toBe(0);
  return ended.out;
}

beforeAll(async () => {
  ({ project, data } = tinyProject());
  writeFileSync(join(data, '02_calm_1.wav'), encodeWav(SOUND, RATE));
  writeFileSync(join(project.root, 'look.yaml'), PIPELINE);
  expect(summaryOf(await run('--trees=5'))).toMatchObject({ ok: true });
  appendFileSync(join(project.root, 'stages/train-forest/stage.ts'), '\n// A remark.\n');
  expect(summaryOf(await run('--trees=1'))).toMatchObject({ ok: true });
});
afterAll(() => project.remove());

interface Row {
  item_id: string;
  start_s: number;
  recording: { from_s: number; to_s: number; speed: number };
}

describe('lineage', () => {
  const locate = async (stage: string, item: string) => {
    const steps = JSON.parse(await out('inspect', 'look', stage, '--lineage', item, '--json')) as { rows: Row[] }[];
    return steps[0]!.rows[0]!.recording;
  };
  const samplesOf = async (table: string, item: string) => {
    const query = `select samples from "${table}" where item_id = '${item}'`;
    const [row] = JSON.parse(await out('inspect', 'look', '--json', '--sql', query)) as { samples: number[] }[];
    return row!.samples;
  };
  /** What the recording holds from a second on. */
  const heard = (from: number, length: number) => [...SOUND.slice(Math.round(from * RATE)).slice(0, length)];
  const furthest = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

  it('finds segments of segments of what was trimmed where they are heard in the recording', async () => {
    for (const item of [`${CLIP}@1@1`, `${CLIP}@2@0`]) {
      const samples = await samplesOf('quarters', item);
      const { from_s, to_s, speed } = await locate('quarters', item);
      expect(from_s).toBeGreaterThan(LEAD - 0.02);
      expect(speed).toBe(1);
      expect(Math.round((to_s - from_s) * RATE)).toBe(samples.length);
      expect(furthest(samples, heard(from_s, samples.length))).toBeLessThan(1e-3);
    }
  });

  it('finds what was trimmed again after it was cut', async () => {
    const item = `${CLIP}@0@0`; // Its beginning is quiet still.
    const samples = await samplesOf('retrimmed', item);
    const { from_s, to_s } = await locate('retrimmed', item);
    expect(samples.length).toBeLessThan(0.08 * RATE);
    expect(Math.round((to_s - from_s) * RATE)).toBe(samples.length);
    expect(furthest(samples, heard(from_s, samples.length))).toBeLessThan(1e-3);
  });

  it('maps a faster and shifted copy back to the time of the recording, and names the factor', async () => {
    const half = await locate('halves', `${CLIP}@1`);
    const first = await locate('features', `${CLIP}@1+1@0`);
    const second = await locate('features', `${CLIP}@1+1@1`);
    // The copy begins with 0.01 s of silence, and its 0.1 s are 0.125 s of the recording.
    expect(first).toMatchObject({ from_s: half.from_s, speed: 1.25 });
    expect(first.to_s).toBeCloseTo(half.from_s + (0.1 - 0.01) * 1.25, 9);
    expect(second.from_s).toBeCloseTo(first.to_s, 9);
    expect(second.to_s).toBeCloseTo(half.from_s + (0.16 - 0.01) * 1.25, 3);
    expect(await out('inspect', 'look', 'features', '--lineage', `${CLIP}@1+1@0`)).toMatch(
      /\nIt is 0\.\d+ to 0\.\d+ s, heard 1\.25 times as fast, of 02_calm_1\.wav\.\n$/,
    );
  });

  it('gives a row that stands for segments the stretch of all of them', async () => {
    const parts = await Promise.all([0, 1].map((part) => locate('features', `${CLIP}@1@${part}`)));
    const whole = { from_s: parts[0]!.from_s, to_s: parts[1]!.to_s, speed: 1 };
    expect(await locate('scaled', `${CLIP}@1`)).toEqual(whole);
  });
});

describe('units', () => {
  const unitsOf = async (artifact: string) => {
    const { columns } = JSON.parse(await out('inspect', 'look', artifact, '--json')) as {
      columns: { column_name: string; unit: string | null }[];
    };
    return Object.fromEntries(columns.map(({ column_name, unit }) => [column_name, unit]));
  };

  it('stand beside the columns: of the kind, of the features, and of what became of them', async () => {
    expect(await unitsOf('clips')).toMatchObject({ duration_s: 's', frames: 'samples', emotion: null });
    const features = { rms_mean: 'full scale = 1', rms_skewness: null, centroid_mean: 'Hz', zcr_mean: 'share, 0 to 1' };
    expect(await unitsOf('features')).toMatchObject({ start_s: 's', ...features });
    expect(await unitsOf('perhalf')).toMatchObject({ centroid_mean_mean: 'Hz' });
    expect(await unitsOf('scaled.features')).toMatchObject({ centroid_mean_mean: 'standard deviations' });
    expect(await unitsOf('forest.predictions')).toMatchObject({ p_angry: 'share, 0 to 1', label: null });
    expect(await out('inspect', 'look', 'features')).toMatch(/\ncentroid_mean +FLOAT +Hz /);
  });
});

describe('diff', () => {
  interface Told {
    a: string;
    variables: unknown;
    stages: { stage: string; changes: { kind: string; name: string }[] }[];
    metrics: { metric: string; a: number; b: number }[];
    reports: { stage: string; rows: { shared: number }; significance: { mcnemar: { p: number } } }[];
  }

  it('sets parameters, code, data and metrics side by side, and tests the difference on the rows that both judged', async () => {
    const told = JSON.parse(await out('diff', 'look/1', 'look/2', '--json')) as Told;
    expect(told).toMatchObject({ a: 'look/1', b: 'look/2', variables: { trees: [5, 1] } });
    const changes = Object.fromEntries(told.stages.map((stage) => [stage.stage, stage.changes]));
    expect(Object.keys(changes)).toEqual(['forest', 'evaluate']);
    expect(changes['forest']).toMatchObject([
      { kind: 'file', name: 'stages/train-forest/stage.ts' },
      { kind: 'parameter', name: 'n_estimators', from: 5, to: 1 },
    ]);
    expect(changes['evaluate']!.map(({ kind }) => kind)).toContain('input');
    const accuracy = told.metrics.find(({ metric }) => metric === 'evaluate.accuracy')!;
    const record = (number: number) =>
      JSON.parse(
        readFileSync(join(project.root, 'artifacts/runs/look', String(number), 'metrics.json'), 'utf8'),
      ) as object;
    expect(record(1)).toMatchObject({ accuracy: accuracy.a });
    expect(record(2)).toMatchObject({ accuracy: accuracy.b });
    expect(told.reports).toHaveLength(1);
    const { rows, significance } = told.reports[0]!;
    expect(rows.shared).toBeGreaterThan(20);
    expect(significance.mcnemar.p).toBeGreaterThan(0);
  });

  it('writes one page with pictures of both and what differs', async () => {
    const { code, out: said } = await project.cli(['diff', 'look/1', 'look/2', '--html', 'both']);
    expect(code).toBe(0);
    expect(said).toContain('trees: 5 -> 1');
    expect(said).toContain('McNemar: only look/1 right');
    const page = readFileSync(join(project.root, 'both.html'), 'utf8');
    expect(page).toContain('What differs between the runs');
    expect(page).toContain('n_estimators: 5 -&gt; 1');
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(4);
    expect(page).not.toContain('prosodia:run');
  });
});
