/**
 * Changes to features over time: masks as in SpecAugment (D. S. Park and others, 2019), gain, noise.
 *
 * Each draws its numbers from the generator of its item and says what it drew.
 */
import { RequestError, type Rng, type Static, Type } from '@prosodia/core';
import type { FeatureLayout } from '@prosodia/tables';

const closed = { additionalProperties: false } as const;

const mask = (what: string, description: string) =>
  Type.Object(
    {
      max_width: Type.Integer({
        default: 10,
        minimum: 1,
        description: `Widest stripe in ${what}, drawn evenly from 1 on.`,
      }),
      count: Type.Integer({ default: 1, minimum: 1, description: 'Number of stripes; they may overlap.' }),
      value: Type.Union([Type.Number(), Type.Literal('mean')], {
        default: 'mean',
        description: "What a stripe is set to; mean: the item's mean of that channel.",
      }),
    },
    { ...closed, description },
  );

const pair = Type.Tuple([Type.Number(), Type.Number()]);

const choices = {
  time_mask: mask('frames', 'Stripes in time: stretches of frames that are blanked, for features with a frame axis.'),
  frequency_mask: mask('bands', 'Stripes in frequency: bands that are blanked, for features with a band axis.'),
  gain: Type.Object(
    {
      factor: Type.Optional({
        ...pair,
        description: 'All values are multiplied by this; [0.8, 1.2] if db is not given.',
      }),
      db: Type.Optional({ ...pair, description: 'Instead of factor: added to all values, for features in dB.' }),
    },
    { ...closed, description: 'All values made larger or smaller alike.' },
  ),
  noise: Type.Object(
    {
      deviation: Type.Tuple([Type.Number({ minimum: 0 }), Type.Number({ minimum: 0 })], {
        default: [0.01, 0.1],
        description: "Deviation of normal noise on every value, in units of the item's own deviation.",
      }),
    },
    { ...closed, description: 'Normal noise on every value.' },
  ),
};

type Choices = { [Name in keyof typeof choices]: Static<(typeof choices)[Name]> };

/** One change by name; exactly one key. */
export type TransformSpec = { [Name in keyof Choices]: Pick<Choices, Name> }[keyof Choices];

export const TRANSFORM_NAMES = Object.keys(choices);

/** A map with exactly one key. A union would say the same, but validation fills in no defaults inside one. */
export const TransformSchema = Type.Unsafe<TransformSpec>(
  Type.Partial(Type.Object(choices), {
    ...closed,
    minProperties: 1,
    maxProperties: 1,
    description: 'One change, by name, with its ranges.',
  }),
);

export type Drawn = Record<string, number | readonly number[]>;

type Matrix = Extract<FeatureLayout, { form: 'matrix' }>;

/** Throws a RequestError for a mask on features without its axis, or a gain of two kinds. */
export function checkTransform(spec: TransformSpec, layout: FeatureLayout): void {
  const [name] = Object.keys(spec) as [string];
  const axis = 'time_mask' in spec ? 'frame' : 'frequency_mask' in spec ? 'band' : undefined;
  const axes = layout.form === 'matrix' ? layout.axes : [];
  if (axis && !axes.includes(axis)) {
    throw new RequestError({
      problem: `these features have no ${axis}s to mask`,
      expected: 'featurize with form: matrix or channels',
      got: axes.length > 0 ? `axes ${axes.join(', ')}` : 'named columns',
      where: `parameter transforms, ${name}`,
    });
  }
  if ('gain' in spec && spec.gain.factor && spec.gain.db) {
    throw new RequestError({
      problem: 'a gain either multiplies or adds',
      expected: 'factor or db',
      got: 'both',
      where: 'parameter transforms, gain',
    });
  }
}

/** Applies one change to the values of an item, in place, and returns what was drawn. */
export function applyTransform(values: Float32Array, layout: FeatureLayout, spec: TransformSpec, rng: Rng): Drawn {
  if ('time_mask' in spec) return masked(values, layout as Matrix, 'frame', spec.time_mask, rng);
  if ('frequency_mask' in spec) return masked(values, layout as Matrix, 'band', spec.frequency_mask, rng);
  if ('noise' in spec) {
    const deviation = rng.uniform(...spec.noise.deviation);
    const size = deviation * deviationOf(values);
    for (let i = 0; i < values.length; i++) values[i]! += size * rng.normal();
    return { deviation };
  }
  const { db: sum, factor: product = USUAL_FACTOR } = spec.gain;
  if (sum) {
    const db = rng.uniform(...sum);
    for (let i = 0; i < values.length; i++) values[i]! += db;
    return { db };
  }
  const factor = rng.uniform(...product);
  for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return { factor };
}

const USUAL_FACTOR: [number, number] = [0.8, 1.2];

function masked(
  values: Float32Array,
  { shape, axes }: Matrix,
  axis: 'frame' | 'band',
  { max_width, count, value }: Choices['time_mask'],
  rng: Rng,
): Drawn {
  const place = axes.indexOf(axis);
  const size = shape[place]!;
  const inner = shape.slice(place + 1).reduce((product, n) => product * n, 1);
  const channels = axes.at(-1) === 'channel' ? shape.at(-1)! : 1;
  const fill = value === 'mean' ? channelMeans(values, channels) : new Float64Array(channels).fill(value);
  const from: number[] = [];
  const width: number[] = [];
  for (let stripe = 0; stripe < count; stripe++) {
    const wide = 1 + rng.int(Math.min(max_width, size));
    const start = rng.int(size - wide + 1);
    width.push(wide);
    from.push(start);
    for (let at = start * inner; at < values.length; at += size * inner) {
      for (let i = at; i < at + wide * inner; i++) values[i] = fill[i % channels]!;
    }
  }
  return { from, width };
}

/** Channels are the fastest axis. */
function channelMeans(values: Float32Array, channels: number): Float64Array {
  const means = new Float64Array(channels);
  for (let i = 0; i < values.length; i++) means[i % channels]! += values[i]!;
  return means.map((sum) => (sum * channels) / values.length);
}

function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / Math.max(1, values.length);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length));
}
