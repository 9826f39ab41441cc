/**
 * Hearing: how much of a recording comes through to a model.
 *
 * A stage that cuts what it is given to one length, or into pieces, says here what is left. From that follows how
 * long a window may be for all of it to be heard, and what a user has to be told who wants longer ones.
 */

/** A stretch of a recording, in seconds. */
export interface Stretch {
  readonly start_s: number;
  readonly end_s: number;
}

export interface Hearing {
  /** Hz; undefined before there is audio. */
  readonly rate: number | undefined;
  /** What each item holds that came of the recording, silence that was added left out. */
  readonly items: readonly Stretch[];
}

/** What is left of what a stage is given; it does not throw, and what it cannot know it takes to be left. */
export type Hears<Params> = (given: Hearing & { readonly params: Params }) => Hearing;
