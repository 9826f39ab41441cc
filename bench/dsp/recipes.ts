/** What `featurize` is asked for by the recipes, defaults filled in, and the name of the same on the peer's side. */
import { functionals13 } from '@prosodia/dsp';
import type { FeaturizeSetup } from '../../stages/featurize/rows.ts';

type Options = FeaturizeSetup['options'];

export interface RecipeFeatures {
  readonly name: string;
  /** Of the benchmark in peer.py. */
  readonly peer: string;
  readonly options: Options;
}

const whole = { length: undefined, pad_value: 0, align: 'start', normalize: 'none', channel_axis: false } as const;
const cepstra = { fmin: 0, lifter: 0, deltas: 0, delta_functionals: [] };
const decibels = { fmin: 0, top_db: 80 };
const none = { functionals: [] };

const functionals = () => ['mean' as const, 'std' as const, 'min' as const, 'max' as const];
const plain = () => ({ functionals: functionals() });

export const recipes: readonly RecipeFeatures[] = [
  {
    name: 'ensemble',
    peer: 'recipe',
    options: {
      ...whole,
      form: 'scalars',
      channels: [
        [
          { mfcc: { ...cepstra, n_mfcc: 40, ...plain(), delta_functionals: functionals() } },
          { mel_db: { ...decibels, ref: 1, ...plain() } },
          ...[{ chroma: plain() }, { contrast: plain() }, { centroid: plain() }, { bandwidth: plain() }],
          ...[{ rolloff: plain() }, { flatness: plain() }, { zcr: plain() }, { rms: plain() }],
        ],
      ],
    },
  },
  {
    name: 'cnn2d',
    peer: 'channels',
    options: {
      ...whole,
      form: 'channels',
      channels: [
        [{ mel_db: { ...decibels, n_mels: 32, ref: 'max', ...none } }],
        [{ mfcc: { ...cepstra, n_mfcc: 13, ...none } }, { chroma: none }, { contrast: none }],
      ],
      length: { frames: 94 },
    },
  },
  {
    name: 'handcrafted-cnn',
    peer: 'handcrafted',
    options: {
      ...whole,
      form: 'vector',
      channels: [[{ zcr: none }, { rms: none }, { mfcc: { ...cepstra, n_mfcc: 20, ...none } }]],
      length: { frames: 94 },
    },
  },
  {
    name: 'cnn-lstm',
    peer: 'mfcc',
    options: {
      ...whole,
      form: 'matrix',
      channels: [[{ mfcc: { ...cepstra, n_mfcc: 40, ...none } }]],
      length: { frames: 94 },
    },
  },
  {
    name: 'architectures, mel',
    peer: 'mel_db',
    options: {
      ...whole,
      form: 'matrix',
      channels: [[{ mel_db: { ...decibels, ref: 1, ...none } }]],
      length: { frames: 94 },
    },
  },
  {
    name: 'architectures, functionals',
    peer: 'thirteen',
    options: {
      ...whole,
      form: 'scalars',
      channels: [
        [
          { mfcc: { ...cepstra, n_mfcc: 40, functionals: [...functionals13], delta_functionals: [] } },
          { mel_db: { ...decibels, ref: 1, functionals: [...functionals13] } },
        ],
      ],
    },
  },
];
