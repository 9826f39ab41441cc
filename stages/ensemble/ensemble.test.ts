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
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({
    params: { weights: 'fitted' },
    inputs: {
      predictions: { sharp: predictionsOf(clips, 'sharp', { skill: 2 }), blunt: predictionsOf(clips, 'blunt') },
      out_of_fold: {},
      split: splitOf(clips),
    },
  }),
  learnsFrom: 'validation',
  empty: 'refused',
  // Weights are fitted on validation rows, and there are none.
  one_row: 'refused',
  no_training: 'works',
  badParams: [{ params: { weights: [1, -1] }, path: 'weights.1' }],
});

describe('ensemble', () => {
  const bench = useWorkbench();
  const labels = ['angry', 'happy'];
  const clips = toyClips({ clips: 8 });
  const split = splitOf(clips);
  /** A member whose probability of anger is `p` for every clip. */
  const member = (p: (clip: ToyClip, index: number) => number, of: readonly ToyClip[] = clips, own = labels) =>
    predictionRows(
      own,
      of.map((clip, i) => ({
        row: {
          clip_id: clip.clip_id,
          item_id: clip.clip_id,
          fold: 0,
          role: clip.role,
          label: clip.emotion,
          seen: seenAs(clip.role),
        },
        p: [p(clip, i), 1 - p(clip, i)],
      })),
    );
  const run = (predictions: Record<string, ReturnType<typeof member>>, params = {}) =>
    bench.run(stage, { params, inputs: { predictions, out_of_fold: {}, split } });
  const anger = async (ran: Awaited<ReturnType<typeof run>>) => {
    const { probabilities } = await ran.outputs.predictions.all();
    return [...probabilities].filter((_, i) => i % 2 === 0);
  };

  it('takes the mean of probabilities, or weights them as told', async () => {
    const members = { a: member((_, i) => i / 8), b: member(() => 1) };
    (await anger(await run(members))).forEach((p, i) => expect(p).toBeCloseTo((i / 8 + 1) / 2, 6));
    const weighted = await run(members, { weights: [3, 1] });
    (await anger(weighted)).forEach((p, i) => expect(p).toBeCloseTo((3 * (i / 8) + 1) / 4, 6));
    expect(weighted.metrics).toEqual({ weight_a: 0.75, weight_b: 0.25 });
  });

  it('takes the share of votes when voting is hard', async () => {
    const members = { a: member(() => 0.9), b: member(() => 0.6), c: member(() => 0.1) };
    (await anger(await run(members, { method: 'hard' }))).forEach((p) => expect(p).toBeCloseTo(2 / 3, 6));
  });

  it('puts members in the order of the first, however they list their rows', async () => {
    const upright = { a: member((_, i) => i / 8), b: member((_, i) => i / 8) };
    const reversed = { a: upright.a, b: member((_, i) => (7 - i) / 8, [...clips].reverse()) };
    expect(await anger(await run(reversed))).toEqual(await anger(await run(upright)));
  });

  it('fits weights on validation rows: what is right there wins, whatever it is elsewhere', async () => {
    const right = ({ emotion }: ToyClip) => (emotion === 'angry' ? 0.99 : 0.01);
    const wrong = (clip: ToyClip) => 1 - right(clip);
    const { metrics } = await run(
      {
        validated: member((clip) => (clip.role === 'validation' ? right(clip) : wrong(clip))),
        tested: member((clip) => (clip.role === 'validation' ? wrong(clip) : right(clip))),
      },
      { weights: 'fitted' },
    );
    expect(metrics['weight_validated']).toBeGreaterThan(0.99);
  });

  it('refuses members that predict other items, and names one', async () => {
    const members = { a: member(() => 0.5, clips.slice(1)), b: member(() => 0.5, clips.slice(0, 7)) };
    await expect(run(members)).rejects.toThrow(/predict different items[^]*7 items of b, among them toy\/000/);
    await expect(run({ a: member(() => 0.5), b: member(() => 0.5, clips.slice(1)) })).rejects.toThrow(
      /expected: the 8 items of a[^]*7 items of b/,
    );
  });

  it('refuses members that predict other labels', async () => {
    const members = { a: member(() => 0.5), b: member(() => 0.5, clips, ['angry', 'sad']) };
    await expect(run(members)).rejects.toThrow(/angry, happy \(a\)[^]*angry, sad \(b\)/);
  });

  it('refuses members whose splits differ: one may have been trained on what the other is tested on', async () => {
    const trained = clips.map((clip): ToyClip => (clip.role === 'test' ? { ...clip, role: 'train' } : clip));
    await expect(run({ a: member(() => 0.5), b: member(() => 0.5, trained) })).rejects.toThrow(
      /the members give an item different roles[^]*toy\/006 is test in a[^]*train in b/,
    );
  });

  it('asks for one weight per member, not all zero, and names the members', async () => {
    const members = { a: member(() => 0.5), b: member(() => 0.5) };
    await expect(run(members, { weights: [1] })).rejects.toThrow(/expected: 2 weights, for a, b/);
    await expect(run(members, { weights: [0, 0] })).rejects.toThrow(/vote weights do not fit/);
  });

  it('asks for validation rows when weights are to be fitted', async () => {
    const others = clips.filter(({ role }) => role !== 'validation');
    await expect(run({ a: member(() => 0.5, others) }, { weights: 'fitted' })).rejects.toThrow(
      /no validation rows to fit weights on/,
    );
  });

  it('needs at least one member', async () => {
    await expect(run({})).rejects.toThrow(/there is nothing to combine/);
  });
});

