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

/** A recording given by the user: a file, or the bytes of one. */
export interface GivenFile {
  /** Name to show. */
  readonly name: string;
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array };
  /** Who speaks, where that matters; recordings without it are taken as of one speaker. */
  readonly speaker?: string;
}

/** Recordings given by the user, for stages that bring data in. */
export interface GivenRecordings {
  readonly files: readonly GivenFile[];
  /** Longer recordings are cut into windows of this length, in seconds. */
  readonly window_s: number;
  /** From the start of one window to that of the next, in seconds. */
  readonly hop_s: number;
  /**
   * Makes a recording known to later stages, which read it as `path` of the corpus {@link GIVEN_CORPUS}.
   * @param bytes nobody changes them from then on
   * @param file if the bytes are all of a file of the user
   * @returns for `sha256` in the clips table: the digest if the file is read again, else empty, as there is nothing to check
   */
  keep(path: string, bytes: Uint8Array, file?: GivenFile): Promise<string>;
  /** A clip that was listed: which part of which file it is, in seconds. `file` is the file's place in `files`. */
  placed(clip: { clip_id: string; file: number; start_s: number; end_s: number }): void;
  /** A file that cannot be used; the others go on. */
  refused(file: number, reason: string): void;
}

/** Corpus of the recordings given by the user. */
export const GIVEN_CORPUS = 'given';

export interface ServeContext<P extends TObject, I, O> extends StageServices<Static<P>> {
  /** New rows; only the inputs named in {@link Serving.inputs} are there. */
  readonly inputs: Inputs<I>;
  readonly outputs: Outputs<O>;
  /** What the run saved as this output. Throws a DataError if it is no longer there. */
  learned<N extends keyof O & string>(output: N): Promise<ReaderOf<O[N]>>;
  /**
   * What is made once and kept for as long as the models are loaded, such as a session on a model.
   * It is disposed of by its `dispose`, if it has one.
   */
  once<T>(name: string, make: () => Promise<T>): Promise<T>;
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
  /** Outputs of the run that it needs, and may ask `learned` for. Default: none. */
  readonly learned?: readonly (keyof O & string)[];
  /** True if the probabilities it writes were calibrated on rows that the models had not been fitted on. */
  readonly calibrates?: boolean;
  /** Writes the outputs that later stages read; others may be left empty. */
  run(context: ServeContext<P, I, O>): Promise<void>;
}
