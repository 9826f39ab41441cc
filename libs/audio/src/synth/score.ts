/**
 * From a sentence and a manner to a score: what each control of the voice does, every 5 ms.
 *
 * Every sound has fixed targets; smoothing the steps between them gives the transitions that make a consonant
 * recognizable. Speech pitch is declination plus accents on stressed syllables plus a movement on the last one;
 * song holds each syllable on a note.
 */
import type { Rng } from '@prosodia/core';
import type { DemoClip } from './corpus.ts';
import type { Manner } from './manner.ts';
import { melody, type Note } from './melody.ts';
import { sentence, type Phone, type Syllable } from './phones.ts';

/** Control values per second. */
export const CONTROL_RATE = 200;

export interface Score {
  /** Number of control values per track. */
  length: number;
  /** Semitones from the manner's pitch. */
  pitch: Float64Array;
  /** Amplitudes, 0 to about 1.3. */
  voice: Float64Array;
  breath: Float64Array;
  hiss: Float64Array;
  /** In Hz. */
  hissCentre: Float64Array;
  hissWidth: Float64Array;
  formants: readonly Float64Array[];
}

/** One sound with its place in the score, in control steps. */
interface Span {
  phone: Phone;
  start: number;
  end: number;
  /** Index of the syllable, or -1 in silence. */
  syllable: number;
  loudness: number;
}

const FORMANT_SMOOTHING_S = 0.045;
const HISS_SMOOTHING_S = 0.01;
const VOICE_SMOOTHING_S = 0.02;
const PITCH_SMOOTHING_S = 0.08;

/** The score of one clip, silence before and after included. */
export function scoreOf(clip: DemoClip, manner: Manner, rng: Rng): Score {
  const syllables = sentence(clip.statement);
  const notes = clip.vocal_channel === 'song' ? melody(clip, syllables.length) : undefined;
  const spans = layOut(syllables, manner, notes, rng);
  const length = spans.at(-1)!.end;

  const track = (smoothing: number, value: (span: Span) => number): Float64Array => {
    const values = new Float64Array(length);
    for (const span of spans) values.fill(value(span), span.start, span.end);
    return smooth(values, smoothing);
  };
  return {
    length,
    pitch: notes ? songPitch(spans, notes, length) : speechPitch(spans, syllables, manner, length),
    voice: track(VOICE_SMOOTHING_S, ({ phone, loudness }) => phone.voice * loudness),
    breath: track(HISS_SMOOTHING_S, ({ phone, loudness }) => phone.breath * loudness),
    hiss: track(HISS_SMOOTHING_S, ({ phone, loudness }) => phone.hiss * loudness),
    // The place of a hiss does not glide: it changes while the hiss is silent.
    hissCentre: track(0, ({ phone }) => phone.hissCentre),
    hissWidth: track(0, ({ phone }) => phone.hissWidth),
    formants: [0, 1, 2, 3].map((f) => track(FORMANT_SMOOTHING_S, ({ phone }) => phone.formants[f]!)),
  };
}

