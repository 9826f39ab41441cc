/**
 * How a clip is spoken: what the speaker, the emotion, its intensity and chance each contribute.
 *
 * The directions of change follow the review by P. N. Juslin and P. Laukka, "Communication of emotions in vocal
 * expression and music performance" (Psychological Bulletin 129, 2003); the amounts are chosen so that simple
 * classifiers find the task neither trivial nor impossible. Emotions overlap, each speaker expresses them
 * differently, and each clip varies, so that speakers held out are harder than clips held out.
 */
import { Rng } from '@prosodia/core';
import type { DemoClip, Emotion } from './corpus.ts';

/** The controls of a voice that an emotion moves. All are differences from the speaker's neutral voice. */
interface Expression {
  /** Pitch level, in semitones. */
  pitch: number;
  /** Pitch range, as the logarithm of a factor. */
  range: number;
  /** Where the pitch goes over the sentence and at its very end, in semitones. */
  slope: number;
  ending: number;
  /** Tempo, as the logarithm of a factor. */
  tempo: number;
  /** Level in dB. */
  level: number;
  /** Brightness: less spectral tilt, in dB at 3 kHz. */
  brightness: number;
  /** Breathiness and roughness (jitter, shimmer) on a scale where 1 is plainly heard. */
  breath: number;
  roughness: number;
  /** Trembling of the pitch, in semitones. */
  tremor: number;
  /** Lengthening of pauses, as the logarithm of a factor. */
  pauses: number;
  /** Shift of the first, and of the higher formants, as the logarithm of a factor: jaw and lips. */
  jaw: number;
  lips: number;
}

const KEYS = [
  'pitch',
  'range',
  'slope',
  'ending',
  'tempo',
  'level',
  'brightness',
  'breath',
  'roughness',
  'tremor',
  'pauses',
  'jaw',
  'lips',
] as const satisfies readonly (keyof Expression)[];

const profile = (...values: readonly number[]): Expression =>
  Object.fromEntries(KEYS.map((key, i) => [key, values[i]!])) as unknown as Expression;

/** One row per emotion at full strength, one column per key. */
// prettier-ignore
const EMOTIONS: Record<Emotion, Expression> = {
  //                pitch range slope ending tempo level bright breath rough tremor pauses jaw   lips
  neutral:   profile( 0,   0,    0,    0,     0,    0,    0,     0,     0,    0,     0,     0,    0),
  calm:      profile(-1,  -0.2,  0.3, -0.5,  -0.14,-3,   -2,     0.35,  0,    0,     0.3,   0,   -0.01),
  happy:     profile( 4.5, 0.55, 0.5,  1.5,   0.08, 4.5,  3.5,   0,     0,    0,    -0.3,   0.02, 0.05),
  sad:       profile(-1,  -0.4, -1.5, -1.5,  -0.24,-6,   -5,     0.7,   0.35, 0.1,   0.7,  -0.04,-0.03),
  angry:     profile( 4,   0.4, -1,   -1.5,   0.1,  8.5,  7,    -0.3,   0.6,  0,    -0.3,   0.12, 0),
  fearful:   profile( 6,  -0.1,  0.5,  0.5,   0.18, 1.5,  0.5,   0.6,   0.55, 0.5,   0.2,   0,    0.02),
  disgust:   profile(-1,   0.2, -1.5, -2.5,  -0.16, 0,    1,     0.1,   0.8,  0,     0.3,   0.08,-0.05),
  surprised: profile( 5,   0.7,  2,    5,     0,    2.5,  1.5,   0.3,   0,    0,     0,     0.06, 0.01),
};

/** How much a clip, a speaker's voice, and a speaker's way with one emotion deviate: standard deviations. */
// prettier-ignore
const CLIP_SPREAD =    profile(0.5, 0.1,  0.3, 0.4, 0.035,0.7, 0.6, 0.08, 0.08, 0.04, 0.15,0.015,0.008);
// prettier-ignore
const SPEAKER_SPREAD = profile(0,   0.18, 0.4, 0.4, 0.07, 1.6, 1.4, 0.13, 0.13, 0,    0.2, 0.03, 0.018);
// prettier-ignore
const EMOTION_SPREAD = profile(1.2, 0.18, 0.6, 0.8, 0.07, 1.6, 1.4, 0.18, 0.17, 0.08, 0.25,0.035,0.017);

