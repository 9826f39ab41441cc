/**
 * The features a pipeline may ask for, by name, with their settings. Names are librosa's.
 *
 * A setting that is left out has librosa's default, or what the stage says for all features (`n_mels`).
 */
import { type Static, Type } from '@prosodia/core';
import { FUNCTIONAL_NAMES, type FunctionalName } from '@prosodia/dsp';

const Functional = Type.Unsafe<FunctionalName>(
  Type.Union([
    ...FUNCTIONAL_NAMES.map((name) => Type.Literal(name)),
    Type.String({ pattern: '^p(\\d|[1-9]\\d|100)$' }),
  ]),
);

const functionals = (fallback: FunctionalName[]) =>
  Type.Array(Functional, {
    default: fallback,
    minItems: 1,
    description: 'Functionals over the frames of an item, for form scalars; pNN is a percentile.',
  });

const closed = { additionalProperties: false } as const;

/** A feature with nothing to choose but its functionals. */
const plain = Type.Object({ functionals: functionals(['mean']) }, closed);

const melSettings = {
  n_mels: Type.Optional(Type.Integer({ minimum: 1, description: "Mel bands; default: the stage's n_mels." })),
  fmin: Type.Number({ default: 0, minimum: 0, description: 'Lowest frequency of the mel bands in Hz.' }),
  fmax: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'Highest frequency of the mel bands in Hz; default: sr / 2.' }),
  ),
};

/** From C2 to C7. */
const pitchRange = {
  fmin: Type.Number({ default: 65.4, exclusiveMinimum: 0, description: 'Lowest pitch in Hz.' }),
  fmax: Type.Number({ default: 2093, exclusiveMinimum: 0, description: 'Highest pitch in Hz.' }),
};

const choices = {
  mfcc: Type.Object(
    {
      n_mfcc: Type.Integer({ default: 40, minimum: 1, description: 'Coefficients to keep.' }),
      ...melSettings,
      lifter: Type.Number({ default: 0, minimum: 0, description: 'Sinusoidal liftering; 0 is none.' }),
      functionals: functionals(['mean', 'std']),
      delta_functionals: Type.Array(Functional, {
        default: ['mean'],
        description: 'For form scalars: functionals of the first and second derivatives; empty for no derivatives.',
      }),
      deltas: Type.Integer({
        default: 0,
        minimum: 0,
        maximum: 2,
        description: 'For matrices: derivatives up to this order, as further bands.',
      }),
    },
    closed,
  ),
  mel_db: Type.Object(
    {
      ...melSettings,
      ref: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Literal('max')], {
        default: 1,
        description: 'The power of 0 dB; max: the loudest of the item.',
      }),
      top_db: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
        default: 80,
        description: 'Nothing lies more than this below the loudest of the item; null for no floor.',
      }),
      functionals: functionals(['mean']),
    },
    closed,
  ),
  chroma: plain,
  contrast: plain,
  centroid: plain,
  bandwidth: plain,
  rolloff: plain,
  flatness: plain,
  zcr: plain,
  rms: plain,
  yin: Type.Object({ ...pitchRange, functionals: functionals(['mean', 'std']) }, closed),
  pyin: Type.Object(
    {
      ...pitchRange,
      functionals: functionals(['mean', 'std']),
    },
    {
      ...closed,
      description:
        'Pitch in Hz, and which frames are voiced. Functionals are those of voiced frames, 0 if there are none; the ' +
        'share of voiced frames is voiced_mean. In matrices unvoiced frames hold 0.',
    },
  ),
};

type Choices = { [Name in keyof typeof choices]: Static<(typeof choices)[Name]> };

/** Settings of one feature. */
export type SettingsOf<Name extends keyof Choices> = Choices[Name];

/** One feature group by name; exactly one key. */
export type FeatureSpec = { [Name in keyof Choices]: Pick<Choices, Name> }[keyof Choices];

/** A map with exactly one key. A union would say the same, but validation fills in no defaults inside one. */
export const FeatureSchema = Type.Unsafe<FeatureSpec>(
  Type.Partial(Type.Object(choices), {
    ...closed,
    minProperties: 1,
    maxProperties: 1,
    description: 'One feature group, by name, with its settings.',
  }),
);

export const FEATURE_NAMES = Object.keys(choices);
