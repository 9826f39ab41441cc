/**
 * The features a pipeline may ask for, by name, with their settings. Names are librosa's where librosa has them, and
 * Praat's for the voice.
 *
 * A setting that is left out has the library's default, or what the stage says for all features (`n_mels`).
 */
import { type Static, Type } from '@prosodia/core';
import { FUNCTIONAL_NAMES, type FunctionalName, functionals13 } from '@prosodia/dsp';

/** Several functionals by one name. */
const PRESETS = { functionals13 } as const;

export type FunctionalChoice = FunctionalName | keyof typeof PRESETS;

/** The functionals that are asked for, presets spelled out, each once. */
export function chosenFunctionals(choices: readonly FunctionalChoice[]): FunctionalName[] {
  return [...new Set(choices.flatMap((name) => (name === 'functionals13' ? PRESETS[name] : [name])))];
}

const Functional = Type.Unsafe<FunctionalChoice>(
  Type.Union([
    ...[...FUNCTIONAL_NAMES, ...Object.keys(PRESETS)].map((name) => Type.Literal(name)),
    Type.String({ pattern: '^p(\\d|[1-9]\\d|100)$' }),
  ]),
);

const functionals = (fallback: FunctionalName[]) =>
  Type.Array(Functional, {
    default: fallback,
    minItems: 1,
    description:
      'Functionals over the frames of an item, for form scalars; pNN is a percentile, functionals13 stands for ' +
      `${functionals13.join(', ')}.`,
  });

const closed = { additionalProperties: false } as const;

/** A feature with nothing to choose but its functionals. */
const plain = (description: string) => Type.Object({ functionals: functionals(['mean']) }, { ...closed, description });

const melSettings = {
  n_mels: Type.Optional(Type.Integer({ minimum: 1, description: "Mel bands; default: the stage's n_mels." })),
  fmin: Type.Number({ default: 0, minimum: 0, description: 'Lowest frequency of the mel bands in Hz.' }),
  fmax: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'Highest frequency of the mel bands in Hz; default: sr / 2.' }),
  ),
};

/** Derivatives over time, for cepstra. */
const derivatives = (fallback: FunctionalName[]) => ({
  delta_functionals: Type.Array(Functional, {
    default: fallback,
    description: 'For form scalars: functionals of the first and second derivatives; empty for no derivatives.',
  }),
  deltas: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 2,
    description: 'For matrices: derivatives up to this order, as further bands.',
  }),
});

/** Of a bank of filters other than the mel bands. */
const bank = (lowest: number, lowestIs: string) => ({
  n_filters: Type.Integer({ default: 40, minimum: 1, description: 'Filters in the bank.' }),
  fmin: Type.Number({ default: lowest, minimum: 0, description: `${lowestIs} in Hz.` }),
  fmax: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'Upper end of the bank in Hz; default: sr / 2.' }),
  ),
});

const gaussianBank = {
  ...bank(0, 'Lower edge of the lowest filter'),
  alpha: Type.Number({
    default: 2,
    exclusiveMinimum: 0,
    description: "A filter's standard deviation is the distance to the next centre divided by this.",
  }),
};

const lifter = Type.Number({ default: 0, minimum: 0, description: 'Sinusoidal liftering; 0 is none.' });

const coefficients = Type.Integer({
  default: 20,
  minimum: 1,
  description: 'Coefficients to keep, at most one per filter.',
});

