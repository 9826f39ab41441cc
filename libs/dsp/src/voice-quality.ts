/** How a voice sounds, in a few numbers per recording: its pitch, jitter, shimmer and harmonics-to-noise ratio. */
import type { AutocorrelationOptions } from './boersma.ts';
import { harmonicity } from './harmonicity.ts';
import { perturbation, type Perturbation, type PerturbationOptions } from './perturbation.ts';
import { glottalPulses } from './pulses.ts';

/** Options of {@link voiceQuality}; names and defaults are Praat's. */
export interface VoiceQualityOptions extends AutocorrelationOptions, PerturbationOptions {
  /** Share of the loudest frame below which the harmonics-to-noise ratio is not taken. Default 0.1. */
  hnr_silence_threshold?: number;
  /** What stands for a measure that the recording has too few periods for. Default NaN. */
  fill?: number;
}

/** The measures of {@link voiceQuality} by name; durations and amplitudes as shares of their mean. */
export interface VoiceQuality extends Perturbation {
  /** Mean harmonics-to-noise ratio of the frames that have a period, in dB. */
  readonly hnr: number;
  /** Mean and standard deviation of the fundamental frequency of voiced frames, in Hz. */
  readonly f0_mean: number;
  readonly f0_std: number;
  /** Share of frames that are voiced, 0 to 1; 0 for a signal shorter than a frame. */
  readonly voiced_share: number;
}

/** Names of the measures, in the order of {@link VoiceQuality}. */
export const VOICE_QUALITY_NAMES = [
  'jitter_local',
  'jitter_rap',
  'jitter_ppq5',
  'shimmer_local',
  'shimmer_local_db',
  'shimmer_apq3',
  'shimmer_apq5',
  'hnr',
  'f0_mean',
  'f0_std',
  'voiced_share',
] as const satisfies readonly (keyof VoiceQuality)[];

/**
 * Voice quality of a whole recording, as Praat's voice report: pitch by autocorrelation, pulses by
 * cross-correlation, jitter and shimmer over the pulses, harmonicity by autocorrelation.
 *
 * @throws as autocorrelationPitch
 */
export function voiceQuality(y: Float32Array, options: VoiceQualityOptions = {}): VoiceQuality {
  const { sr = 22050, pitch_floor = 75, fill = NaN, hnr_silence_threshold = 0.1 } = options;
  const { times, track } = glottalPulses(y, options);
  const ratios = harmonicity(y, { sr, pitch_floor, silence_threshold: hnr_silence_threshold, fill: NaN }).data;
  const f0 = track.f0.filter((value) => value > 0);
  const f0_mean = mean(f0);
  const found = {
    ...perturbation(y, sr, times, options),
    hnr: mean(Float64Array.from(ratios).filter((value) => !Number.isNaN(value))),
    f0_mean,
    f0_std: Math.sqrt(mean(f0.map((value) => (value - f0_mean) ** 2))),
    voiced_share: track.f0.length === 0 ? 0 : f0.length / track.f0.length,
  };
  const entries = VOICE_QUALITY_NAMES.map((name) => [name, Number.isNaN(found[name]) ? fill : found[name]]);
  return Object.fromEntries(entries) as Record<keyof VoiceQuality, number>;
}

function mean(values: Float64Array): number {
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}
