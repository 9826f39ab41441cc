/**
 * Lineage: the columns that lead every derived row back to a recording and an offset in it.
 *
 * An item is a clip, an augmented copy of one, or a segment of either.
 */
import { column } from './table-kind.ts';

export interface ItemRow {
  /** The recording it comes from; decides its fold. */
  clip_id: string;
  /** Unique within the table. A whole, unchanged clip has its clip id here; a copy of `x` is `x+1`, a segment `x@0`. */
  item_id: string;
  /** The item this one was cut or derived from; null for a whole, unchanged clip. */
  parent_item_id: string | null;
  /** Where it begins and ends in its parent's audio, in seconds. */
  start_s: number;
  end_s: number;
  /** What was done to it, such as `pitch_shift`; null if nothing. A segment says what was done to the copy it is of. */
  augmentation: string | null;
  /** The numbers of that, as JSON. */
  augmentation_params: string | null;
  /** Seed of the random choices behind it; null if there were none. */
  seed: number | null;
}

export const itemColumns = [
  column('clip_id', 'utf8', 'the recording this row comes from'),
  column('item_id', 'utf8', 'unique within the table; equals clip_id for a whole, unchanged clip'),
  column('parent_item_id', 'utf8', 'the item it was cut or derived from', { nullable: true }),
  column('start_s', 'float64', 'begin within the parent, in seconds', { unit: 's' }),
  column('end_s', 'float64', 'end within the parent, in seconds', { unit: 's' }),
  column('augmentation', 'utf8', 'what was done to the audio, if anything', { nullable: true }),
  column('augmentation_params', 'utf8', 'its numbers, as JSON', { nullable: true }),
  column('seed', 'float64', 'seed of its random choices', { nullable: true }),
];
