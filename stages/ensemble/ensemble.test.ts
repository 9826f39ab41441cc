import {
  type ToyClip,
  describeStage,
  predictionRows,
  predictionsOf,
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
        row: { clip_id: clip.clip_id, item_id: clip.clip_id, fold: 0, role: clip.role, label: clip.emotion },
        p: [p(clip, i), 1 - p(clip, i)],
      })),
    );
  const run = (predictions: Record<string, ReturnType<typeof member>>, params = {}) =>
    bench.run(stage, { params, inputs: { predictions, split } });
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