describe('what a member has seen', () => {
  const bench = useWorkbench();
  const labels = ['angry', 'happy'];
  const clips = toyClips({ clips: 12 });
  const split = splitOf(clips);
  const rowsOf = (seen: (clip: ToyClip) => 'fitted' | 'selected' | 'unseen') =>
    predictionRows(
      labels,
      clips.map((clip) => ({
        row: {
          clip_id: clip.clip_id,
          item_id: clip.clip_id,
          fold: 0,
          role: clip.role,
          label: clip.emotion,
          seen: seen(clip),
        },
        p: [0.6, 0.4],
      })),
    );
  const run = (second: ReturnType<typeof rowsOf>, params = {}) =>
    bench.run(stage, {
      params,
      inputs: { predictions: { honest: rowsOf(({ role }) => seenAs(role)), other: second }, out_of_fold: {}, split },
    });
  const memorized = rowsOf(({ role }) => (role === 'test' ? 'unseen' : 'fitted'));

  it('refuses to fit weights on rows that a member was fitted on (planted leak)', async () => {
    await expect(run(memorized, { weights: 'fitted' })).rejects.toThrow(
      /predictions of other: [^]*fitted on the validation rows that would weigh it[^]*toy\/\d+[^]*fit_on: \[train\] in other/,
    );
  });

  it('takes such members where nothing is fitted, and passes on what they have seen', async () => {
    const { outputs } = await run(memorized);
    const { rows } = await outputs.predictions.all();
    for (const { role, seen } of rows) expect(seen).toBe(role === 'test' ? 'unseen' : 'fitted');
  });

  it('counts validation rows as fitted on once weights were fitted on them', async () => {
    const watched = rowsOf(({ role }) => (role === 'train' ? 'fitted' : role === 'validation' ? 'selected' : 'unseen'));
    const { rows: equal } = await (await run(watched)).outputs.predictions.all();
    expect(equal.find(({ role }) => role === 'validation')!.seen).toBe('selected');
    const { rows: fitted } = await (await run(watched, { weights: 'fitted' })).outputs.predictions.all();
    expect(fitted.find(({ role }) => role === 'validation')!.seen).toBe('fitted');
  });

  it('refuses a member that has seen a test row (planted leak)', async () => {
    const leaking = rowsOf(({ role }) => (role === 'test' ? 'selected' : seenAs(role)));
    await expect(run(leaking)).rejects.toThrow(/predictions of other: a member has seen a test row/);
  });
});

