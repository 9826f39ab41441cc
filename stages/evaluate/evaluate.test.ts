import { describe, expect, it } from 'vitest';
import type { AudioRow, SplitRow } from '@prosodia/tables';
import { type PredictedRow, type World, clip, evaluate, makeWorld } from './harness.ts';

interface Metrics {
  accuracy: number;
  balanced_accuracy: number;
  macro_f1: number;
  roc_auc_ovr: number | null;
  per_class: Record<string, { precision: number; recall: number; f1: number; support: number }>;
  confusion_matrix: { labels: string[]; counts: number[][]; normalized: number[][] };
  top_k_accuracy: Record<string, number>;
  macro: { precision: number; recall: number; f1: number };
  weighted: { precision: number; recall: number; f1: number };
  brier: number;
  ci: { unit: string; accuracy: [number, number] | null };
  by_sex: Record<string, { accuracy: number; support: number }>;
  by_speaker: Record<string, { accuracy: number }>;
  members: Record<string, { accuracy: number; mcnemar_p: number | null }>;
  baselines: Record<string, { accuracy: number; p_value?: number }>;
  protocol: { split?: { shared_speakers: number } };
  synthetic: boolean;
}

const sure = (index: number, confidence: number) =>
  index === 0 ? [confidence, 1 - confidence] : [1 - confidence, confidence];

/** Six test clips of two emotions, four recognized; training clips say that sad ones are longer. */
function smallWorld(): World {
  const facts: [emotion: string, speaker: string, seconds: number, p: number[]][] = [
    ['happy', '1', 2, sure(0, 0.9)],
    ['happy', '1', 2, sure(0, 0.8)],
    ['happy', '2', 2, sure(1, 0.7)],
    ['sad', '2', 4, sure(1, 0.6)],
    ['sad', '3', 4, sure(1, 0.9)],
    ['sad', '3', 4, sure(0, 0.95)],
  ];
  const tested = facts.map(([emotion, speaker, duration_s], i) =>
    clip(i, { emotion, speaker, duration_s, sex: speaker === '2' ? 'female' : 'male' }),
  );
  const trained = [2, 2.1, 1.9, 4, 4.1].map((duration_s, i) =>
    clip(100 + i, { emotion: i < 3 ? 'happy' : 'sad', duration_s, speaker: '1' }),
  );
  const role = (rows: typeof tested, name: SplitRow['role']) =>
    rows.map(({ clip_id }): SplitRow => ({ clip_id, fold: 0, role: name }));
  return {
    labels: ['happy', 'sad'],
    clips: [...tested, ...trained],
    split: [...role(tested, 'test'), ...role(trained, 'train')],
    predictions: tested.map((row, i) => ({ clip_id: row.clip_id, label: row.emotion, p: facts[i]![3] })),
  };
}

async function metricsOf(world: World, params = {}): Promise<Metrics> {
  return JSON.parse((await evaluate(world, params)).text('metrics.json')) as Metrics;
}