/** A clip's manner in the units of the synthesizer. */
export interface Manner {
  /** Mean pitch in Hz, and its range in semitones per unit of accent. */
  pitchHz: number;
  rangeSemitones: number;
  /** Pitch movement over the sentence and over its last syllable, in semitones. */
  slope: number;
  ending: number;
  tempo: number;
  /** Linear factor; 1 is normal speech. */
  gain: number;
  /** Low-pass of the glottal source, in dB at 3 kHz; at least 0. */
  tiltDb: number;
  /** Open part of each glottal cycle. */
  openQuotient: number;
  breath: number;
  /** Period-to-period deviation of length and amplitude, relative. */
  jitter: number;
  shimmer: number;
  tremor: number;
  pauseSeconds: number;
  /** Factors on the first formant and on the higher ones. */
  firstFormant: number;
  higherFormants: number;
  formantBandwidth: number;
}

const MALE_PITCH_HZ = 115;
const FEMALE_PITCH_HZ = 200;
const FEMALE_TRACT = 1.16;
const NORMAL_INTENSITY = 0.85;
const STRONG_INTENSITY = 1.2;

/** The manner of `clip`; the same seed always gives the same speakers and the same clips. */
export function mannerOf(clip: DemoClip, seed: number): Manner {
  const speaker = new Rng(seed, 'demo', 'speaker', clip.speaker);
  const pitchHz = (clip.sex === 'male' ? MALE_PITCH_HZ : FEMALE_PITCH_HZ) * 2 ** (speaker.normal(0, 2) / 12);
  const tract = (clip.sex === 'male' ? 1 : FEMALE_TRACT) * Math.exp(speaker.normal(0, 0.04));
  const expressivity = Math.exp(speaker.normal(0, 0.2));
  const openQuotient = speaker.uniform(0.5, 0.65);
  const formantBandwidth = speaker.uniform(0.85, 1.25);
  const ownVoice = draw(speaker, SPEAKER_SPREAD);

  const ownEmotion = draw(new Rng(seed, 'demo', 'habit', clip.speaker, clip.emotion), EMOTION_SPREAD);
  const chance = draw(new Rng(seed, 'demo', 'clip', clip.name), CLIP_SPREAD);
  const strength = clip.emotion === 'neutral' ? 0 : clip.intensity === 'strong' ? STRONG_INTENSITY : NORMAL_INTENSITY;
  const of = (key: keyof Expression): number =>
    ownVoice[key] + chance[key] + strength * expressivity * EMOTIONS[clip.emotion][key] + strength * ownEmotion[key];

  const breath = clamp(0.25 + of('breath'), 0.05, 1.4);
  const roughness = clamp(0.2 + of('roughness'), 0.05, 1.5);
  return {
    pitchHz: pitchHz * 2 ** (of('pitch') / 12),
    rangeSemitones: 2.2 * Math.exp(of('range')),
    slope: -2 + of('slope'),
    ending: -1.5 + of('ending'),
    tempo: Math.exp(of('tempo')),
    gain: 10 ** (clamp(of('level'), -14, 13) / 20),
    tiltDb: clamp(6 - of('brightness'), 0, 24),
    openQuotient: clamp(openQuotient + 0.12 * of('breath') - 0.015 * of('brightness'), 0.35, 0.85),
    breath,
    jitter: 0.004 + 0.016 * roughness,
    shimmer: 0.03 + 0.1 * roughness,
    tremor: clamp(of('tremor'), 0, 1.2),
    pauseSeconds: 0.09 * Math.exp(of('pauses')),
    firstFormant: tract * Math.exp(of('jaw')),
    higherFormants: tract * Math.exp(of('lips')),
    formantBandwidth,
  };
}

function draw(rng: Rng, spread: Expression): Expression {
  return profile(...KEYS.map((key) => rng.normal(0, spread[key])));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