describe('stacking', () => {
  const bench = useWorkbench();
  const labels = ['angry', 'happy'];
  const clips = toyClips({ clips: 24 });
  const training = clips.filter(({ role }) => role === 'train');
  type Seen = 'fitted' | 'selected' | 'unseen';
  interface Told {
    of?: readonly ToyClip[];
    seen?: (tested: boolean, clip: ToyClip) => Seen;
    p: (clip: ToyClip) => number;
  }
  /** An inner fold of three: it tests every third of the clips. */
  const inner = (fold: number, { of = training, seen = (tested) => (tested ? 'unseen' : 'fitted'), p }: Told) =>
    predictionRows(
      labels,
      of.map((clip, i) => {
        const tested = i % 3 === fold;
        const row = { clip_id: clip.clip_id, item_id: clip.clip_id, fold, label: clip.emotion };
        return {
          row: { ...row, role: tested ? ('test' as const) : ('train' as const), seen: seen(tested, clip) },
          p: [p(clip), 1 - p(clip)],
        };
      }),
    );
  const folds = (name: string, told: Told) =>
    Object.fromEntries([0, 1, 2].map((fold) => [`${name}[part=${fold}]`, inner(fold, told)]));
  const outer = (p: (clip: ToyClip) => number) =>
    predictionRows(
      labels,
      clips.map((clip) => ({
        row: {
          clip_id: clip.clip_id,
          item_id: clip.clip_id,
          fold: 0,
          role: clip.role,
          label: clip.emotion,
          seen: seenAs(clip.role),
        },
        p: [p(clip), 1 - p(clip)],
      })),
    );
  const inverted = ({ emotion }: ToyClip) => (emotion === 'angry' ? 0.2 : 0.8);
  const run = (out_of_fold: Record<string, ReturnType<typeof inner>>, params = {}) =>
    bench.run(stage, {
      params: { method: 'stacking', ...params },
      inputs: { predictions: { a: outer(inverted), b: outer(() => 0.5) }, out_of_fold, split: splitOf(clips) },
    });
  const good = { ...folds('a_inner', { p: inverted }), ...folds('b_inner', { p: () => 0.5 }) };

  it('learns from out-of-fold predictions, even that a member says the opposite of what it means', async () => {
    const { outputs, metrics } = await run(good, { C: 100 });
    const { rows, probabilities } = await outputs.predictions.all();
    rows.forEach(({ label }, i) => expect(probabilities[2 * i]! > 0.5).toBe(label === 'angry'));
    expect(metrics['out_of_fold_rows']).toBe(training.length);
    expect(new Set(rows.map(({ role, seen }) => `${role} ${seen}`))).toEqual(
      new Set(['train fitted', 'validation unseen', 'test unseen']),
    );
  });

  it('does not depend on the predictions of test rows, only gives them', async () => {
    const answer = async (p: (clip: ToyClip) => number) => {
      const { outputs } = await bench.run(stage, {
        params: { method: 'stacking' },
        inputs: { predictions: { a: outer(p), b: outer(() => 0.5) }, out_of_fold: good, split: splitOf(clips) },
      });
      const { rows, probabilities } = await outputs.predictions.all();
      return rows.flatMap(({ role }, i) => (role === 'test' ? [] : [probabilities[2 * i]]));
    };
    const changed = (clip: ToyClip) => (clip.role === 'test' ? 0.5 : inverted(clip));
    expect(await answer(changed)).toEqual(await answer(inverted));
  });

  it('refuses predictions of rows that their model had seen (planted leak)', async () => {
    const leaking = { ...good, ...folds('b_inner', { p: inverted, seen: () => 'fitted' }) };
    await expect(run(leaking)).rejects.toThrow(
      /predictions of b_inner\[part=0\]: an out-of-fold prediction is of a row that its model had seen/,
    );
  });

  it('refuses inner models that were fitted on rows held out here (planted leak)', async () => {
    const leaking = {
      ...good,
      ...folds('b_inner', { p: inverted, of: [...training, ...clips.filter(({ role }) => role === 'test')] }),
    };
    await expect(run(leaking)).rejects.toThrow(
      /has seen a row that is held out here[^]*which is a test row[^]*within: split/,
    );
  });

  it('asks for out-of-fold predictions of every member, and for no weights', async () => {
    await expect(run({})).rejects.toThrow(/every member needs out-of-fold predictions[^]*a, b, in this order/);
    await expect(run(folds('a_inner', { p: inverted }))).rejects.toThrow(/got: +a_inner/);
    await expect(run(good, { weights: [1, 2] })).rejects.toThrow(/has no weights to set/);
  });

  it('refuses an item that two inner folds test', async () => {
    const twice = { ...good, 'a_inner[part=3]': inner(0, { p: inverted }) };
    await expect(run(twice)).rejects.toThrow(/tested in two inner folds/);
  });
});
