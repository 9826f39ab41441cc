/** Matrices and stacked channels from recordings to a report, and what inspect shows of a clip on the way. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeAudio } from '@prosodia/audio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIPS, tinyProject } from './support/corpus.ts';
import { type TestProject, summaryOf } from './support/project.ts';

const PIPELINE = fileURLToPath(new URL('./fixtures/forms.yaml', import.meta.url));

let project: TestProject;
let data: string;
beforeAll(async () => {
  ({ project, data } = tinyProject());
  const ended = await project.cli(['run', PIPELINE, '--json', `--data=${data}`]);
  expect(ended.err).toBe('');
  expect(summaryOf(ended)).toMatchObject({ ok: true });
}, 120_000);
afterAll(() => project.remove());

async function sql<T>(query: string): Promise<T[]> {
  const { out, err } = await project.cli(['inspect', 'forms', '--json', '--sql', query]);
  expect(err).toBe('');
  return JSON.parse(out) as T[];
}

describe('features in every form', () => {
  it('reach a one-dimensional and a two-dimensional network, which learn from them', () => {
    const report = join(project.root, 'artifacts', 'runs', 'forms', 'latest', 'metrics.json');
    const metrics = JSON.parse(readFileSync(report, 'utf8')) as { accuracy: number | { value: number } };
    const accuracy = typeof metrics.accuracy === 'number' ? metrics.accuracy : metrics.accuracy.value;
    // Four tones, told apart by pitch: far above the quarter that guessing gets.
    expect(accuracy).toBeGreaterThan(0.6);
  });

  it('record padding and what was done to every copy, and only training clips have copies', async () => {
    const padding = await sql<{ padding: number }>('select distinct padding from matrix');
    expect(padding).toEqual([{ padding: 0.5 }]);
    const [wrong] = await sql<{ n: number }>(
      "select count(*)::int as n from matrix join split_split using (clip_id) where augmentation is not null and role <> 'train'",
    );
    expect(wrong!.n).toBe(0);
    const done = await sql<{ augmentation: string; augmentation_params: string }>(
      'select augmentation, augmentation_params from louder where augmentation is not null',
    );
    for (const { augmentation, augmentation_params } of done) {
      const steps = JSON.parse(augmentation_params) as object[];
      expect(steps.map((step) => Object.keys(step)[0]).join('+')).toBe(augmentation);
    }
    const classes = await sql<{ n: number }>(
      "select count(*)::int as n from masked join split_split using (clip_id) join clips using (clip_id) where role = 'train' group by emotion",
    );
    expect(classes.map(({ n }) => n)).toEqual([20, 20, 20, 20]);
  });

  it('are shown by inspect: a picture of a clip with its features, and the clip to listen to', async () => {
    const [clip] = await sql<{ clip_id: string }>('select clip_id from clips order by clip_id limit 1');
    const shown = await project.cli(['inspect', 'forms', 'stacked', '--clip', clip!.clip_id, '--out', 'seen']);
    expect([shown.code, shown.err]).toEqual([0, '']);
    const files = shown.out.trim().split('\n');
    expect(files).toHaveLength(4);
    const place = (end: string) =>
      join(
        project.root,
        files.find((name) => name.endsWith(end))!,
      );
    expect(readFileSync(place('.svg'), 'utf8')).toMatch(
      /waveform[^]*spectrogram[^]*channel 1: mfcc \+ chroma \+ contrast/,
    );
    expect([...readFileSync(place('.png')).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    const heard = await decodeAudio(readFileSync(place('.wav')));
    expect([heard.sampleRate, heard.frames]).toEqual([16000, 8000]);
    expect(existsSync(place('.json'))).toBe(true);

    const wrong = await project.cli(['inspect', 'forms', 'split', '--clip', clip!.clip_id]);
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toMatch(/only audio and features show a clip[^]*audio\.audio/);
  });

  it('hold every clip', async () => {
    const [rows] = await sql<{ n: number }>('select count(*)::int as n from stacked');
    expect(rows!.n).toBe(CLIPS);
  });
});
