/**
 * Serving: a stage of a finished run applied to recordings that the run has never seen.
 *
 * The graph that serves is the one that trained, with the user's files in place of the corpus. A stage that
 * neither fits nor looks at the split does the same to new rows as to old ones, so its `run` serves. Any other
 * stage says here how it applies what it has learned, or that it lets new rows pass.
 */
import type { Static, TObject } from 'typebox';
import type { ArtifactKind, InputSpec, Inputs, Outputs, ReaderOf } from './kinds.ts';
import type { StageServices } from './stage.ts';

/** Recordings given by the user, for stages that bring data in. */
export interface GivenRecordings {
  /** Name to show, and where the file is. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
  /** Empty folder, which later stages know as the folder of the corpus {@link GIVEN_CORPUS}. */
  readonly folder: string;
  /** Longer recordings are cut into windows of this length, in seconds. */
  readonly window_s: number;
  /** From the start of one window to that of the next, in seconds. */
  readonly hop_s: number;
  /** A clip that was listed: which part of which file it is, in seconds. */
  placed(clip: { clip_id: string; file: string; start_s: number; end_s: number }): void;
  /** A file that cannot be used; the others go on. */
  refused(file: string, reason: string): void;
}

/** Corpus of the recordings given by the user. */
export const GIVEN_CORPUS = 'given';

export interface ServeContext<P extends TObject, I, O> extends StageServices<Static<P>> {
  /** New rows; only the inputs named in {@link Serving.inputs} are there. */
  readonly inputs: Inputs<I>;
  readonly outputs: Outputs<O>;
  /** What the run saved as this output. Throws a DataError if it is no longer in the store. */
  learned<N extends keyof O & string>(output: N): Promise<ReaderOf<O[N]>>;
  /** Only in the stage that has no inputs. */
  readonly given: GivenRecordings;
}

export interface Serving<
  P extends TObject,
  I extends Record<string, InputSpec>,
  O extends Record<string, ArtifactKind>,
> {
  /** Inputs that new rows come by; the rest, such as the split, has nothing to say of them. */
  readonly inputs: readonly (keyof I & string)[];
  /** Writes the outputs that later stages read; others may be left empty. */
  run(context: ServeContext<P, I, O>): Promise<void>;
}
