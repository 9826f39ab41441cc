/**
 * Changes to audio that a listener would still give the same label.
 *
 * Each takes its numbers as a range and draws them from the generator of its item, and says what it
 * drew, so that every copy can be traced and made again.
 */
import { addNoise, bandLimit, quantize, resample, reverb, shift } from '@prosodia/audio';
import { RequestError, type Rng, type Static, Type } from '@prosodia/core';
import { pitchShift, timeStretch } from '@prosodia/dsp';

type Limits = {
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
};

const bounds = (limits: Limits) => [Type.Number(limits), Type.Number(limits)] as [Type.TNumber, Type.TNumber];

const range = (low: number, high: number, description: string, limits: Limits = {}) =>
  Type.Tuple(bounds(limits), { default: [low, high], description });

const closed = { additionalProperties: false } as const;
const positive = { exclusiveMinimum: 0 };

const choices = {
  pitch_shift: Type.Object(
    { n_steps: range(-2, 2, 'Semitones, drawn evenly. Formants move along, so the voice seems larger or smaller.') },
    { ...closed, description: 'Pitch without tempo, by a phase vocoder and resampling.' },
  ),
  time_stretch: Type.Object(
    { rate: range(0.8, 1.2, 'Speed; above 1 is faster and shorter.', positive) },
    { ...closed, description: 'Tempo without pitch, by a phase vocoder.' },
  ),
  speed: Type.Object(
    { rate: range(0.9, 1.1, 'As a tape played faster (above 1) or slower: tempo, pitch and formants.', positive) },
    { ...closed, description: 'Tempo and pitch together, by resampling.' },
  ),
  noise: Type.Object(
    {
      color: Type.Union([Type.Literal('white'), Type.Literal('pink')], {
        default: 'white',
        description: 'white: the same power at all frequencies; pink: 3 dB less an octave.',
      }),
      snr_db: Type.Optional(
        Type.Tuple(bounds({}), { description: 'Signal-to-noise ratio in dB; [15, 30] if amplitude is not given.' }),
      ),
      amplitude: Type.Optional(
        Type.Tuple(bounds({ minimum: 0 }), {
          description: "Instead of snr_db: deviation of the noise as a share of the item's peak.",
        }),
      ),
    },
    { ...closed, description: 'Noise added.' },
  ),
  gain: Type.Object(
    { db: range(-6, 6, 'Volume change in dB; samples beyond full scale are kept, not clipped.') },
    { ...closed, description: 'Louder or softer.' },
  ),
  shift: Type.Object(
    {
      seconds: range(-0.3, 0.3, 'How far to move in time; positive is later.'),
      fill: Type.Union([Type.Literal('silence'), Type.Literal('roll')], {
        default: 'silence',
        description: 'What comes in at the other end: zeros, or what went out.',
      }),
    },
    { ...closed, description: 'Moved in time within its length.' },
  ),
  reverb: Type.Object(
    {
      rt60: range(0.2, 0.6, 'Seconds in which the reverberation falls by 60 dB.', positive),
      drr_db: range(0, 10, 'Energy of the direct sound over that of the reverberation, in dB.'),
    },
    { ...closed, description: 'As heard in a room.' },
  ),
  band_limit: Type.Object(
    {
      low_hz: range(300, 300, 'Lower corner frequency; 0 for none. The defaults are the telephone band.', {
        minimum: 0,
      }),
      high_hz: range(3400, 3400, 'Upper corner frequency; at half the sample rate or more for none.', positive),
    },
    { ...closed, description: 'Low and high frequencies taken away, as on the telephone.' },
  ),
  codec: Type.Object(
    {
      bits: range(8, 8, 'Whole number of bits a sample is rounded to.', { minimum: 2, maximum: 24 }),
      law: Type.Union([Type.Literal('mu'), Type.Literal('linear')], {
        default: 'mu',
        description: 'mu: steps that grow with the amplitude, as in telephony; linear: steps of one size.',
      }),
    },
    { ...closed, description: 'Samples rounded to few bits, as by a telephone codec.' },
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

/** The numbers drawn for one change, by the names of its settings. */
export type Drawn = Record<string, number | string>;

export interface Transformed {
  samples: Float32Array;
  drawn: Drawn;
}

const USUAL_SNR: readonly [number, number] = [15, 30];

/** Throws a RequestError for settings that do not go together. */
export function checkTransform(spec: TransformSpec): void {
  if ('noise' in spec && spec.noise.snr_db && spec.noise.amplitude) {
    throw new RequestError({
      problem: 'noise is as loud as either snr_db or amplitude says',
      expected: 'one of them',
      got: 'both',
      where: 'parameter transforms, noise',
    });
  }
}

/**
 * Applies one change. The same samples, spec and generator give the same result.
 * @throws DataError if the samples are not finite; RequestError for numbers out of range at this sample rate
 */
export function applyTransform(samples: Float32Array, sr: number, spec: TransformSpec, rng: Rng): Transformed {
  if ('pitch_shift' in spec) {
    const n_steps = draw(rng, spec.pitch_shift.n_steps);
    return { samples: pitchShift(samples, { sr, n_steps, resample }), drawn: { n_steps } };
  }
  if ('time_stretch' in spec) {
    const rate = draw(rng, spec.time_stretch.rate);
    return { samples: timeStretch(samples, { rate }), drawn: { rate } };
  }
  if ('speed' in spec) {
    const rate = draw(rng, spec.speed.rate);
    return { samples: resample(samples, sr * rate, sr), drawn: { rate } };
  }
  if ('noise' in spec) {
    const { color, amplitude: share, snr_db: ratio = USUAL_SNR } = spec.noise;
    const level = share ? { amplitude: draw(rng, share) } : { snr_db: draw(rng, ratio) };
    return { samples: addNoise(samples, color, level, rng), drawn: { color, ...level } };
  }
  if ('gain' in spec) {
    const db = draw(rng, spec.gain.db);
    const factor = 10 ** (db / 20);
    return { samples: samples.map((sample) => sample * factor), drawn: { db } };
  }
  if ('reverb' in spec) {
    const room = { rt60: draw(rng, spec.reverb.rt60), drr_db: draw(rng, spec.reverb.drr_db) };
    return { samples: reverb(samples, sr, room, rng), drawn: room };
  }
  if ('band_limit' in spec) {
    const low_hz = draw(rng, spec.band_limit.low_hz);
    const high_hz = draw(rng, spec.band_limit.high_hz);
    return { samples: bandLimit(samples, sr, { low: low_hz, high: high_hz }), drawn: { low_hz, high_hz } };
  }
  if ('codec' in spec) {
    const { law } = spec.codec;
    const bits = Math.round(draw(rng, spec.codec.bits));
    return { samples: quantize(samples, { bits, law }), drawn: { bits, law } };
  }
  const { fill } = spec.shift;
  const seconds = draw(rng, spec.shift.seconds);
  return { samples: shift(samples, Math.round(seconds * sr), fill), drawn: { seconds, fill } };
}

function draw(rng: Rng, [low, high]: readonly [number, number]): number {
  return rng.uniform(low, high);
}
