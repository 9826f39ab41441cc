/** What a stage tells the conformance suite about itself. */
import type { ArtifactKind, InputSpec, Role } from '@prosodia/core';
import type { Fixture } from './bench.ts';
import type { ToyClip, ToyOptions } from './toys.ts';

/** Whether data must work or must be refused with a ProsodiaError. */
export type Outcome = 'works' | 'refused';

export interface BadParams {
  readonly params: Readonly<Record<string, unknown>>;
  /** The offending place, as the message must name it: `features.0.mfcc.n_mfcc`. */
  readonly path: string;
}

export interface StageCases<
  I extends Record<string, InputSpec> = Record<string, InputSpec>,
  O extends Record<string, ArtifactKind> = Record<string, ArtifactKind>,
> {
  /** Inputs, recordings and parameters for some clips. The same clips must give the same bytes. */
  fixture(clips: readonly ToyClip[]): Fixture<I> | Promise<Fixture<I>>;
  /** Which clips a stage is tried on; default: 16 of two emotions. */
  readonly toys?: ToyOptions;
  /** What becomes of inputs without rows, with the row of one training clip, and without training rows. */
  readonly empty: Outcome;
  readonly one_row: Outcome;
  /** Only for stages that fit. */
  readonly no_training?: Outcome;
  /** Wrong values below the first level of parameters; those at the first level the suite makes up itself. */
  readonly badParams?: readonly BadParams[];
  /** False for a seeded stage whose bytes may be the same for another seed. Default: whether it is seeded. */
  readonly seedMatters?: boolean;
  /** Role of the rows whose change must change the fit. Default: train. */
  readonly learnsFrom?: Exclude<Role, 'test'>;
  /** Outputs that hold nothing but what was fitted. Default: those of the kinds transform and model. */
  readonly fitted?: readonly (keyof O & string)[];
}
