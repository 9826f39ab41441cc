/**
 * The checks against leaks that a report names, so that its reader need not take them on trust.
 *
 * What fails is refused, here or where the rows were gathered; a report exists only if all of it held. What could not
 * be checked, for want of a split, is listed as such.
 */
import { LeakError } from '@prosodia/core';
import type { ClipRow, SplitRow } from '@prosodia/tables';
import type { Judged } from './rows.ts';

export interface LeakCheck {
  what: string;
  result: 'passed' | 'not checked';
  detail: string;
}

/** How many offenders a message names. */
const NAMED = 5;

/**
 * @param split undefined if the report was given none
 * @throws LeakError if a recording that is judged was also trained on, under another name
 */
export function leakChecks(
  judged: Judged,
  clips: ReadonlyMap<string, ClipRow>,
  split: readonly SplitRow[] | undefined,
  where: string,
): LeakCheck[] {
  const rows = judged.rows.length.toLocaleString('en-US');
  const role = judged.rows[0]!.role;
  const withSplit = (what: string, detail: string): LeakCheck =>
    split
      ? { what, result: 'passed', detail }
      : { what, result: 'not checked', detail: 'the split was not given to the report' };
  if (split && role !== 'train') requireNoCopyInTraining(judged, clips, split, where);
  return [
    withSplit(
      'Every row judged has the role that the split gives to its recording.',
      `${rows} rows of role ${role}, derived rows by the recording they come from`,
    ),
    withSplit(
      'No recording judged is among the training rows under another name.',
      'compared by SHA-256 of the files, fold by fold',
    ),
    {
      what: 'No model, scaler, projection or vote was fitted on a row it is judged on.',
      result: 'passed',
      detail:
        role === 'test'
          ? 'nor was anything selected with one, such as the best epoch or a trial of a search'
          : `rows of role ${role}; on these something may have been selected`,
    },
    { what: 'No row is counted twice.', result: 'passed', detail: `${rows} rows, each predicted once in its fold` },
  ];
}

function requireNoCopyInTraining(
  { rows, clips: ownClips }: Judged,
  clips: ReadonlyMap<string, ClipRow>,
  split: readonly SplitRow[],
  where: string,
): void {
  const trained = new Map<string, string>();
  for (const { fold, clip_id, role } of split) {
    const clip = role === 'train' ? clips.get(clip_id) : undefined;
    if (clip) trained.set(`${fold} ${clip.sha256}`, clip_id);
  }
  const copies = new Set<string>();
  rows.forEach(({ fold, clip_id }, r) => {
    const twin = trained.get(`${fold} ${ownClips[r]!.sha256}`);
    if (twin !== undefined) copies.add(`${clip_id} = ${twin} (train), fold ${fold}`);
  });
  if (copies.size === 0) return;
  const named = [...copies].slice(0, NAMED).join('; ');
  throw new LeakError({
    problem: 'the same recording is judged and trained on',
    expected: 'copies of a recording on one side of the split',
    got: copies.size > NAMED ? `${named} and ${copies.size - NAMED} more` : named,
    where,
    fix: 'split with the split stage, which keeps equal recordings together, or remove the copies',
  });
}
