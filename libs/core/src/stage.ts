/**
 * The contract of a stage: one object from which validation, help, editor schema and types derive.
 *
 * A stage is a pure function of (inputs, params, seed, device class). It writes only through
 * `outputs`. A stage that learns from data declares `fit`: that function is handed views that hold
 * training (and, apart, validation) rows only, so that a test row cannot reach a fitted value.
 */
import type { Static, TObject } from 'typebox';
import type { Compose } from './composing.ts';
import type { Hears } from './hearing.ts';
import type { ArtifactKind, InputSpec, Inputs, Outputs } from './kinds.ts';
import type { Rng } from './random.ts';
import type { Serving } from './serving.ts';

export type { Static };

/** What every part of a stage may use. */
export interface StageServices<Params> {
  readonly params: Params;
  /** Seeded generator; only for stages with `seeded: true` (the seed is then part of the cache key). */
  readonly rng: Rng;
  /** Worker threads this stage may use. Results must not depend on it. */
  readonly threads: number;
  /** For `mapSharded`, where what there is to do may not be worth threads. */
  readonly patience_s?: number | undefined;
  /** The resolved device class, for stages with `device: true`; `cpu` otherwise. */
  readonly device: DeviceClass;
  /** Fires on Ctrl-C or when another stage failed. */
  readonly signal: AbortSignal;
  /** Source recordings by content; the only way to reach a file that is not an artifact. */
  readonly recordings: Recordings;
  /** Notes to itself that outlive a killed run, so that a long stage can go on where it was stopped. */
  readonly scratch: Scratch;
  /** Says how far the stage is; call it as often as convenient, it is throttled. */
  progress(done: number, total: number | undefined, unit?: string): void;
  /** Something the user should know and that is not an error. Kept in the run record, also on a cache hit. */
  notice(message: string): void;
  /**
   * Only where the user's own recordings are predicted: tells of an item that was left out. The stage then goes on
   * whatever is left, because one recording must not take the others with it.
   */
  readonly leftOut?: ((item_id: string, reason: string) => void) | undefined;
  /** Headline numbers, kept in the run record and shown by `runs` and `diff`. */
  metrics(values: Readonly<Record<string, number>>): void;
  /** Text printed at the end of a run, for example a classification report. */
  summary(text: string): void;
}

export type DeviceClass = 'cpu' | 'webgpu' | 'cuda';

/** A recording as the clips table names it. */
export interface RecordingRef {
  corpus: string;
  /** Path below the corpus folder, with forward slashes. */
  path: string;
  /** Lower-case hexadecimal SHA-256 of the file. */
  sha256: string;
}

export interface Recordings {
  /** The bytes of a recording. Throws a DataError if it is gone or its digest is not the pinned one. */
  read(recording: RecordingRef): Promise<Uint8Array>;
  /** The folder of a corpus, as its probe found it. Only `ingest` has a reason to ask. Throws a DataError if unknown. */
  folder(corpus: string): string;
}

/**
 * A few files under the stage's key: whoever runs the same stage on the same inputs with the same code
 * finds what an interrupted run left. They are gone once the stage has succeeded.
 *
 * They save work and nothing else: the outputs must be the same bytes whether anything was found or not.
 */
export interface Scratch {
  /** The bytes last written under this name; undefined if there are none. They may be damaged: check them. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Replaces a file in one step: a later reader finds the old bytes or these, never a part. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}

export interface FitContext<Params, I> extends StageServices<Params> {
  /** All inputs, restricted to rows whose clip is in a training role. */
  readonly training: Inputs<I>;
  /** The same inputs, restricted to validation rows; tables are empty if the split has none. */
  readonly validation: Inputs<I>;
}

export interface RunContext<Params, I, O, State> extends StageServices<Params> {
  readonly inputs: Inputs<I>;
  readonly outputs: Outputs<O>;
  /** What `fit` returned; undefined for stages without it. */
  readonly state: State;
}

