/**
 * Speaking rate and pauses without a transcript: syllables are peaks of intensity with a dip before them, where
 * the voice sounds (de Jong and Wempe, "Praat script to detect syllable nuclei and measure speech rate
 * automatically", Behavior Research Methods 41, 2009).
 */
import { autocorrelationPitch } from './boersma.ts';
import { intensity } from './intensity.ts';

/** Options of {@link speakingRate}; defaults are those of the paper. */
export interface SpeakingRateOptions {
  /** Sample rate in Hz. Default 22050. */
  sr?: number;
  /** What lies this many dB below the loudest (but for one per cent of the frames) is silent; below 0. Default -25. */
  silence_db?: number;
  /** A peak counts when the intensity falls by this many dB before the next one. Default 2. */
  minimum_dip_db?: number;
  /** Silences of at least this many seconds are pauses. Default 0.3. */
  minimum_pause?: number;
  /** Sounds of at least this many seconds part two silences. Default 0.1. */
  minimum_sound?: number;
  /** Range of pitches of a voiced peak in Hz. Default 75 and 450. */
  pitch_floor?: number;
  pitch_ceiling?: number;
}

/** The measures of {@link speakingRate}. The utterance lasts from the first sound to the last. */
export interface SpeakingRate {
  readonly n_syllables: number;
  /** Pauses within the utterance: silence before and after it does not count. */
  readonly n_pauses: number;
  /** Mean length of a pause in seconds; 0 if there is none. */
  readonly mean_pause: number;
  /** Share of the utterance that is pause, 0 to 1. */
  readonly pause_share: number;
  /** Seconds of the utterance that are no pause. */
  readonly phonation_time: number;
  /** Syllables per second of the utterance, and of phonation time. */
  readonly speech_rate: number;
  readonly articulation_rate: number;
  /** Seconds of phonation per syllable; 0 if there is no syllable. */
  readonly mean_syllable: number;
}

/** Names of the measures, in the order of {@link SpeakingRate}. */
export const SPEAKING_RATE_NAMES = [
  'n_syllables',
  'n_pauses',
  'mean_pause',
  'pause_share',
  'phonation_time',
  'speech_rate',
  'articulation_rate',
  'mean_syllable',
] as const satisfies readonly (keyof SpeakingRate)[];

/** A stretch of frames, `from` to `to - 1`. */
interface Stretch {
  from: number;
  to: number;
}

/**
 * Speaking rate of a recording. Silence, and a recording shorter than a window (0.13 s), give zeros.
 *
 * @throws DataError for an empty or non-finite signal; RequestError as autocorrelationPitch
 */
export function speakingRate(y: Float32Array, options: SpeakingRateOptions = {}): SpeakingRate {
  const { sr = 22050, silence_db = -25, minimum_dip_db = 2, minimum_pause = 0.3, minimum_sound = 0.1 } = options;
  const { pitch_floor = 75, pitch_ceiling = 450 } = options;
  const contour = intensity(y, { sr });
  const { db, start, step } = contour;
  const sorted = db.slice().sort();
  const threshold = (sorted[Math.floor(0.99 * (sorted.length - 1))] ?? 0) + silence_db;
  const sounds = soundingStretches(db, threshold, minimum_pause / step, minimum_sound / step);
  const first = sounds[0];
  const last = sounds[sounds.length - 1];
  const rates = { n_syllables: 0, n_pauses: 0, mean_pause: 0, pause_share: 0, phonation_time: 0 };
  if (!first || !last) return { ...rates, speech_rate: 0, articulation_rate: 0, mean_syllable: 0 };

  const track = autocorrelationPitch(y, { sr, pitch_floor, pitch_ceiling, time_step: 0.02, voicing_threshold: 0.25 });
  const voiced = (frame: number) => {
    const at = Math.round((start + frame * step - track.start) / track.step);
    return (track.f0[at] ?? 0) > 0;
  };
  const n_syllables = sounds
    .flatMap((sound) => nuclei(db, sound, threshold, minimum_dip_db))
    .filter((frame) => voiced(frame)).length;
  const total = (last.to - first.from) * step;
  const phonation_time = sounds.reduce((sum, { from, to }) => sum + (to - from) * step, 0);
  const n_pauses = sounds.length - 1;
  return {
    n_syllables,
    n_pauses,
    mean_pause: n_pauses === 0 ? 0 : (total - phonation_time) / n_pauses,
    pause_share: (total - phonation_time) / total,
    phonation_time,
    speech_rate: n_syllables / total,
    articulation_rate: n_syllables / phonation_time,
    mean_syllable: n_syllables === 0 ? 0 : phonation_time / n_syllables,
  };
}

/** Stretches at or above the threshold; short silences between them are bridged, then short sounds dropped. */
function soundingStretches(db: Float64Array, threshold: number, pause: number, sound: number): Stretch[] {
  const raw: Stretch[] = [];
  for (let frame = 0; frame < db.length; frame++) {
    // Digital silence has no intensity to be loud by.
    if (db[frame]! < threshold || db[frame]! <= -300) continue;
    const open = raw[raw.length - 1];
    if (open?.to === frame) open.to++;
    else raw.push({ from: frame, to: frame + 1 });
  }
  const long = raw.filter(({ from, to }) => to - from >= sound);
  const joined: Stretch[] = [];
  for (const { from, to } of long) {
    const open = joined[joined.length - 1];
    if (open && from - open.to < pause) open.to = to;
    else joined.push({ from, to });
  }
  return joined;
}

/** Frames of the peaks of one stretch that are set apart by dips. */
function nuclei(db: Float64Array, { from, to }: Stretch, threshold: number, dip: number): number[] {
  const found: number[] = [];
  let current = -1;
  let valley = Infinity;
  for (let frame = from; frame < to; frame++) {
    const here = db[frame]!;
    valley = Math.min(valley, here);
    const peak = here > threshold && here > (db[frame - 1] ?? -Infinity) && here >= (db[frame + 1] ?? -Infinity);
    if (!peak) continue;
    if (current < 0) current = frame;
    else if (Math.min(here, db[current]!) - valley >= dip) {
      found.push(current);
      current = frame;
    } else if (here > db[current]!) current = frame;
    else continue;
    valley = here;
  }
  if (current >= 0) found.push(current);
  return found;
}