/** Voices from the lowest to the highest, for the methods of Praat. */
const voiceRange = {
  pitch_floor: Type.Number({ default: 75, exclusiveMinimum: 0, description: 'Lowest pitch in Hz.' }),
  pitch_ceiling: Type.Number({ default: 600, exclusiveMinimum: 0, description: 'Highest pitch in Hz.' }),
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
      lifter,
      functionals: functionals(['mean', 'std']),
      ...derivatives(['mean']),
    },
    { ...closed, description: 'Mel-frequency cepstral coefficients, from mel bands in dB.' },
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
    { ...closed, description: 'Mel bands in dB.' },
  ),
  gaussian_cepstra: Type.Object(
    {
      n_coefficients: coefficients,
      ...gaussianBank,
      lifter,
      functionals: functionals(['mean', 'std']),
      ...derivatives([]),
    },
    { ...closed, description: 'Cepstra from Gaussian filters evenly spaced in mels, on the power spectrum.' },
  ),
  gaussian_db: Type.Object(
    { ...gaussianBank, functionals: functionals(['mean']) },
    { ...closed, description: 'Energies of the Gaussian filters in dB, the cepstra without the cosine transform.' },
  ),
  gammatone_cepstra: Type.Object(
    {
      n_coefficients: coefficients,
      ...bank(50, 'Centre of the lowest filter'),
      compression: Type.Union([Type.Literal('log'), Type.Literal('cubic_root')], {
        default: 'log',
        description: 'log takes decibels; cubic_root is closer to loudness.',
      }),
      lifter,
      functionals: functionals(['mean', 'std']),
      ...derivatives([]),
    },
    { ...closed, description: "Cepstra from gammatone filters, which follow the ear's own." },
  ),
  chroma: plain('Energy of the twelve pitch classes, the strongest of a frame being 1.'),
  tonnetz: plain('Six tonal centroids, from the chroma.'),
  contrast: plain('Peaks above valleys of the spectrum in seven octave bands, in dB.'),
  centroid: plain('Centre of gravity of the spectrum, in Hz.'),
  bandwidth: plain('Spread of the spectrum about its centroid, in Hz.'),
  rolloff: plain('Frequency below which 85 % of the magnitude lies, in Hz.'),
  flatness: plain('How much the spectrum is like noise: 0 for a tone, 1 for white noise.'),
  zcr: plain('Zero crossings per sample, from 0 to 1.'),
  rms: plain('Root mean square of the samples of a frame; full scale is 1.'),
  yin: Type.Object(
    { ...pitchRange, functionals: functionals(['mean', 'std']) },
    { ...closed, description: 'Pitch in Hz of every frame, voiced or not.' },
  ),
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
  voice_quality: Type.Object(voiceRange, {
    ...closed,
    description:
      "Praat's voice report, for form scalars: jitter_* and shimmer_* (shares; shimmer_local_db in dB), hnr (dB), " +
      'f0_mean and f0_std (Hz), voiced_share. 0 where an item has too few periods to tell.',
  }),
  formants: Type.Object(
    {
      ...voiceRange,
      formant_ceiling: Type.Number({
        default: 5500,
        exclusiveMinimum: 0,
        description: 'Highest frequency looked at in Hz: about 5500 for women, 5000 for men.',
      }),
      functionals: functionals(['mean', 'std']),
    },
    {
      ...closed,
      description:
        "Praat's (Burg), for form scalars: functionals of f1, f2 and f3 and of their bandwidths, in Hz, over voiced " +
        'frames; 0 if there are none.',
    },
  ),
  egemaps: Type.Object(
    {},
    {
      ...closed,
      description:
        'For form scalars: the 88 functionals of eGeMAPSv02, by its names. eGeMAPS-style: docs/results.md says group ' +
        'by group how near they are to openSMILE. 0 where an item has nothing to take one from, as of voice in a whisper.',
    },
  ),
  speaking_rate: Type.Object(
    {},
    {
      ...closed,
      description:
        'For form scalars: n_syllables (peaks of intensity in voiced sound), n_pauses, mean_pause (s), pause_share, ' +
        'phonation_time (s), speech_rate and articulation_rate (syllables/s), mean_syllable (s).',
    },
  ),
};

type Choices = { [Name in keyof typeof choices]: Static<(typeof choices)[Name]> };

/** Settings of one feature. */
export type SettingsOf<Name extends keyof Choices> = Choices[Name];

type OneOf<Names extends keyof Choices> = { [Name in Names]: Pick<Choices, Name> }[Names];

/** One feature group by name; exactly one key. */
export type FeatureSpec = OneOf<keyof Choices>;

/** A group that measures an item as a whole, frames of its own included. */
export type MeasureSpec = OneOf<'voice_quality' | 'formants' | 'speaking_rate' | 'egemaps'>;

/** A group that has a value for every frame. */
export type CourseSpec = Exclude<FeatureSpec, MeasureSpec>;

export function isMeasure(spec: FeatureSpec): spec is MeasureSpec {
  return ['voice_quality', 'formants', 'speaking_rate', 'egemaps'].some((name) => name in spec);
}

export function isCourse(spec: FeatureSpec): spec is CourseSpec {
  return !isMeasure(spec);
}

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
