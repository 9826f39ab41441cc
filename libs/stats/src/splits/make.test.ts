import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { groupBy } from '../group-by.ts';
import { randomClips } from '../testing/random.ts';
import { makeSplit } from './make.ts';
import { RAVDESS_FOLDS } from './presets.ts';
import { type SplitClip, type SplitOptions, type SplitRow } from './types.ts';

const TRIALS = 40;

/** The 1,440 clips of RAVDESS speech, with its one recording that appears twice. */
function ravdess(): SplitClip[] {
  const clips: SplitClip[] = [];
  const two = (n: number) => String(n).padStart(2, '0');
  for (let actor = 1; actor <= 24; actor++) {
    for (let emotion = 1; emotion <= 8; emotion++) {
      for (let take = 0; take < (emotion === 1 ? 4 : 8); take++) {
        const clip_id = `Actor_${two(actor)}/03-01-${two(emotion)}-${take}`;
        clips.push({ clip_id, label: `e${emotion}`, speaker: `Actor_${two(actor)}`, recording: clip_id });
      }
    }
  }
  const pair = clips.filter(({ clip_id }) => /^Actor_07\/03-01-03-[23]/.test(clip_id));
  pair[1]!.recording = pair[0]!.recording;
  return clips;
}

const byFold = (split: readonly SplitRow[]) => [...groupBy(split, ({ fold }) => fold).values()];
const ids = (rows: readonly SplitRow[], role: string) => rows.filter((r) => r.role === role).map((r) => r.clip_id);
const allIds = (clips: readonly SplitClip[]) => clips.map(({ clip_id }) => clip_id).sort();

/** How many of `chosen` have each label, beside how many of `clips` do. */
function labelCounts(chosen: readonly string[], clips: readonly SplitClip[]): { count: number; of: number }[] {
  const wanted = new Set(chosen);
  return [...groupBy(clips, ({ label }) => label).values()].map((group) => ({
    count: group.filter(({ clip_id }) => wanted.has(clip_id)).length,
    of: group.length,
  }));
}

function speakersOf(chosen: readonly string[], clips: readonly SplitClip[]): Set<string> {
  const wanted = new Set(chosen);
  return new Set(clips.filter(({ clip_id }) => wanted.has(clip_id)).map(({ speaker }) => speaker));
}

const common = (a: ReadonlySet<string>, b: ReadonlySet<string>) => [...a].filter((item) => b.has(item));

/** Every scheme that fits a random corpus. */
const schemes: ((rng: Rng) => SplitOptions)[] = [
  (rng) => ({ scheme: 'holdout', test: rng.uniform(0.2, 0.6), seed: rng.int(1000) }),
  (rng) => ({ scheme: 'holdout', test: 0.2, validation: 0.2, seed: rng.int(1000) }),
  (rng) => ({ scheme: 'holdout', test: 0.2, validation: 0.2, validation_by: 'speaker', seed: rng.int(1000) }),
  (rng) => ({ scheme: 'kfold', folds: 2 + rng.int(4), seed: rng.int(1000) }),
  (rng) => ({ scheme: 'kfold', folds: 2 + rng.int(4), validation: 0.25, seed: rng.int(1000) }),
  (rng) => ({ scheme: 'group-kfold', folds: 2 + rng.int(3), seed: rng.int(1000) }),
  (rng) => ({ scheme: 'group-kfold', folds: 2, validation: 0.3, validation_by: 'speaker', seed: rng.int(1000) }),
  (rng) => ({ scheme: 'leave-one-speaker-out', validation: 0.2, seed: rng.int(1000) }),
];

