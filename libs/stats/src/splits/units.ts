/**
 * What a split moves: units, sets of clips that never part.
 *
 * Clips with the same recording are one unit; under a speaker scheme all clips of a speaker are, and so are
 * the speakers that share a recording.
 */
import { groupBy } from '../group-by.ts';
import { type SplitClip } from './types.ts';

export interface Unit {
  clips: SplitClip[];
  /** Label of the first clip; clips of one recording normally agree. */
  label: string;
}

/**
 * Units of clips, in order of the first clip of each.
 *
 * @param by `clip`: one unit a recording; `speaker`: one unit a speaker
 */
export function unitsOf(clips: readonly SplitClip[], by: 'clip' | 'speaker'): Unit[] {
  const parent = new Map<string, string>();
  const root = (key: string): string => {
    let top = key;
    for (let up = parent.get(top); up !== undefined; up = parent.get(top)) top = up;
    return top;
  };
  const owner = (clip: SplitClip) => (by === 'speaker' ? `speaker ${clip.speaker}` : `recording ${clip.recording}`);
  for (const clip of clips) {
    const [a, b] = [root(owner(clip)), root(`recording ${clip.recording}`)];
    if (a !== b) parent.set(b, a);
  }
  return [...groupBy(clips, (clip) => root(owner(clip))).values()].map((members) => ({
    clips: members,
    label: members[0]!.label,
  }));
}

/** All clips of some units. */
export function clipsOf(units: Iterable<Unit>): SplitClip[] {
  return [...units].flatMap(({ clips }) => clips);
}
