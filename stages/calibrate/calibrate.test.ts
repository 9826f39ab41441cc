import {
  type ToyClip,
  describeStage,
  predictionRows,
  predictionsOf,
  seenAs,
  splitOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { expectedCalibrationError } from '@prosodia/stats';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({
    inputs: { predictions: predictionsOf(clips, 'toy', { skill: 1 }), split: splitOf(clips) },
  }),
  toys: { clips: 60 },
  learnsFrom: 'validation',
  empty: 'refused',
  // A temperature is fitted on validation rows, and there are none.
  one_row: 'refused',
  no_training: 'works',
});

describe('calibrate', () => {
  const bench = useWorkbench();
  const labels = ['angry', 'happy'];
  const clips = toyClips({ clips: 400 });
  type Seen = 'fitted' | 'selected' | 'unseen';
  interface Told {
    of?: readonly ToyClip[];
    seen?: (clip: ToyClip) => Seen;
    fold?: number;
  }
  /** Three clips out of four of each role. */
  const isRight = ({ clip_id }: ToyClip) => Math.floor(Number(clip_id.slice(-3)) / 8) % 4 !== 0;
  /** A model that is right about those, and says `p` of what it chooses. */
  const model = (p: number, { of = clips, seen = ({ role }) => seenAs(role), fold = 0 }: Told = {}) =>
    predictionRows(
      labels,
      of.map((clip) => {
        const angry = (clip.emotion === 'angry') === isRight(clip);
        const row = { clip_id: clip.clip_id, item_id: clip.clip_id, fold, role: clip.role, label: clip.emotion };
        return { row: { ...row, seen: seen(clip) }, p: angry ? [p, 1 - p] : [1 - p, p] };
      }),
    );
  const run = (predictions: ReturnType<typeof model>, params = {}, split: readonly ToyClip[] = clips) =>
    bench.run(stage, { params, inputs: { predictions, split: splitOf(split) } });

  it('makes a model that is too sure of itself as sure as it is right, and changes no predicted label', async () => {
    const { outputs, metrics, summary } = await run(model(0.99));
    const { rows, probabilities } = await outputs.predictions.all();
    const test = rows.flatMap(({ role }, i) => (role === 'test' ? [i] : []));
    const truth = test.map((i) => labels.indexOf(rows[i]!.label));
    const matrix = {
      data: Float32Array.from(test.flatMap((i) => [probabilities[2 * i]!, probabilities[2 * i + 1]!])),
      rows: test.length,
      cols: 2,
    };
    expect(expectedCalibrationError(truth, matrix).value).toBeLessThan(0.06);
    expect(metrics['temperature']).toBeGreaterThan(2);
    expect(metrics['val_ece_before']).toBeGreaterThan(0.2);
    expect(metrics['val_ece']).toBeLessThan(0.01);
    expect(metrics['val_log_loss']).toBeLessThan(metrics['val_log_loss_before']!);
    expect(summary).toMatch(
      /Temperature \d\.\d+, fitted on \d+ validation rows: expected calibration error 0\.2\d+ -> 0\.00/,
    );
    const chosen = [...probabilities].filter((_, i) => i % 2 === 0).map((p) => p > 0.5);
    expect(chosen).toEqual(clips.map((clip) => (clip.emotion === 'angry') === isRight(clip)));
  });

  it('sharpens a model that is too modest', async () => {
    const { metrics } = await run(model(0.55));
    expect(metrics['temperature']).toBeLessThan(0.5);
  });

  it('keeps its temperature for new recordings', async () => {
    const { outputs, metrics } = await run(model(0.99));
    const saved = await outputs.calibration.json<{ temperature: number; validation_rows: number }>('calibration.json');
    expect(saved.temperature).toBe(metrics['temperature']);
    expect(saved.validation_rows).toBe(clips.filter(({ role }) => role === 'validation').length);
    expect(stage.serve).toMatchObject({ inputs: ['predictions'], learned: ['calibration'], calibrates: true });
  });

  it('says when the validation rows ask for a temperature beyond the range', async () => {
    const always = clips.filter((clip) => clip.role !== 'validation' || isRight(clip));
    const { notices, metrics } = await run(model(0.6, { of: always }));
    expect(metrics['temperature']).toBe(0.01);
    expect(notices.join()).toMatch(/the best temperature lies beyond 0\.01/);
  });

  it('counts validation rows as fitted on, and passes on what was seen of the others', async () => {
    const { rows } = await (await run(model(0.9))).outputs.predictions.all();
    const told = new Set(rows.map(({ role, seen }) => `${role} ${seen}`));
    expect(told).toEqual(new Set(['train fitted', 'validation fitted', 'test unseen']));
  });

  it('takes validation rows that an epoch was chosen on', async () => {
    const watched = model(0.9, { seen: ({ role }) => (role === 'validation' ? 'selected' : seenAs(role)) });
    await expect(run(watched)).resolves.toBeDefined();
  });

  it('refuses a model that was fitted on the validation rows (planted leak)', async () => {
    const remembered = model(0.9, { seen: ({ role }) => (role === 'test' ? 'unseen' : 'fitted') });
    await expect(run(remembered)).rejects.toThrow(
      /fitted on the validation rows that would calibrate it[^]*toy\/\d+[^]*fit_on: \[train\]/,
    );
  });

  it('refuses a model that has seen a test row (planted leak)', async () => {
    const leaking = model(0.9, { seen: ({ role }) => (role === 'test' ? 'selected' : seenAs(role)) });
    await expect(run(leaking)).rejects.toThrow(/has seen a test row[^]*which something was selected on/);
  });

  it('refuses predictions that were made under another split or fold (planted leak)', async () => {
    const swapped = clips.map((clip): ToyClip => ({ ...clip, role: clip.role === 'test' ? 'validation' : 'test' }));
    await expect(run(model(0.9), {}, swapped)).rejects.toThrow(/under another split[^]*got: +a test row of fold 0/);
    await expect(run(model(0.9, { fold: 1 }))).rejects.toThrow(/under another split[^]*row of fold 1/);
  });

  it('asks for validation rows', async () => {
    const others = clips.filter(({ role }) => role !== 'validation');
    await expect(run(model(0.9, { of: others }), {}, others)).rejects.toThrow(
      /no validation rows to fit a temperature on[^]*validation share/,
    );
  });
});
