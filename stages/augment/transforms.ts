/**
 * Changes to audio that a listener would still give the same label.
 *
 * Each takes its numbers as a range and draws them from the generator of its item, and says what it
 * drew, so that every copy can be traced and made again.
 */
import { resample } from '@prosodia/audio';
import { type Rng, type Static, Type } from '@prosodia/core';
import { pitchShift, timeStretch } from '@prosodia/dsp';

const range = (
  low: number,
  high: number,
  description: string,
  limits: { minimum?: number; exclusiveMinimum?: number } = {},
) => Type.Tuple([Type.Number(limits), Type.Number(limits)], { default: [low, high], description });

const closed = { additionalProperties: false } as const;

const choices = {
  pitch_shift: Type.Object({ n_steps: range(-2, 2, 'Semitones, drawn evenly. Formants move along.') }, closed),
  time_stretch: Type.Object(
    { rate: range(0.8, 1.2, 'Speed; above 1 is faster and shorter.', { exclusiveMinimum: 0 }) },
    closed,
  ),
  noise: Type.Object({ snr_db: range(15, 30, 'Signal-to-noise ratio of the added white noise, in dB.') }, closed),
  gain: Type.Object(
    { db: range(-6, 6, 'Volume change in dB; samples beyond full scale are kept, not clipped.') },
    closed,
  ),
  shift: Type.Object(
    {
      seconds: range(-0.3, 0.3, 'How far to move in time; positive is later.'),
      fill: Type.Union([Type.Literal('silence'), Type.Literal('roll')], {
        default: 'silence',
        description: 'What comes in at the other end: zeros, or what went out.',
      }),
    },
    closed,
  ),
};

type Choices = { [Name in keyof typeof choices]: Static<(typeof choices)[Name]> };

/** One change by name; exactly one key. */
export type TransformSpec = { [Name in keyof Choices]: Pick<Choices, Name> }[keyof Choices];

/** A map with exactly one key. A union would say the same, but validation fills in no defaults inside one. */
export const TransformSchema = Type.Unsafe<TransformSpec>(
  Type.Partial(Type.Object(choices), {
    ...closed,
    minProperties: 1,
    maxProperties: 1,
    description: 'One change, by name, with its ranges.',
  }),
);

export interface Transformed {
  samples: Float32Array;
  /** The numbers drawn. */
  drawn: Record<string, number | string>;
}

/** Applies one change. The same samples, spec and generator give the same result. */
export function applyTransform(samples: Float32Array, sr: number, spec: TransformSpec, rng: Rng): Transformed {
  if ('pitch_shift' in spec) {
    const n_steps = draw(rng, spec.pitch_shift.n_steps);
    return { samples: pitchShift(samples, { sr, n_steps, resample }), drawn: { n_steps } };
  }
  if ('time_stretch' in spec) {
    const rate = draw(rng, spec.time_stretch.rate);
    return { samples: timeStretch(samples, { rate }), drawn: { rate } };
  }
  if ('noise' in spec) {
    const snr_db = draw(rng, spec.noise.snr_db);
    return { samples: addNoise(samples, snr_db, rng), drawn: { snr_db } };
  }
  if ('gain' in spec) {
    const db = draw(rng, spec.gain.db);
    const factor = 10 ** (db / 20);
    return { samples: samples.map((sample) => sample * factor), drawn: { db } };
  }
  const seconds = draw(rng, spec.shift.seconds);
  return {
    samples: shift(samples, Math.round(seconds * sr), spec.shift.fill),
    drawn: { seconds, fill: spec.shift.fill },
  };
}

function draw(rng: Rng, [low, high]: readonly [number, number]): number {
  return rng.uniform(low, high);
}

/** White Gaussian noise at a signal-to-noise ratio over the whole item; silence stays silent. */
function addNoise(samples: Float32Array, snrDb: number, rng: Rng): Float32Array {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  const deviation = Math.sqrt(power / 10 ** (snrDb / 10));
  return samples.map((sample) => sample + deviation * rng.normal());
}

function shift(samples: Float32Array, by: number, fill: 'silence' | 'roll'): Float32Array {
  const { length } = samples;
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const from = i - by;
    if (from >= 0 && from < length) out[i] = samples[from]!;
    else if (fill === 'roll') out[i] = samples[((from % length) + length) % length]!;
  }
  return out;
}
