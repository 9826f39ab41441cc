/**
 * Measures that an item has one of, by Praat's methods: they have frames of their own, or none.
 *
 * A measure that an item is too short or too silent for is 0: a table of features must be finite.
 */
import { DataError, ProsodiaError } from '@prosodia/core';
import {
  SPEAKING_RATE_NAMES,
  VOICE_QUALITY_NAMES,
  autocorrelationPitch,
  egemaps,
  formants,
  functionals,
  speakingRate,
  voiceQuality,
  zeros,
} from '@prosodia/dsp';
import { type MeasureSpec, type SettingsOf, chosenFunctionals } from './features.ts';

type Named = [name: string, value: number];

/**
 * The measures of a group by name.
 * @param y mono samples, at least one
 * @throws DataError if the samples are none or not finite, or a measure is not; RequestError for settings that do not
 *   go together. Both name the feature.
 */
export function measures(y: Float32Array, sr: number, spec: MeasureSpec): Named[] {
  const [group] = Object.keys(spec) as [string];
  try {
    const found = measured(y, sr, spec);
    const bad = found.find(([, value]) => !Number.isFinite(value));
    if (bad) throw new DataError({ problem: 'a feature is not a finite number', got: `${bad[1]} in ${bad[0]}` });
    return found;
  } catch (error) {
    throw error instanceof ProsodiaError ? error.at(`feature ${group}`) : error;
  }
}

function measured(y: Float32Array, sr: number, spec: MeasureSpec): Named[] {
  if ('voice_quality' in spec) {
    const found = voiceQuality(y, { sr, ...spec.voice_quality, fill: 0 });
    return VOICE_QUALITY_NAMES.map((name) => [name, found[name]]);
  }
  if ('speaking_rate' in spec) {
    const found = speakingRate(y, { sr });
    return SPEAKING_RATE_NAMES.map((name) => [name, found[name]]);
  }
  if ('egemaps' in spec) return Object.entries(egemaps(y, { sr, fill: 0 }));
  return resonances(y, sr, spec.formants);
}

/** Functionals of the first three formants and of their bandwidths over the voiced frames that have them. */
function resonances(y: Float32Array, sr: number, settings: SettingsOf<'formants'>): Named[] {
  const { pitch_floor, pitch_ceiling, formant_ceiling } = settings;
  const names = chosenFunctionals(settings.functionals);
  const voice = autocorrelationPitch(y, { sr, pitch_floor, pitch_ceiling });
  const { frequencies, bandwidths, start, step } = formants(y, { sr, formant_ceiling });
  const voiced = (row: number) => (voice.f0[Math.round((start + row * step - voice.start) / voice.step)] ?? 0) > 0;
  return ['f1', 'f2', 'f3'].flatMap((formant, k) =>
    [frequencies, bandwidths].flatMap(({ data, rows, cols }, part): Named[] => {
      const heard = Array.from({ length: rows }, (_, row) => row)
        .filter(voiced)
        .map((row) => data[row * cols + k]!)
        .filter((value) => !Number.isNaN(value));
      const course = heard.length > 0 ? { data: Float32Array.from(heard), rows: heard.length, cols: 1 } : zeros(1, 1);
      const values = functionals(course, names).data;
      const column = part === 0 ? formant : `${formant}_bandwidth`;
      return names.map((name, f) => [`${column}_${name}`, values[f]!]);
    }),
  );
}