describe('evaluate', () => {
  it('counts by hand what can be counted by hand', async () => {
    const metrics = await metricsOf(smallWorld());
    expect(metrics.accuracy).toBeCloseTo(4 / 6);
    expect(metrics.balanced_accuracy).toBeCloseTo(2 / 3);
    const shares = [[2 / 3, 1 / 3], [1 / 3, 2 / 3]]; // prettier-ignore
    expect(metrics.confusion_matrix).toEqual({ labels: ['happy', 'sad'], counts: [[2, 1], [1, 2]], normalized: shares }); // prettier-ignore
    for (const means of [metrics.macro, metrics.weighted]) {
      for (const value of Object.values(means)) expect(value).toBeCloseTo(2 / 3);
    }
    // Of two classes one distance from the truth counts: 0.1, 0.2, 0.7, 0.4, 0.1 and 0.95.
    expect(metrics.brier).toBeCloseTo((0.01 + 0.04 + 0.49 + 0.16 + 0.01 + 0.9025) / 6, 6);
    expect(metrics.top_k_accuracy).toEqual({}); // Of two classes the truth is always among the two most probable.
    expect(metrics.per_class['happy']).toMatchObject({ recall: 2 / 3, precision: 2 / 3, support: 3 });
    expect(metrics.by_sex).toMatchObject({
      female: { accuracy: 0.5, support: 2 },
      male: { accuracy: 0.75, support: 4 },
    });
    expect(Object.keys(metrics.by_speaker)).toEqual(['1', '2', '3']);
  });

  it('says how often the truth is among the most probable, of more classes than that', async () => {
    const world = smallWorld();
    const labels = ['happy', 'sad', 'tired'];
    const p = (rank: number) => (label: string) => [0.6, 0.3, 0.1][(labels.indexOf(label) + rank) % 3]!;
    // The truth is the most probable in rows 0 and 1, the second in 2 and 3, the last in 4 and 5.
    const predictions = world.predictions.map((row, i) => ({
      ...row,
      p: labels.map((_, c) => p(Math.floor(i / 2))(labels[(c - labels.indexOf(row.label) + 3) % 3]!)),
    }));
    const { top_k_accuracy, accuracy } = await metricsOf({ ...world, labels, predictions });
    expect(accuracy).toBeCloseTo(2 / 6);
    expect(top_k_accuracy).toEqual({ '2': expect.closeTo(4 / 6) as number });
  });

  it('says what simple guesses reach', async () => {
    const { baselines } = await metricsOf(smallWorld());
    expect(baselines['uniform']!.accuracy).toBe(0.5);
    expect(baselines['majority']!.accuracy).toBe(0.5); // happy is most frequent in training; half of the test is happy
    expect(baselines['duration']!.accuracy).toBe(1); // the planted difference in length
    expect(baselines['shuffle']!.accuracy).toBeCloseTo(0.5);
    expect(baselines['shuffle']!.p_value).toBeGreaterThan(0.05);
    const learned = await metricsOf(makeWorld());
    expect(learned.baselines['shuffle']!.p_value).toBeLessThan(0.01);
  });

  it('does without a split, members, models and sex', async () => {
    const { split: _, ...world } = smallWorld();
    const bare = { ...world, clips: world.clips.map((row) => ({ ...row, sex: null })) };
    const { files, text } = await evaluate(bare);
    const metrics = JSON.parse(text('metrics.json')) as Metrics;
    expect(metrics.protocol.split).toBeUndefined();
    expect(metrics.baselines['duration']).toBeUndefined();
    expect(metrics.by_sex).toEqual({});
    expect([...files.keys()]).toEqual([
      'calibration.png',
      'calibration.svg',
      'confusion_matrix.png',
      'confusion_matrix.svg',
      'metrics.json',
      'model_card.md',
      'per_class_accuracy.png',
      'per_class_accuracy.svg',
      'predictions.parquet',
      'report.html',
    ]);
  });

  it('judges a single row, with no interval and no AUC', async () => {
    const world = smallWorld();
    const metrics = await metricsOf({ ...world, predictions: world.predictions.slice(0, 1) });
    expect(metrics).toMatchObject({ accuracy: 1, roc_auc_ovr: null, ci: { unit: 'none', accuracy: null } });
  });

  it('refuses to judge nothing', async () => {
    await expect(evaluate({ ...smallWorld(), predictions: [] })).rejects.toThrow(/no predictions of role test/);
  });

  it('refuses a training row that is passed off as a test row', async () => {
    const world = smallWorld();
    const trained = world.clips.at(-1)!;
    const planted: PredictedRow = { clip_id: trained.clip_id, label: trained.emotion, p: sure(1, 0.99) };
    await expect(evaluate({ ...world, predictions: [...world.predictions, planted] })).rejects.toMatchObject({
      name: 'LeakError',
      message: expect.stringContaining(trained.clip_id) as string,
    });
  });

  it('refuses test rows that the model has seen, and says which (planted leak)', async () => {
    const world = smallWorld();
    for (const [seen, how] of [
      ['fitted', 'fitted on'],
      ['selected', 'selected with'],
    ] as const) {
      const predictions = world.predictions.map((row, i) => (i === 2 ? { ...row, seen } : row));
      await expect(evaluate({ ...world, predictions })).rejects.toMatchObject({
        name: 'LeakError',
        parts: { got: `item ${predictions[2]!.clip_id}, ${how}` },
      });
    }
  });

  it('refuses a recording that was trained on under another name (planted leak)', async () => {
    const world = smallWorld();
    const [tested, trained] = [world.clips[0]!, world.clips.at(-1)!];
    const clips = world.clips.map((row) => (row === trained ? { ...row, sha256: tested.sha256 } : row));
    await expect(evaluate({ ...world, clips })).rejects.toThrow(
      new RegExp(`same recording[^]*${tested.clip_id} = ${trained.clip_id} \\(train\\), fold 0`),
    );
  });

  it('names what was checked for leaks, and what could not be', async () => {
    const world = smallWorld();
    const read = async (given: World) =>
      (JSON.parse((await evaluate(given)).text('metrics.json')) as { checks: { result: string }[] }).checks;
    expect((await read(world)).map(({ result }) => result)).toEqual(['passed', 'passed', 'passed', 'passed']);
    const { split: _split, ...unsplit } = world;
    const without = await read(unsplit);
    expect(without.map(({ result }) => result)).toEqual(['not checked', 'not checked', 'passed', 'passed']);
  });

  it('shows beside its figures what the rows that chose the epoch would have claimed', async () => {
    const world = smallWorld();
    const chosen = world.clips.slice(6, 8);
    const split = world.split!.map((row): SplitRow =>
      chosen.some(({ clip_id }) => clip_id === row.clip_id) ? { ...row, role: 'validation' } : row,
    );
    const rows = (seen: 'selected' | 'fitted') =>
      chosen.map(({ clip_id }): PredictedRow => ({
        clip_id,
        label: 'happy',
        role: 'validation',
        seen,
        p: sure(0, 0.9),
      }));
    const given = { ...world, split, predictions: [...world.predictions, ...rows('selected')] };
    const { text } = await evaluate(given);
    const metrics = JSON.parse(text('metrics.json')) as Metrics & { selection_rows: { accuracy: number } | null };
    expect(metrics.accuracy).toBeCloseTo(4 / 6);
    expect(metrics.selection_rows).toMatchObject({ accuracy: 1, support: 2 });
    expect(text('report.html')).toContain('Validation rows, which chose');
    const fitted = { ...world, split, predictions: [...world.predictions, ...rows('fitted')] };
    expect(JSON.parse((await evaluate(fitted)).text('metrics.json'))).toMatchObject({ selection_rows: null });
  });

  it('lets the mistakes be heard, the judged item before the whole recording, at a rate for speech', async () => {
    const world = smallWorld();
    const rate = 48_000;
    const item = (clip_id: string, item_id: string, seconds: number): AudioRow => ({
      clip_id,
      item_id,
      parent_item_id: null,
      start_s: 0,
      end_s: seconds,
      augmentation: null,
      augmentation_params: null,
      seed: null,
      sample_rate: rate,
      samples: new Float32Array(seconds * rate).fill(0.25),
    });
    // Clips 2 and 5 are the mistakes; of 2 there is a part that was judged, of 5 only the whole.
    const [second, fifth] = [world.clips[2]!.clip_id, world.clips[5]!.clip_id];
    const predictions = world.predictions.map((row, i) => (i === 2 ? { ...row, item_id: `${second}#1` } : row));
    const audio = [item(second, second, 3), item(second, `${second}#1`, 1), item(fifth, fifth, 20)];
    const html = (await evaluate({ ...world, predictions, audio })).text('report.html');
    const waves = [...html.matchAll(/data:audio\/wav;base64,([^"]+)/g)].map(([, data]) => Buffer.from(data!, 'base64'));
    // The most confident first; 16 kHz, two bytes a sample, at most ten seconds.
    expect(waves.map((wave) => (wave.length - 44) / 32_000)).toEqual([10, 1]);
    expect(waves.map((wave) => wave.readUInt32LE(24))).toEqual([16_000, 16_000]);
    expect((await evaluate(world)).text('report.html')).not.toContain('<audio');
  });

  it('refuses the same row twice and names it', async () => {
    const world = smallWorld();
    const twice = [...world.predictions, world.predictions[0]!];
    await expect(evaluate({ ...world, predictions: twice })).rejects.toThrow(/predicted twice[^]*lab\/0000/);
  });

  it('judges only the rows of the role asked for', async () => {
    const world = smallWorld();
    const clips = world.clips.slice(6);
    const train = clips.map((row): PredictedRow => ({
      clip_id: row.clip_id,
      label: row.emotion,
      role: 'train',
      p: sure(0, 0.9),
    }));
    const both = { ...world, predictions: [...world.predictions, ...train] };
    expect((await metricsOf(both)).accuracy).toBeCloseTo(4 / 6);
    expect((await metricsOf(both, { role: 'train' })).accuracy).toBeCloseTo(3 / 5);
  });

  it('says whether speakers were shared, and draws speakers for intervals only if they were not', async () => {
    const shared = await evaluate(makeWorld({ shared: true }));
    const apart = await evaluate(makeWorld({ shared: false }));
    expect(JSON.parse(shared.text('metrics.json'))).toMatchObject({
      ci: { unit: 'clip' },
      protocol: { split: { shared_speakers: 24 } },
    });
    expect(JSON.parse(apart.text('metrics.json'))).toMatchObject({
      ci: { unit: 'speaker' },
      protocol: { split: { shared_speakers: 0 } },
    });
    expect(shared.text('report.html')).toContain('Not speaker-independent: 24 of 24 speakers');
    expect(apart.text('report.html')).toContain('Speaker-independent: nobody judged was heard in training');
  });

  it('shows the published figures beside ours, on the page and in the terminal', async () => {
    const source = { name: 'Doe & Roe 2020', accuracy: 0.8, macro_f1: 0.79, per_class: { happy: 0.9 }, note: 'x < y' };
    const { text, summary } = await evaluate(smallWorld(), { source });
    const html = text('report.html');
    expect(html).toContain('Beside the published figures');
    expect(html).toContain('Doe &amp; Roe 2020');
    expect(html).toContain('x &lt; y');
    expect(html).toContain('−13.3'); // 66.7 % here, 80 % there
    expect(summary).toMatch(/accuracy +0\.6667.*Doe & Roe 2020: 0\.8000/);
  });

  it('leaves out published figures of classes that no clip has, as on another corpus, and says so', async () => {
    const source = { name: 'Doe 2020', per_class: { happy: 0.9, disgust: 0.5 } };
    const ran = await evaluate(smallWorld(), { source });
    expect(ran.notices).toEqual(['no clip is labelled disgust: what the source says of it is left out']);
  });

  it('refuses a published figure for a class that does not exist', async () => {
    const source = { name: 'Doe 2020', per_class: { hapy: 0.9 } };
    await expect(evaluate(smallWorld(), { source })).rejects.toThrow(/params\.source\.per_class[^]*hapy[^]*happy/);
  });

  it('says in large letters that the demo corpus is synthetic', async () => {
    const { text, summary } = await evaluate(makeWorld({ corpus: 'demo', speakers: 4 }));
    expect(text('report.html')).toContain('<strong>SYNTHETIC DATA</strong>');
    expect(text('model_card.md')).toContain('SYNTHETIC DATA');
    expect(summary).toContain('SYNTHETIC');
    expect((JSON.parse(text('metrics.json')) as Metrics).synthetic).toBe(true);
    expect((await evaluate(smallWorld())).text('report.html')).not.toContain('SYNTHETIC');
  });

  it('compares members on the same rows and pools the folds of one', async () => {
    const world = smallWorld();
    const wrong = world.predictions.map((row) => ({ ...row, p: [...row.p].reverse() }));
    const halves = { 'cnn[fold=0]': wrong.slice(0, 3), 'cnn[fold=1]': wrong.slice(3) };
    const { members } = await metricsOf({
      ...world,
      members: { same: world.predictions, ...halves, part: wrong.slice(1) },
    });
    expect(members['same']).toMatchObject({ mcnemar_p: 1 });
    expect(members['cnn']!.accuracy).toBeCloseTo(2 / 6);
    expect(members['cnn']!.mcnemar_p).toBeGreaterThan(0);
    expect(members['part']!.mcnemar_p).toBeNull();
  });

  it('pools the folds of a cross-validation and shows each', async () => {
    const { clips, labels } = smallWorld();
    const tested = clips.slice(0, 6);
    const split = tested.flatMap((row, i) =>
      [0, 1].map((fold): SplitRow => ({ clip_id: row.clip_id, fold, role: i % 2 === fold ? 'test' : 'train' })),
    );
    const predictions = tested.map((row, i): PredictedRow => ({
      clip_id: row.clip_id,
      fold: i % 2,
      label: row.emotion,
      p: i % 2 ? sure(labels.indexOf(row.emotion), 0.9) : sure(0, 0.9),
    }));
    const { text, summary } = await evaluate({ clips: tested, labels, split, predictions });
    const metrics = JSON.parse(text('metrics.json')) as { by_fold: Record<string, { accuracy: number }> };
    expect(metrics.by_fold).toMatchObject({ 0: { accuracy: 2 / 3 }, 1: { accuracy: 1 } });
    expect(text('report.html')).toContain('Cross-validation over 2 folds');
    expect(summary).toMatch(/over folds +0\.8333 ± 0\.2357/); // mean of 2/3 and 1, and their sample deviation
  });

  it('draws training curves for models that have a history', async () => {
    const { files, text } = await evaluate(makeWorld({ speakers: 4 }));
    expect(files.has('curves.png')).toBe(true);
    expect(text('curves.svg')).toContain('best epoch 31');
    expect(text('model_card.md')).toContain('187,432');
  });

  it('asks nothing of the network and escapes what comes from the data', async () => {
    const world = smallWorld();
    const evil = '<script>alert("x")</script>';
    const labels = ['happy', evil];
    const renamed = {
      ...world,
      labels,
      clips: world.clips.map((row) => (row.emotion === 'sad' ? { ...row, emotion: evil } : row)),
      predictions: world.predictions.map((row) => (row.label === 'sad' ? { ...row, label: evil } : row)),
    };
    const html = (await evaluate(renamed, { title: evil })).text('report.html');
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/(src|href)="(?!data:)/);
    expect(html).not.toMatch(/@import|url\(|NaN|undefined|Infinity/);
  });

  it('gives the same bytes twice', async () => {
    const [first, second] = [await evaluate(makeWorld({ speakers: 6 })), await evaluate(makeWorld({ speakers: 6 }))];
    expect([...first.files.keys()]).toEqual([...second.files.keys()]);
    for (const [name, bytes] of first.files) {
      expect(Buffer.compare(Buffer.from(bytes), Buffer.from(second.files.get(name)!)), name).toBe(0);
    }
  });

  it('stops when it is cancelled', async () => {
    await expect(evaluate(smallWorld(), {}, AbortSignal.abort())).rejects.toMatchObject({ name: 'CancelledError' });
  });
});
