/**
 * Makes a split: a role for every clip in every fold.
 *
 * Clips are put in order of their ids before anything is drawn, and every draw has a generator of its own, so a
 * split depends on the set of clips, the options and the seed, and on nothing else. Every split made passes
 * {@link checkSplit} before it is returned.
 */
import { DataError, RequestError, Rng, type Role } from '@prosodia/core';
import { groupBy } from '../group-by.ts';
import { compareCodePoints } from '../labels.ts';
import { checkSplit } from './check.ts';
import { dealGroups, dealStratified, drawGroups, drawStratified } from './draw.ts';
import { presetFolds } from './presets.ts';
import { type SplitClip, type SplitOptions, type SplitRow } from './types.ts';
import { clipsOf, unitsOf } from './units.ts';

/**
 * Splits clips into roles; one row for each clip and fold, in order of fold and clip id.
 *
 * - `holdout`: one fold; a share of the clips is tested, stratified by label.
 * - `kfold`: every clip is tested in one of `folds` folds, stratified by label.
 * - `group-kfold`: every speaker is tested in one of `folds` folds of nearly equal size.
 * - `leave-one-speaker-out`: one fold a speaker, in order of their names.
 * - `emobox-6fold`, `luna-jimenez-5fold`: published folds of the RAVDESS actors.
 *
 * Clips of the same recording always share a role. Stratification is exact within one clip of each label.
 *
 * @throws RequestError for a share or a number of folds out of range
 * @throws DataError for too few clips, speakers or clips of a label; for a preset that does not fit the speakers
 * @throws LeakError if speakers that the scheme must part share a recording
 */
export function makeSplit(clips: readonly SplitClip[], options: SplitOptions): SplitRow[] {
  const { validation = 0, validation_by = 'clip' } = options;
  if (clips.length === 0) throw new DataError({ problem: 'nothing to split', expected: 'clips', got: 'none' });
  if (validation !== 0) requireShare('validation', validation);
  const rng = new Rng(options.seed, 'split', options.scheme);
  const sorted = [...clips].sort((a, b) => compareCodePoints(a.clip_id, b.clip_id));
  const tests = testSets(sorted, options, rng);
  const split = tests.flatMap((test, fold) => {
    const testIds = new Set(test.map(({ clip_id }) => clip_id));
    const rest = sorted.filter(({ clip_id }) => !testIds.has(clip_id));
    const held = validation > 0 ? validationIds(rest, validation, validation_by, rng.fork('validation', fold)) : null;
    const roleOf = (id: string): Role => (testIds.has(id) ? 'test' : held?.has(id) ? 'validation' : 'train');
    return sorted.map(({ clip_id }): SplitRow => ({ clip_id, fold, role: roleOf(clip_id) }));
  });
  const bySpeaker = options.scheme !== 'holdout' && options.scheme !== 'kfold';
  checkSplit(split, clips, {
    ...(bySpeaker ? { groups: 'speaker' } : {}),
    ...(validation > 0 && validation_by === 'speaker' ? { validation_groups: 'speaker' } : {}),
  });
  return split;
}

/** The clips tested in each fold. */
function testSets(clips: readonly SplitClip[], options: SplitOptions, rng: Rng): SplitClip[][] {
  switch (options.scheme) {
    case 'holdout': {
      requireShare('test', options.test);
      requireTwoOfEachLabel(clips);
      const test = drawStratified(unitsOf(clips, 'clip'), options.test, rng.fork('test'));
      if (test.size === 0) throw tooFew(`${options.test} of ${clips.length} clips`, 'at least one clip to test');
      return [clipsOf(test)];
    }
    case 'kfold': {
      requireFolds(options.folds);
      requireTwoOfEachLabel(clips);
      const units = unitsOf(clips, 'clip');
      if (units.length < options.folds) throw tooFew(`${units.length} recordings`, `${options.folds} or more`);
      return dealStratified(units, options.folds, rng.fork('test')).map(clipsOf);
    }
    case 'group-kfold': {
      requireFolds(options.folds);
      const units = unitsOf(clips, 'speaker');
      if (units.length < options.folds) throw tooFew(`${units.length} speakers`, `${options.folds} or more`);
      return dealGroups(units, options.folds, rng.fork('test')).map(clipsOf);
    }
    case 'leave-one-speaker-out': {
      const speakers = [...groupBy(clips, ({ speaker }) => speaker)];
      if (speakers.length < 2) throw tooFew(`${speakers.length} speakers`, '2 or more');
      return speakers.sort(([a], [b]) => compareCodePoints(a, b)).map(([, group]) => group);
    }
    case 'emobox-6fold':
    case 'luna-jimenez-5fold': {
      const foldOf = presetFolds(
        options.scheme,
        clips.map(({ speaker }) => speaker),
      );
      const folds = groupBy(clips, ({ speaker }) => foldOf.get(speaker)!);
      return [...folds].sort(([a], [b]) => a - b).map(([, group]) => group);
    }
  }
}

function validationIds(rest: readonly SplitClip[], share: number, by: 'clip' | 'speaker', rng: Rng): Set<string> {
  const units = unitsOf(rest, by);
  const drawn = by === 'clip' ? drawStratified(units, share, rng) : drawGroups(units, share, rng);
  if (drawn.size === 0 || drawn.size === units.length) {
    throw tooFew(
      `${share} of ${units.length} ${by === 'clip' ? 'recordings' : 'speakers'} for validation`,
      'some for each',
    );
  }
  return new Set(clipsOf(drawn).map(({ clip_id }) => clip_id));
}

function requireShare(name: string, share: number): void {
  if (share > 0 && share < 1) return;
  throw new RequestError({
    problem: `${name} is not a share`,
    expected: 'a number between 0 and 1',
    got: String(share),
  });
}

function requireFolds(folds: number): void {
  if (Number.isInteger(folds) && folds >= 2) return;
  throw new RequestError({ problem: 'folds is not a count', expected: 'a whole number from 2 on', got: String(folds) });
}

/** With one recording of a label, some fold would train without that label. */
function requireTwoOfEachLabel(clips: readonly SplitClip[]): void {
  const single = [...groupBy(unitsOf(clips, 'clip'), ({ label }) => label)].filter(([, units]) => units.length < 2);
  if (single.length > 0)
    throw tooFew(`one of ${single.map(([label]) => label).join(', ')}`, '2 recordings of each label or more');
}

function tooFew(got: string, expected: string): DataError {
  return new DataError({ problem: 'too few clips for this split', expected, got });
}