/** Places all sounds one after another. */
function layOut(syllables: readonly Syllable[], manner: Manner, notes: readonly Note[] | undefined, rng: Rng): Span[] {
  const spans: Span[] = [];
  let time = 0;
  const add = (phone: Phone, seconds: number, syllable: number, loudness: number) => {
    const start = Math.round(time * CONTROL_RATE);
    time += seconds;
    spans.push({ phone, start, end: Math.max(start + 1, Math.round(time * CONTROL_RATE)), syllable, loudness });
  };
  const rest = (like: Phone, seconds: number) => add({ ...like, voice: 0, breath: 0, hiss: 0 }, seconds, -1, 1);

  rest(syllables[0]!.phones[0]!, rng.uniform(0.12, 0.28));
  for (const [s, syllable] of syllables.entries()) {
    if (syllable.startsPhrase) rest(syllable.phones[0]!, manner.pauseSeconds * rng.uniform(0.7, 1.3));
    const isLast = s === syllables.length - 1;
    const stretch = (1 + 0.14 * syllable.stress + (isLast ? 0.35 : 0)) / manner.tempo;
    const loudness = (1 + 0.13 * syllable.stress) * (1 - (0.25 * s) / syllables.length) * rng.uniform(0.92, 1.08);
    const spoken = syllable.phones.map(({ duration }, p) =>
      p === syllable.nucleus ? duration * stretch * rng.uniform(0.9, 1.1) : duration / Math.sqrt(manner.tempo),
    );
    if (notes) {
      const others = spoken.reduce((sum, seconds, p) => (p === syllable.nucleus ? sum : sum + seconds), 0);
      spoken[syllable.nucleus] = Math.max(0.08, notes[s]!.seconds / manner.tempo - others);
    }
    for (const [p, phone] of syllable.phones.entries()) add(phone, spoken[p]!, s, loudness);
  }
  rest(syllables.at(-1)!.phones.at(-1)!, rng.uniform(0.18, 0.32));
  return spans;
}

function speechPitch(
  spans: readonly Span[],
  syllables: readonly Syllable[],
  manner: Manner,
  length: number,
): Float64Array {
  const pitch = new Float64Array(length);
  const last = syllables.length - 1;
  const spoken = spans.filter(({ syllable }) => syllable >= 0);
  const lastStart = spoken.find(({ syllable }) => syllable === last)!.start;
  const lastEnd = spoken.at(-1)!.end;
  let accent = 0;
  for (const { start, end, syllable } of spans) {
    if (syllable >= 0) accent = syllables[syllable]!.stress;
    for (let i = start; i < end; i++) {
      const ending = Math.min(1, Math.max(0, (i - lastStart) / (lastEnd - lastStart)));
      pitch[i] = accent * manner.rangeSemitones + manner.slope * (i / length - 0.5) + manner.ending * ending;
    }
  }
  return smooth(pitch, PITCH_SMOOTHING_S);
}

const VIBRATO_HZ = 5.4;
const VIBRATO_SEMITONES = 0.45;
/** Singers let a note settle before they let it swing. */
const VIBRATO_ONSET_S = 0.18;

function songPitch(spans: readonly Span[], notes: readonly Note[], length: number): Float64Array {
  const pitch = new Float64Array(length);
  const swing = new Float64Array(length);
  let semitones = notes[0]!.semitones;
  let syllableStart = 0;
  let current = -1;
  for (const { start, end, syllable } of spans) {
    if (syllable >= 0 && syllable !== current) {
      current = syllable;
      syllableStart = start;
      semitones = notes[syllable]!.semitones;
    }
    for (let i = start; i < end; i++) {
      const held = (i - syllableStart) / CONTROL_RATE;
      const depth = VIBRATO_SEMITONES * Math.min(1, Math.max(0, (held - VIBRATO_ONSET_S) / 0.15));
      pitch[i] = semitones;
      swing[i] = depth * Math.sin((2 * Math.PI * VIBRATO_HZ * i) / CONTROL_RATE);
    }
  }
  return smooth(pitch, PITCH_SMOOTHING_S).map((value, i) => value + swing[i]!);
}

/** A moving average of `seconds`, run twice, so that steps become S-curves; the ends repeat outwards. */
function smooth(values: Float64Array, seconds: number): Float64Array {
  const reach = Math.round((seconds * CONTROL_RATE) / 2);
  return reach === 0 ? values : average(average(values, reach), reach);
}

function average(values: Float64Array, reach: number): Float64Array {
  const last = values.length - 1;
  return values.map((_, i) => {
    let sum = 0;
    for (let j = i - reach; j <= i + reach; j++) sum += values[Math.min(last, Math.max(0, j))]!;
    return sum / (2 * reach + 1);
  });
}
