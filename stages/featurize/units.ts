/**
 * Units of the numbers that the feature groups give, by the names of their columns.
 *
 * A functional has the unit of its feature, but for those that measure a shape, which have none, and the slope.
 */
import type { Units } from '@prosodia/core';
import { type FeatureSpec, isCourse } from './features.ts';

const SHARE = 'share, 0 to 1';

/** Of features that have a value for every frame. */
const COURSES: Units = {
  mfcc: 'dB',
  gaussian_cepstra: 'dB',
  gammatone_cepstra: 'dB',
  gaussian_db: 'dB',
  mel_db: 'dB',
  chroma: 'share of the strongest class, 0 to 1',
  contrast: 'dB',
  centroid: 'Hz',
  bandwidth: 'Hz',
  rolloff: 'Hz',
  flatness: SHARE,
  zcr: SHARE,
  rms: 'full scale = 1',
  yin: 'Hz',
  pyin: 'Hz',
};

/** Of measures of a whole item. */
const MEASURES: Readonly<Record<string, Units>> = {
  voice_quality: {
    'jitter_*': 'share',
    'shimmer_*': 'share',
    shimmer_local_db: 'dB',
    hnr: 'dB',
    f0_mean: 'Hz',
    f0_std: 'Hz',
    voiced_share: SHARE,
  },
  formants: { ...course('f1', 'Hz'), ...course('f2', 'Hz'), ...course('f3', 'Hz') },
  speaking_rate: {
    n_syllables: 'syllables',
    n_pauses: 'pauses',
    mean_pause: 's',
    pause_share: SHARE,
    phonation_time: 's',
    speech_rate: 'syllables/s',
    articulation_rate: 'syllables/s',
    mean_syllable: 's',
  },
  egemaps: {
    'F0semitoneFrom27.5Hz_*': 'semitones from 27.5 Hz',
    'F0semitoneFrom27.5Hz_*Slope': 'semitones/s',
    'loudness_*Slope': '1/s',
    'jitterLocal_*': 'share',
    'shimmerLocaldB_*': 'dB',
    'HNRdBACF_*': 'dB',
    'logRelF0-*': 'dB',
    'F1frequency_*': 'Hz',
    'F2frequency_*': 'Hz',
    'F3frequency_*': 'Hz',
    'F*bandwidth_*': 'Hz',
    'F*amplitudeLogRelF0_*': 'dB',
    'alphaRatio*': 'dB',
    'hammarbergIndex*': 'dB',
    'slopeV0-500_*': 'dB/Hz',
    'slopeUV0-500_*': 'dB/Hz',
    'slopeV500-1500_*': 'dB/Hz',
    'slopeUV500-1500_*': 'dB/Hz',
    '*_stddevNorm': 'share of the mean',
    loudnessPeaksPerSec: '1/s',
    VoicedSegmentsPerSec: '1/s',
    '*SegmentLengthSec': 's',
    '*UnvoicedSegmentLength': 's',
    equivalentSoundLevel_dBp: 'dB',
  },
};

/** A feature over time and its functionals. */
function course(name: string, unit: string): Units {
  return {
    [`${name}*`]: unit,
    [`${name}_delta*`]: `${unit}/frame`,
    [`${name}_delta2*`]: `${unit}/frame^2`,
    [`${name}*_slope`]: `${unit}/frame`,
    [`${name}*_skewness`]: '',
    [`${name}*_kurtosis`]: '',
  };
}

/** What the columns of these groups count; for matrices, what their bands do. */
export function unitsOf(specs: readonly FeatureSpec[]): Units {
  return Object.assign({}, ...specs.map(unitsOfGroup)) as Units;
}

function unitsOfGroup(spec: FeatureSpec): Units {
  const [name] = Object.keys(spec) as [string];
  if (!isCourse(spec)) return MEASURES[name] ?? {};
  // A cubic root of power is no level.
  if ('gammatone_cepstra' in spec && spec.gammatone_cepstra.compression === 'cubic_root') return {};
  const unit = COURSES[name];
  return {
    ...(unit === undefined ? {} : course(name, unit)),
    ...('pyin' in spec ? { 'voiced*': SHARE } : {}),
  };
}