describe('makeSplit, every scheme on random corpora', () => {
  const rng = new Rng(1);
  const trials = Array.from({ length: TRIALS }, (_, trial) => {
    const shape = { labels: 2 + rng.int(5), speakers: 6 + rng.int(8), clips: 60 + rng.int(100), copies: rng.int(4) };
    const clips = randomClips(rng, shape);
    const options = schemes[trial % schemes.length]!(rng);
    return { clips, options, split: makeSplit(clips, options) };
  });

  it('gives every clip exactly one role in every fold, in order of fold and clip id', () => {
    for (const { clips, split } of trials) {
      for (const rows of byFold(split)) expect(rows.map(({ clip_id }) => clip_id)).toEqual(allIds(clips));
      const folds = split.map(({ fold }) => fold);
      expect(folds).toEqual([...folds].sort((a, b) => a - b));
      expect(Math.max(...folds)).toBe(byFold(split).length - 1);
    }
  });

  it('tests every clip in exactly one fold, except for holdout', () => {
    for (const { clips, split } of trials.filter(({ options }) => options.scheme !== 'holdout')) {
      expect(ids(split, 'test').sort()).toEqual(allIds(clips));
    }
  });

  it('keeps clips of one recording in one role', () => {
    for (const { clips, split } of trials) {
      for (const rows of byFold(split)) {
        const roleOf = new Map(rows.map(({ clip_id, role }) => [clip_id, role]));
        for (const copies of groupBy(clips, ({ recording }) => recording).values()) {
          if (copies.length > 1) expect(new Set(copies.map(({ clip_id }) => roleOf.get(clip_id))).size).toBe(1);
        }
      }
    }
  });

  it('keeps test speakers out of every other role under speaker schemes, and validation speakers on demand', () => {
    for (const { clips, options, split } of trials) {
      for (const rows of byFold(split)) {
        const [train, validation, test] = ['train', 'validation', 'test'].map((r) => speakersOf(ids(rows, r), clips));
        if (options.scheme !== 'holdout' && options.scheme !== 'kfold') {
          expect(common(test!, new Set([...train!, ...validation!]))).toEqual([]);
        }
        if (options.validation_by === 'speaker') expect(common(validation!, train!)).toEqual([]);
      }
    }
  });

  it('does not depend on the order of the rows, and does depend on the seed', () => {
    for (const { clips, options, split } of trials) {
      expect(makeSplit(rng.shuffle([...clips]), options)).toEqual(split);
      // Few groups can fall the same way twice; five seeds in a row cannot.
      const others = [1, 2, 3, 4, 5].map((step) => makeSplit(clips, { ...options, seed: options.seed + step }));
      expect(new Set([split, ...others].map((rows) => JSON.stringify(rows))).size).toBeGreaterThan(1);
    }
  });

  it('leaves its input as it was', () => {
    const { clips, options } = trials[0]!;
    const copy = structuredClone(clips);
    makeSplit(clips, options);
    expect(clips).toEqual(copy);
  });
});

