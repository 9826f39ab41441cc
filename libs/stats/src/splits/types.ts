/** The vocabulary of splits. */
import { type Role } from '@prosodia/core';

/** What a split needs to know of a clip. */
export interface SplitClip {
  clip_id: string;
  /** What to stratify by, usually the emotion. */
  label: string;
  speaker: string;
  /** Digest of the recording: clips that share one are the same recording and stay together. */
  recording: string;
}

/** The role of one clip in one fold. */
export interface SplitRow {
  clip_id: string;
  fold: number;
  role: Role;
}

export type SplitScheme =
  'holdout' | 'kfold' | 'group-kfold' | 'leave-one-speaker-out' | 'emobox-6fold' | 'luna-jimenez-5fold';

interface Common {
  seed: number;
  /** Share of the training part that becomes validation rows. Default 0: none. */
  validation?: number;
  /** Draw validation rows clip by clip, stratified, or by whole speakers. Default `clip`. */
  validation_by?: 'clip' | 'speaker';
}

/** One fold; `test` is the share of clips, stratified by label. */
export interface HoldoutOptions extends Common {
  scheme: 'holdout';
  test: number;
}

/** `folds` folds; every clip is tested once. `kfold` is stratified by label, `group-kfold` keeps speakers whole. */
export interface KfoldOptions extends Common {
  scheme: 'kfold' | 'group-kfold';
  folds: number;
}

/** One fold a speaker, or the folds of a published protocol. */
export interface FixedFoldsOptions extends Common {
  scheme: 'leave-one-speaker-out' | 'emobox-6fold' | 'luna-jimenez-5fold';
}

export type SplitOptions = HoldoutOptions | KfoldOptions | FixedFoldsOptions;