/** What a stage needs of the machine while it runs. */
export interface Resources {
  /** Worker threads worth having; `all` for stages that scale with cores. Default 1. */
  threads?: number | 'all';
  /** Peak memory expected, in GiB; stages that do not fit together do not run together. Default 0.5. */
  memory_gb?: number;
  /** Whether it takes the GPU when the run has one; default: whether its numbers depend on the device. */
  gpu?: boolean;
}

/** What a stage's definition says of that. */
export interface StageResources extends Omit<Resources, 'threads'> {
  /** `param`: as many as its parameter `threads` says, for a stage whose numbers depend on it. */
  threads?: Resources['threads'] | 'param';
}

export interface StageDefinition<
  P extends TObject = TObject,
  I extends Record<string, InputSpec> = Record<string, InputSpec>,
  O extends Record<string, ArtifactKind> = Record<string, ArtifactKind>,
  State = unknown,
> {
  /** Name in `uses:`; the same as the stage's folder. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, in Markdown: what it does, with references. */
  readonly details?: string;
  readonly params: P;
  readonly inputs: I;
  readonly outputs: O;
  /** True if the stage draws random numbers; the seed is then part of its key. */
  readonly seeded?: boolean;
  /** True if the numbers depend on the device; the device class is then part of its key. */
  readonly device?: boolean;
  readonly resources?: StageResources;
  /**
   * Module that fingerprints what the stage reads from outside (see {@link ExternalProbe}).
   * Only for stages that bring data in; everything else is a function of its inputs.
   */
  readonly external?: URL;
  /** Learns from training rows. Needs an input named `split`; the fold is `params.fold`, else 0. */
  fit?(context: FitContext<Static<P>, I>): Promise<State>;
  run(context: RunContext<Static<P>, I, O, State>): Promise<void>;
  /** How it applies to new recordings; needed by stages that fit or read a split, else `run` does it. */
  readonly serve?: Serving<P, I, O>;
  /** What is left of a recording after it; a stage that lacks it takes in all that it is given. */
  readonly hears?: Hears<Static<P>>;
  /** What it does to recordings as part of one ONNX graph; a run with a stage that lacks it has no one-file model. */
  readonly compose?: Compose<P, O>;
}

/** Declares a stage; the identity function, there for its types. */
export function defineStage<
  const P extends TObject,
  const I extends Record<string, InputSpec>,
  const O extends Record<string, ArtifactKind>,
  State = undefined,
>(definition: StageDefinition<P, I, O, State>): StageDefinition<P, I, O, State> {
  return definition;
}

/**
 * Default export of a stage's `external` module: finds, or on request brings in, what the stage reads
 * from outside the store, and identifies it by content.
 *
 * It runs before keys are computed, on every run, so it must be quick when nothing changed: ask
 * `digest` for files, it remembers by size, times and inode.
 *
 * @returns undefined if the data is not there and `acquire` is false
 */
export type ExternalProbe = (request: ExternalRequest) => Promise<ExternalState | undefined>;

export interface ExternalRequest {
  /** Parameters of the stage instance, defaults filled in. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Root of the project; `data/` lies in it. */
  readonly root: string;
  /** What the user gave as `--data` or `PROSODIA_DATA`; absolute. */
  readonly dataFolder: string | undefined;
  /** True for `run`, which may download or synthesize; false for `status`, which only looks. */
  readonly acquire: boolean;
  readonly signal: AbortSignal;
  /** BLAKE3 (lower-case hexadecimal) of a file, from memory if its size, times and inode are those last seen. */
  digest(path: string): Promise<string>;
  progress(done: number, total: number | undefined, unit?: string): void;
  notice(message: string): void;
}

export interface ExternalState {
  /** Identifies the outside data by content; part of the stage's key. Never a path or a time. */
  readonly digest: string;
  /** What it stands for, in the words of `why`: `1,440 recordings of ravdess-speech`. */
  readonly description: string;
  /** Where each corpus lies on this machine; absolute paths, not part of any key. */
  readonly folders: Readonly<Record<string, string>>;
}
