/**
 * The guard of splits: what would make a reported number wrong is refused here, and named.
 *
 * It knows nothing of how a split was made, so it also guards splits read from a file.
 */
import { LeakError, type Role } from '@prosodia/core';
import { groupBy } from '../group-by.ts';
import { type SplitClip, type SplitRow } from './types.ts';

export interface CheckOptions {
  /** Also refuse a speaker on both sides: among the test rows and among the others of one fold. */
  groups?: 'speaker';
  /** Also refuse a speaker among both the training and the validation rows of one fold. */
  validation_groups?: 'speaker';
}

/** How many offenders a message names. */
const NAMED = 8;

/**
 * Checks every fold of a split.
 *
 * @throws LeakError if, in some fold, a recording (by digest) or, on demand, a speaker has several roles; a clip is
 *   missing, unknown or listed twice; or there are no training or no test rows
 */
export function checkSplit(split: readonly SplitRow[], clips: readonly SplitClip[], options: CheckOptions = {}): void {
  const byId = new Map(clips.map((clip) => [clip.clip_id, clip]));
  if (byId.size !== clips.length) {
    const twice = [...groupBy(clips, ({ clip_id }) => clip_id)].filter(([, group]) => group.length > 1);
    refuse('clips share an id', 'each clip_id once', list(twice.map(([id]) => id)));
  }
  const folds = groupBy(split, ({ fold }) => fold);
  if (folds.size === 0) refuse('the split has no rows', 'at least one fold', 'none');
  for (const [fold, rows] of folds) checkFold(`fold ${fold}`, rows, byId, options);
}

function checkFold(
  where: string,
  rows: readonly SplitRow[],
  byId: ReadonlyMap<string, SplitClip>,
  { groups, validation_groups }: CheckOptions,
): void {
  const seen = new Set<string>();
  const twice = rows.filter(({ clip_id }) => seen.size === seen.add(clip_id).size);
  if (twice.length > 0) refuse('clips are listed twice', 'each clip once', list(twice.map(idOf)), where);
  const unknown = rows.filter(({ clip_id }) => !byId.has(clip_id));
  if (unknown.length > 0) refuse('clips are unknown', 'only clips of the corpus', list(unknown.map(idOf)), where);
  const missing = [...byId.keys()].filter((id) => !seen.has(id));
  if (missing.length > 0) refuse('clips have no role', 'a role for every clip', list(missing), where);

  const roles = new Set(rows.map(({ role }) => role));
  for (const role of ['train', 'test'] as const) {
    if (!roles.has(role)) refuse(`no clip has the role ${role}`, `at least one ${role} clip`, 'none', where);
  }

  const members = rows.map(({ clip_id, role }) => ({ clip: byId.get(clip_id)!, role }));
  const recordings = severalSides(
    members,
    ({ clip }) => clip.recording,
    (role) => role,
  );
  if (recordings.length > 0) {
    const named = recordings.map(([, group]) => group.map(({ clip, role }) => `${clip.clip_id} (${role})`).join(' = '));
    refuse('the same recording is on both sides', 'copies of a recording in one role', list(named), where);
  }
  if (groups === 'speaker') {
    const speakers = severalSides(members, speakerOf, (role) => (role === 'test' ? 'test' : 'other'));
    if (speakers.length > 0) refuseSpeakers(speakers, 'test speakers that are in no other role', where);
  }
  if (validation_groups === 'speaker') {
    const inTraining = members.filter(({ role }) => role !== 'test');
    const speakers = severalSides(inTraining, speakerOf, (role) => role);
    if (speakers.length > 0) refuseSpeakers(speakers, 'validation speakers that are not trained on', where);
  }
}

interface Member {
  clip: SplitClip;
  role: Role;
}

const idOf = ({ clip_id }: SplitRow) => clip_id;
const speakerOf = ({ clip }: Member) => clip.speaker;

/** Groups whose members are on more than one side. */
function severalSides(
  members: readonly Member[],
  keyOf: (member: Member) => string,
  sideOf: (role: Role) => string,
): [string, Member[]][] {
  return [...groupBy(members, keyOf)].filter(([, group]) => new Set(group.map(({ role }) => sideOf(role))).size > 1);
}

function refuseSpeakers(speakers: readonly [string, Member[]][], expected: string, where: string): never {
  const named = speakers.map(([speaker, group]) => {
    const counts = [...groupBy(group, ({ role }) => role)].map(([role, { length }]) => `${length} ${role}`);
    return `${speaker} (${counts.join(', ')})`;
  });
  return refuse('the same speaker is on both sides', expected, list(named), where);
}

function list(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${more}`;
}

function refuse(problem: string, expected: string, got: string, where?: string): never {
  throw new LeakError({ problem, expected, got, where: where === undefined ? 'split' : `split, ${where}` });
}
