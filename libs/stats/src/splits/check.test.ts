import { LeakError, Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { randomClips } from '../testing/random.ts';
import { checkSplit, type CheckOptions } from './check.ts';
import { makeSplit } from './make.ts';
import { type SplitClip, type SplitRow } from './types.ts';

const clip = (clip_id: string, speaker: string, recording = clip_id): SplitClip => ({
  clip_id,
  label: 'calm',
  speaker,
  recording,
});
const row = (clip_id: string, role: SplitRow['role'], fold = 0): SplitRow => ({ clip_id, fold, role });

const clips = [clip('a', 'anna'), clip('b', 'anna'), clip('c', 'bert'), clip('d', 'carl')];
const sound = [row('a', 'train'), row('b', 'train'), row('c', 'validation'), row('d', 'test')];

function expectLeak(split: SplitRow[], corpus: SplitClip[], options: CheckOptions, ...reasons: (string | RegExp)[]) {
  const check = () => checkSplit(split, corpus, options);
  expect(check).toThrow(LeakError);
  for (const reason of reasons) expect(check).toThrow(reason);
}

describe('checkSplit', () => {
  it('lets a sound split pass, guards for speakers included', () => {
    checkSplit(sound, clips, { groups: 'speaker', validation_groups: 'speaker' });
  });

  it('refuses a recording on both sides, and names its clips', () => {
    const copied = [clip('a', 'anna', 'same'), clip('b', 'anna'), clip('c', 'bert'), clip('d', 'carl', 'same')];
    expectLeak(sound, copied, {}, /fold 0: the same recording is on both sides/, 'a (train) = d (test)');
    const trainedAndValidated = [clip('a', 'anna', 'same'), clip('b', 'anna'), clip('c', 'bert', 'same'), clips[3]!];
    expectLeak(sound, trainedAndValidated, {}, 'a (train) = c (validation)');
  });

  it('refuses a speaker on both sides under a speaker scheme only, and names the speaker', () => {
    const split = [row('a', 'train'), row('b', 'test'), row('c', 'train'), row('d', 'test')];
    checkSplit(split, clips);
    expectLeak(split, clips, { groups: 'speaker' }, /same speaker/, 'anna (1 train, 1 test)');
    const validated = [row('a', 'validation'), row('b', 'test'), row('c', 'train'), row('d', 'test')];
    expectLeak(validated, clips, { groups: 'speaker' }, 'anna (1 validation, 1 test)');
  });

  it('refuses a speaker in training and validation on demand', () => {
    const split = [row('a', 'train'), row('b', 'validation'), row('c', 'train'), row('d', 'test')];
    checkSplit(split, clips, { groups: 'speaker' });
    expectLeak(split, clips, { validation_groups: 'speaker' }, 'anna (1 train, 1 validation)');
  });

  it('refuses missing, doubled and unknown clips, and names them', () => {
    expectLeak(sound.slice(1), clips, {}, /no role/, /got: +a$/m);
    expectLeak([...sound, row('d', 'train')], clips, {}, /listed twice/, /got: +d$/m);
    expectLeak([...sound, row('z', 'train')], clips, {}, /unknown/, /got: +z$/m);
    expectLeak(sound, [...clips, clip('a', 'dora')], {}, /share an id/);
  });

  it('refuses a fold without training or test rows, and a split without rows', () => {
    expectLeak(
      sound.map((r) => ({ ...r, role: 'train' })),
      clips,
      {},
      /no clip has the role test/,
    );
    expectLeak(
      sound.map((r) => ({ ...r, role: 'test' })),
      clips,
      {},
      /no clip has the role train/,
    );
    expectLeak([], clips, {}, /no rows/);
  });

  it('looks at every fold', () => {
    const second = sound.map((r) => ({ ...r, fold: 3 })).slice(0, 3);
    expectLeak([...sound, ...second], clips, {}, /fold 3/);
  });

  it('names the first offenders of many', () => {
    const many = Array.from({ length: 20 }, (_, i) => clip(`clip ${i}`, 'anna'));
    expectLeak(sound, [...clips, ...many], {}, /clip 7 and 12 more/);
  });

  it('finds any one clip moved to the other side', () => {
    const rng = new Rng(1);
    for (let trial = 0; trial < 20; trial++) {
      const corpus = randomClips(rng, { labels: 3, speakers: 6, clips: 60, copies: 2 });
      const split = makeSplit(corpus, { scheme: 'group-kfold', folds: 3, seed: trial });
      const moved = rng.choice(split);
      moved.role = moved.role === 'test' ? 'train' : 'test';
      expectLeak(split, corpus, { groups: 'speaker' }, /same (speaker|recording)/);
    }
  });
});
