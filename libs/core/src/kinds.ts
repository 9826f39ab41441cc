/**
 * What flows between stages: an artifact is a folder of files, and its kind says what is in it.
 *
 * Core knows only the shape of a kind. The kinds themselves (clips, split, audio, features, ...) live
 * in `@prosodia/tables`, because reading and writing them needs Arrow and Parquet.
 */

import type { Shelf } from './shelf.ts';

/** One documented column of a table kind. */
export interface ColumnDoc {
  name: string;
  type: string;
  summary: string;
  /** Of its numbers: `s`, `Hz`, `dB`, `share, 0 to 1`. */
  unit?: string;
}

/** Which rows of a table a stage may see; made by the runner, applied by the kind's reader. */
export interface RowView {
  /** For messages: `training rows of fold 0`. */
  readonly description: string;
  keep(clipId: string): boolean;
}

export interface OpenOptions {
  /** For messages: `stage pca, input features`. */
  where: string;
  view?: RowView;
  /** Where the artifact may lie in place of its folder; a kind that does not know it reads and writes files. */
  shelf?: Shelf | undefined;
}

/**
 * A kind of artifact.
 *
 * `Reader` is what a stage finds in `inputs`, `Writer` what it finds in `outputs`.
 */
export interface ArtifactKind<Reader = unknown, Writer = unknown> {
  readonly id: string;
  readonly summary: string;
  /** Fixed columns, for tables. Kinds with data-dependent columns document the fixed ones. */
  readonly columns?: readonly ColumnDoc[];
  /** True if its writer makes the folder once something goes into it; else it finds an empty one. */
  readonly makesFolder?: true;
  /** Opens a finished artifact. Throws a DataError if the folder does not hold this kind. */
  open(folder: string, options: OpenOptions): Promise<Reader>;
  /** Starts an artifact in an empty folder. The host calls the writer's `close()` when the stage is done. */
  create(folder: string, options: OpenOptions): Promise<Writer>;
}

/** An input that a pipeline may leave out. */
export interface OptionalInput<K extends ArtifactKind = ArtifactKind> {
  readonly arity: 'optional';
  readonly kind: K;
}

/** An input that takes one or more artifacts, in the order the pipeline lists them. */
export interface ManyInput<K extends ArtifactKind = ArtifactKind> {
  readonly arity: 'many';
  readonly kind: K;
}

export type InputSpec = ArtifactKind | OptionalInput | ManyInput;

export function optional<K extends ArtifactKind>(kind: K): OptionalInput<K> {
  return { arity: 'optional', kind };
}

export function many<K extends ArtifactKind>(kind: K): ManyInput<K> {
  return { arity: 'many', kind };
}

/** The kind and arity behind an input declaration. */
export function inputSpec(spec: InputSpec): { kind: ArtifactKind; arity: 'one' | 'optional' | 'many' } {
  return 'arity' in spec ? { kind: spec.kind, arity: spec.arity } : { kind: spec, arity: 'one' };
}

export type ReaderOf<K> = K extends ArtifactKind<infer Reader, infer _> ? Reader : never;
export type WriterOf<K> = K extends ArtifactKind<infer _, infer Writer> ? Writer : never;

export type Inputs<I> = {
  readonly [N in keyof I]: I[N] extends OptionalInput<infer K>
    ? ReaderOf<K> | undefined
    : I[N] extends ManyInput<infer K>
      ? readonly ManyItem<ReaderOf<K>>[]
      : ReaderOf<I[N]>;
};

/** One of several artifacts given to the same input, with the name the pipeline knows it by. */
export interface ManyItem<Reader> {
  /** Stage that made it, for example `dnn`, or `dnn[fold=2]` if it was collected over an axis. */
  readonly from: string;
  readonly artifact: Reader;
}

export type Outputs<O> = { readonly [N in keyof O]: WriterOf<O[N]> };

/** The role of a clip in one fold of a split. */
export type Role = 'train' | 'validation' | 'test';

/** What the reader of a split offers, so that the runner can build training-only views without knowing tables. */
export interface RoleSource {
  /** Role by clip id. Throws a DataError if the split has no such fold. */
  roles(fold: number): Promise<ReadonlyMap<string, Role>>;
}