describe('stratification', () => {
  const rng = new Rng(2);
  const corpora = Array.from({ length: 30 }, (_, i) => {
    return randomClips(rng, { labels: 2 + rng.int(6), speakers: 6, clips: 50 + rng.int(150), copies: i % 3 });
  });

  it('of holdout is within one clip of each label, and exact in all', () => {
    for (const clips of corpora) {
      const test = rng.uniform(0.1, 0.5);
      const chosen = ids(makeSplit(clips, { scheme: 'holdout', test, seed: rng.int(99) }), 'test');
      for (const { count, of } of labelCounts(chosen, clips)) expect(Math.abs(count - of * test)).toBeLessThan(1);
      expect(chosen.length).toBe(Math.round(clips.length * test));
    }
  });

  it('of k-fold is within one clip of each label; fold sizes differ by at most one', () => {
    for (const clips of corpora) {
      const folds = 2 + rng.int(6);
      const tests = byFold(makeSplit(clips, { scheme: 'kfold', folds, seed: rng.int(99) })).map((r) => ids(r, 'test'));
      for (const chosen of tests) {
        for (const { count, of } of labelCounts(chosen, clips)) expect(Math.abs(count - of / folds)).toBeLessThan(1);
      }
      const sizes = tests.map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  it('of validation is within one clip of its share of the training part', () => {
    for (const clips of corpora) {
      const validation = rng.uniform(0.1, 0.4);
      const [rows] = byFold(makeSplit(clips, { scheme: 'holdout', test: 0.25, validation, seed: rng.int(99) }));
      const chosen = ids(rows!, 'validation');
      const tested = new Set(ids(rows!, 'test'));
      const rest = clips.filter(({ clip_id }) => !tested.has(clip_id));
      for (const { count, of } of labelCounts(chosen, rest)) expect(Math.abs(count - of * validation)).toBeLessThan(1);
    }
  });

  it('never takes the last clip of a label out of training', () => {
    const rare = Array.from({ length: 40 }, (_, i): SplitClip => {
      return { clip_id: `c${i}`, label: i < 2 ? 'rare' : 'common', speaker: 's', recording: `r${i}` };
    });
    for (let seed = 0; seed < 20; seed++) {
      const split = makeSplit(rare, { scheme: 'holdout', test: 0.55, validation: 0.6, seed });
      expect(labelCounts(ids(split, 'train'), rare).map(({ count }) => count > 0)).toEqual([true, true]);
    }
  });

  it('draws every clip about equally often', () => {
    const clips = randomClips(new Rng(3), { labels: 3, speakers: 6, clips: 40 });
    const drawn = new Map(clips.map(({ clip_id }) => [clip_id, 0]));
    for (let seed = 0; seed < 400; seed++) {
      for (const id of ids(makeSplit(clips, { scheme: 'holdout', test: 0.25, seed }), 'test')) {
        drawn.set(id, drawn.get(id)! + 1);
      }
    }
    for (const count of drawn.values()) {
      expect(count).toBeGreaterThan(60); // 100 expected, standard deviation about 9
      expect(count).toBeLessThan(140);
    }
  });
});

describe('group-kfold', () => {
  it('balances: fold sizes differ by at most the largest speaker', () => {
    const rng = new Rng(4);
    for (let trial = 0; trial < 30; trial++) {
      const clips = randomClips(rng, { labels: 4, speakers: 8 + rng.int(10), clips: 100 + rng.int(200) });
      const split = makeSplit(clips, { scheme: 'group-kfold', folds: 2 + rng.int(5), seed: trial });
      const sizes = byFold(split).map((rows) => ids(rows, 'test').length);
      const largest = Math.max(...[...groupBy(clips, ({ speaker }) => speaker).values()].map(({ length }) => length));
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(largest);
    }
  });

  it('keeps speakers who share a recording in one fold', () => {
    const clips = randomClips(new Rng(5), { labels: 3, speakers: 8, clips: 100 });
    const [a, b] = ['speaker 1', 'speaker 2'].map((name) => clips.find(({ speaker }) => speaker === name)!);
    b!.recording = a!.recording;
    for (const rows of byFold(makeSplit(clips, { scheme: 'group-kfold', folds: 4, seed: 1 }))) {
      const speakers = speakersOf(ids(rows, 'test'), clips);
      expect(speakers.has('speaker 1')).toBe(speakers.has('speaker 2'));
    }
  });
});

describe('leave-one-speaker-out', () => {
  it('has one fold a speaker, in order of their names', () => {
    const clips = ravdess();
    const tests = byFold(makeSplit(clips, { scheme: 'leave-one-speaker-out', seed: 1 })).map((r) => ids(r, 'test'));
    expect(tests.map((test) => [...speakersOf(test, clips)])).toEqual(
      Array.from({ length: 24 }, (_, i) => [`Actor_${String(i + 1).padStart(2, '0')}`]),
    );
  });

  it('refuses speakers who share a recording, and names the clips', () => {
    const clips = randomClips(new Rng(6), { labels: 2, speakers: 6, clips: 40 });
    const [a, b] = ['speaker 1', 'speaker 2'].map((name) => clips.find(({ speaker }) => speaker === name)!);
    b!.recording = a!.recording;
    const split = () => makeSplit(clips, { scheme: 'leave-one-speaker-out', seed: 1 });
    expect(split).toThrow(expect.objectContaining({ name: 'LeakError' }));
    expect(split).toThrow(a!.clip_id);
    expect(split).toThrow(b!.clip_id);
  });
});

describe('presets for RAVDESS', () => {
  it.each(['emobox-6fold', 'luna-jimenez-5fold'] as const)('%s tests its published actors', (scheme) => {
    const clips = ravdess();
    const tests = byFold(makeSplit(clips, { scheme, seed: 1 })).map((rows) => ids(rows, 'test'));
    const actors = tests.map((test) => [...speakersOf(test, clips)].map((name) => Number(name.slice(-2))));
    expect(actors).toEqual(RAVDESS_FOLDS[scheme]);
    expect(RAVDESS_FOLDS[scheme].flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  });

  it('takes actor numbers however they are written', () => {
    const clips = ravdess();
    const split = makeSplit(clips, { scheme: 'emobox-6fold', seed: 1 });
    const renamed = clips.map((clip) => ({ ...clip, speaker: String(Number(clip.speaker.slice(-2))) }));
    expect(makeSplit(renamed, { scheme: 'emobox-6fold', seed: 1 })).toEqual(split);
  });

  it('refuses a corpus without those actors, or with others', () => {
    const clips = ravdess();
    const without = clips.filter(({ speaker }) => !/0[57]$/.test(speaker));
    expect(() => makeSplit(without, { scheme: 'emobox-6fold', seed: 1 })).toThrow(
      /no actor 5, 7[^]*fix: +use group-kfold/,
    );
    const other = [...clips, { clip_id: 'x', label: 'e1', speaker: '1001', recording: 'x' }];
    expect(() => makeSplit(other, { scheme: 'luna-jimenez-5fold', seed: 1 })).toThrow(/other speakers: 1001/);
    const doubled = clips.map((clip, i) => (i === 0 ? { ...clip, speaker: '1' } : clip));
    expect(() => makeSplit(doubled, { scheme: 'emobox-6fold', seed: 1 })).toThrow(/other speakers: Actor_01/);
  });
});

describe('what cannot be split', () => {
  const clips = randomClips(new Rng(7), { labels: 3, speakers: 5, clips: 40 });
  const one: SplitClip = { clip_id: 'only', label: 'rare', speaker: 'nobody', recording: 'only' };

  it('is refused with a reason', () => {
    const refused: [SplitClip[], SplitOptions, RegExp][] = [
      [[], { scheme: 'holdout', test: 0.2, seed: 1 }, /nothing to split/],
      [[one], { scheme: 'leave-one-speaker-out', seed: 1 }, /1 speakers/],
      [[...clips, one], { scheme: 'holdout', test: 0.2, seed: 1 }, /one of rare/],
      [[...clips, one], { scheme: 'kfold', folds: 3, seed: 1 }, /one of rare/],
      [clips, { scheme: 'holdout', test: 1, seed: 1 }, /test is not a share/],
      [clips, { scheme: 'holdout', test: 0.001, seed: 1 }, /at least one clip to test/],
      [clips, { scheme: 'holdout', test: 0.2, validation: -0.1, seed: 1 }, /validation is not a share/],
      [clips, { scheme: 'holdout', test: 0.2, validation: 0.001, seed: 1 }, /for validation/],
      [clips, { scheme: 'kfold', folds: 1, seed: 1 }, /folds is not a count/],
      [clips, { scheme: 'kfold', folds: 41, seed: 1 }, /40 recordings/],
      [clips, { scheme: 'group-kfold', folds: 6, seed: 1 }, /5 speakers/],
      [[clips[0]!, ...clips], { scheme: 'kfold', folds: 3, seed: 1 }, /share an id/],
    ];
    for (const [corpus, options, reason] of refused) expect(() => makeSplit(corpus, options)).toThrow(reason);
  });
});
